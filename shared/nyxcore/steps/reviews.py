"""What people decide: a review, or which of a step's answers counts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection, Database
from nyxcore.errors import Conflict, InvalidInput, NotFound
from nyxcore.queue import repository as queue
from nyxcore.runs import repository as runs_repository
from nyxcore.runs.models import FINISHED
from nyxcore.runs.repository import storable
from nyxcore.steps import engine, repository
from nyxcore.steps.calls import repository as call_rows
from nyxcore.steps.completing import enter
from nyxcore.steps.models import Decision, ShownDecision
from nyxcore.steps.pinned import Pinned, pinned
from nyxcore.tenancy.service import audit
from nyxcore.workflows.conditions import parse_condition, paths
from nyxcore.workflows.definition import Step

type Row = dict[str, Any]

_REFUSED = {
    "reject": {"code": "review_rejected", "message": "it was rejected"},
    "expire": {"code": "review_expired", "message": "nobody has decided it in time"},
}


def decide(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    key: str,
    *,
    decision: Decision,
    content: str | None,
    alternative: int | None,
    actor: str,
) -> bool:
    """Decide a waiting review, or pick an answer; whether that changed anything. After the commit: `dispatch`.

    The same decision again changes nothing. The run is woken in this transaction, so that the sweep goes on with it
    should its caller be killed after the commit. Rejecting ends the step as failed, unless another step says in its
    `when` what a rejection means.

    Raises
    ------
    NotFound : there is no such run or step.
    Conflict : it does not wait: it has not begun, was decided otherwise, or the run has ended.
    InvalidInput : an edit without content, a pick of no answer, or of several answers none.
    """
    row = runs_repository.lock(connection, tenant_id, run_id)
    state = repository.get(connection, tenant_id, run_id, key)
    if row is None or state is None:
        raise NotFound(f"run {run_id} has no step {key}")
    run = pinned(connection, tenant_id, row)
    chosen = _chosen(connection, tenant_id, run, state, decision, content, alternative)
    if state["decision"] is not None:
        if state["decision"] == decision and ("output" not in chosen or chosen["output"] == state["output"]):
            return False
        raise Conflict(f"step {key} was decided already: {state['decision']}")
    if state["status"] != "waiting" or row["status"] in FINISHED:
        told = row["status"] if row["status"] in FINISHED else state["status"]
        raise Conflict(f"step {key} does not wait for a decision: it is {told}")
    audit(
        connection, tenant_id, actor=actor, action="step.decide", target=f"run:{run_id}", step=key, decision=decision
    )  # fmt: skip
    _settle(connection, tenant_id, run, key, decision, decided_by=actor, **chosen)
    return True


def expire(db: Database, tenant_id: UUID) -> None:
    """Decide the reviews whose time is over as `expire`; after it: `dispatch`. The sweep calls it."""
    with db.transaction(tenant_id) as connection:
        expired = repository.expired_reviews(connection, tenant_id)
    for run_id, key in expired:
        with db.transaction(tenant_id) as connection:
            row = runs_repository.lock(connection, tenant_id, run_id)
            state = repository.get(connection, tenant_id, run_id, key)
            if row is None or state is None or row["status"] in FINISHED or state["status"] != "waiting":
                continue
            _settle(connection, tenant_id, pinned(connection, tenant_id, row), key, "expire")


def _settle(
    connection: Connection, tenant_id: UUID, run: Pinned, key: str, decision: ShownDecision, **columns: Any
) -> None:
    """End a waiting step as its decision says, and note that the run is to go on."""
    step = run.step(key)
    error = _REFUSED.get(decision)
    if error is not None and not handles_refusal(run, step):
        events = enter(connection, tenant_id, run, step, "failed", decision=decision, error=error, **columns)
    else:
        events = enter(connection, tenant_id, run, step, "succeeded", decision=decision, **columns)
    queue.wake(connection, tenant_id, run.id)
    engine.tell(connection, tenant_id, run, repository.states(connection, tenant_id, run.id), events)


def handles_refusal(run: Pinned, step: Step) -> bool:
    """Whether a step says in its `when` what follows from this one's decision."""
    return any(
        path.parts == ("steps", step.key, "decision")
        for other in run.workflow.steps
        if other.when is not None
        for path in paths(parse_condition(other.when))
    )


def _chosen(  # noqa: PLR0917 - a decision, and what it is about
    connection: Connection,
    tenant_id: UUID,
    run: Pinned,
    state: Row,
    decision: Decision,
    content: str | None,
    alternative: int | None,
) -> dict[str, Any]:
    """`output`, and `data` of a picked answer, as the decision leaves them; empty where it leaves what is there."""
    if decision == "edit" and content is None:
        raise InvalidInput("an edit needs content: what the step's output is to be")
    if decision != "edit" and content is not None:
        raise InvalidInput(f"content goes with the decision edit; with {decision} nothing is changed")
    if decision != "approve" and alternative is not None:
        raise InvalidInput(f"alternative goes with the decision approve, not {decision}")
    if content is not None:
        return {"output": storable(content)}
    picks = decision == "approve" and state["status"] == "waiting" and run.step(state["key"]).pick == "person"
    if alternative is None and not picks:
        return {}
    answers = call_rows.answers(connection, tenant_id, run.id, [state["key"]])
    if alternative is None:
        named = ", ".join(f"{number} ({each['label']})" for number, each in enumerate(answers, start=1))
        raise InvalidInput(f"say which answer of step {state['key']} is approved, as alternative: {named}")
    if not 1 <= alternative <= len(answers):
        raise InvalidInput(f"there is no answer {alternative}: step {state['key']} has {len(answers)}")
    picked = answers[alternative - 1]
    return {"output": picked["output"] or "", "data": picked["data"]}
