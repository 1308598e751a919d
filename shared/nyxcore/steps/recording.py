"""How a call ends: its answer is entered, with what it has cost, or the reason for which there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from nyxcore.budgets import service as budgets
from nyxcore.budgets.models import Amount, Attempt
from nyxcore.db.connection import Connection, Database
from nyxcore.errors import NotFound
from nyxcore.llm.models import LedgerEntry, ModelAnswer, ModelFailure
from nyxcore.personas import service as personas
from nyxcore.runs import repository as runs_repository
from nyxcore.runs.models import FINISHED, CostSoFar, Event
from nyxcore.steps import completing, engine, repository
from nyxcore.steps.pinned import Pinned, pinned
from nyxcore.steps.values import is_judge
from nyxcore.workflows.definition import Step

type Place = tuple[str, int, int]
"""Key of a step, part of its calls, attempt."""


def attempt_of(run_id: UUID, place: Place) -> Attempt:
    """What the ledger and the objects know this attempt of a call by."""
    return Attempt(run_id, f"{place[0]}.{place[1]}", place[2])


def enter_answer(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    place: Place,
    answer: ModelAnswer | ModelFailure,
) -> None:
    """Enter what came of an attempt: ledger, output, what becomes of its step; after the commit: `engine.advance`.

    Doing it twice enters nothing twice. A run that has ended meanwhile keeps the ledger's rows and nothing else.
    """
    spent = _settle(connection, tenant_id, attempt_of(run_id, place), answer.calls)
    run = _open_run(connection, tenant_id, run_id)
    if run is None:
        return
    if isinstance(answer, ModelAnswer):
        entered = repository.end_call(
            connection, tenant_id, run_id, place, status="succeeded", output=answer.text, data=answer.data,
            tokens=spent.tokens, usd=spent.usd,
        )  # fmt: skip
        if entered:
            _count_use(connection, tenant_id, run, place)
            _tell(connection, tenant_id, run, place[0], [])
    else:
        error = {"code": answer.code, "message": answer.message}
        again = answer.retryable and place[2] <= run.step(place[0]).retries
        _end(connection, tenant_id, run, place, error, spent, again=again)


def end_failed(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    place: Place,
    error: Mapping[str, str],
    *,
    calls: Sequence[LedgerEntry] = (),
) -> None:
    """End an attempt that broke down, or that was never made; after the commit: `engine.advance`.

    `calls` are those that were begun all the same: nobody knows how they ended, and they are charged at the most.
    """
    spent = _settle(connection, tenant_id, attempt_of(run_id, place), calls)
    run = _open_run(connection, tenant_id, run_id)
    if run is not None:
        _end(connection, tenant_id, run, place, error, spent, again=False)


def lose(db: Database, tenant_id: UUID, run_id: UUID, place: Place, error: Mapping[str, str]) -> None:
    """End an attempt whose execution has ended without any of its tasks having said so, and go on without it."""
    with db.transaction(tenant_id) as connection:
        end_failed(connection, tenant_id, run_id, place, error)
    engine.advance(db, tenant_id, run_id)


def _settle(
    connection: Connection, tenant_id: UUID, attempt: Attempt, calls: Sequence[LedgerEntry]
) -> Amount:
    """What the attempt has spent, now in the ledger. The month is locked before the run, here as everywhere."""
    try:
        return budgets.settle(connection, tenant_id, attempt, calls)
    except NotFound:
        return Amount()  # it was refused before anything was held for it


def _open_run(connection: Connection, tenant_id: UUID, run_id: UUID) -> Pinned | None:
    row = runs_repository.lock(connection, tenant_id, run_id)
    return None if row is None or row["status"] in FINISHED else pinned(connection, tenant_id, row)


def _end(  # noqa: PLR0917 - an attempt, and why it came to nothing
    connection: Connection,
    tenant_id: UUID,
    run: Pinned,
    place: Place,
    error: Mapping[str, str],
    spent: Amount,
    *,
    again: bool,
) -> None:
    """End an attempt without an answer; `again`: the next may begin."""
    status = "pending" if again else "failed"
    if not repository.end_call(
        connection, tenant_id, run.id, place, status=status, error=error, tokens=spent.tokens, usd=spent.usd
    ):
        return
    key, _, attempt = place
    events = []
    if again:
        repository.raise_attempt(connection, tenant_id, run.id, key, attempt + 1)
        events = completing.enter(connection, tenant_id, run, run.step(key), "running")
    _tell(connection, tenant_id, run, key, events)


def _count_use(connection: Connection, tenant_id: UUID, run: Pinned, place: Place) -> None:
    step = run.step(place[0])
    key = speaker(step, judging=is_judge(step, place[1]))
    if key is None:
        return
    attempt = attempt_of(run.id, place)
    try:
        persona = personas.by_key(connection, tenant_id, key)
    except NotFound:
        return  # deleted while it was speaking: nobody is left to learn from it
    personas.used(
        connection, tenant_id, persona.id, run_id=run.id, step=attempt.step, attempt=attempt.attempt
    )


def speaker(step: Step, *, judging: bool) -> str | None:
    """Key of the persona that a call of the step speaks as, or None."""
    if judging:
        return step.judge.persona if step.judge else None
    return step.persona


def _tell(connection: Connection, tenant_id: UUID, run: Pinned, key: str, events: Sequence[Event]) -> None:
    """End the step, if that was its last call, and tell of it and of what the run has cost."""
    ended = completing.complete(connection, tenant_id, run, run.step(key))
    total, usd = repository.spent(connection, tenant_id, run.id)
    usage = Event("usage", {"tokens": total, "usd": float(usd)})
    states = repository.states(connection, tenant_id, run.id)
    cost = CostSoFar(total, usd)
    engine.tell(connection, tenant_id, run, states, [*events, *ended, usage], cost=cost)
