"""The steps of a run as they are shown, and what the sweep does for them."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from nyxcore.db.connection import Connection, Database
from nyxcore.errors import NotFound, NyxError
from nyxcore.llm.models import ModelFailure
from nyxcore.llm.stored_calls import outcome, spent
from nyxcore.queue import repository as queue
from nyxcore.runs import dispatch
from nyxcore.runs.models import FINISHED, Run
from nyxcore.steps import engine, recording, repository, reviews
from nyxcore.steps.calls import stored
from nyxcore.steps.models import RunStep, StepCall

_log = logging.getLogger(__name__)

type Row = Mapping[str, Any]

_LOST = ModelFailure(
    code="call_lost",
    message="its execution was stopped, and no answer was recorded; retry the run",
    retryable=False,
    calls=(),
)
_OPEN = frozenset({"pending", "running", "waiting"})


def steps_of(connection: Connection, tenant_id: UUID, run: Run) -> list[RunStep]:
    """Every step of the run in its order; none for a run that is no workflow or has not begun."""
    rows = repository.summaries(connection, tenant_id, run.id)
    return _shown(connection, tenant_id, run, rows)


def step_of(connection: Connection, tenant_id: UUID, run: Run, key: str) -> RunStep:
    """One step. Raises NotFound."""
    rows = [row for row in repository.summaries(connection, tenant_id, run.id) if row["key"] == key]
    if not rows:
        raise NotFound(f"run {run.id} has no step {key}")
    return _shown(connection, tenant_id, run, rows)[0]


def tend_all(db: Database) -> None:
    """What the sweep does for workflows: end reviews whose time is over, go on where nobody does.

    One tenant's trouble stops no other's.
    """
    with db.tenantless() as connection:
        tenant_ids = queue.tenants(connection)
    for tenant_id in tenant_ids:
        try:
            reviews.expire(db, tenant_id)
            dispatch.dispatch(db, [tenant_id])  # the runs of which a review has expired
            with db.transaction(tenant_id) as connection:
                stalled = repository.stalled(connection, tenant_id, older_than=engine.LOST_AFTER)
            for run_id in stalled:
                engine.advance(db, tenant_id, run_id)
        except (psycopg.Error, NyxError) as error:
            _log.warning("the workflows of tenant %s were not tended: %s", tenant_id, error)


def call_lost(db: Database, event: Mapping[str, Any]) -> bool:
    """End the call whose execution ended badly, and that none of its tasks has ended; whether `event` is of a call.

    `event` is EventBridge's "Step Functions Execution Status Change". A call that has ended stays as it is, and one
    that its caller has answered ends with that answer. Where nothing has been spent yet, the caller may be at it still:
    what is held for it is held on, until the sweep looks again.
    """
    try:
        given = json.loads(str(event["detail"]["input"]))
        call = given["call"]
        place = str(call["key"]), int(call["part"]), int(call["attempt"])
        tenant_id, run_id = UUID(str(given["tenantId"])), UUID(str(given["runId"]))
    except (ValueError, KeyError, TypeError):
        return False
    where = stored(tenant_id, run_id, place)
    calls = spent(where)
    ended = outcome(where) or _LOST.model_copy(update={"calls": calls})
    recording.end(db, tenant_id, run_id, place, ended, settles=bool(calls))
    return True


def wake(db: Database, tenant_id: UUID, run_id: UUID) -> None:
    """Have `dispatch` wake the run once more: whoever was to go on with it broke down."""
    with db.transaction(tenant_id) as connection:
        queue.wake(connection, tenant_id, run_id)


def executions_of(connection: Connection, tenant_id: UUID, run_id: UUID) -> list[str]:
    """Names of the executions that a run's calls have going on: to be stopped at a cancel."""
    open_ = repository.running_calls(connection, tenant_id, run_id)
    return [engine.Claim(row["key"], row["part"], row["attempt"], 0).execution(run_id) for row in open_]


def _shown(connection: Connection, tenant_id: UUID, run: Run, rows: Sequence[Row]) -> list[RunStep]:
    calls = defaultdict[str, list[Row]](list)
    for call in repository.calls(connection, tenant_id, run.id, [row["key"] for row in rows]):
        calls[call["key"]].append(call)
    return [_step(run, row, calls[row["key"]]) for row in rows]


def _step(run: Run, row: Row, calls: Sequence[Row]) -> RunStep:
    first = calls[0] if calls else {"prompt": None, "provenance": None}
    names = (
        *("key", "type", "attempt", "output", "data", "decision", "decided_by", "error", "expires_at"),
        *("child_run_id", "started_at", "finished_at"),
    )
    told = {name: row[name] for name in names}
    return RunStep(
        **told,
        status=_status(run, row["status"]),
        prompt=first["prompt"],
        provenance=first["provenance"],
        tokens=int(row["tokens"]),
        usd=float(row["usd"]),
        calls=[_call(run, call) for call in calls],
    )


def _call(run: Run, row: Row) -> StepCall:
    names = ("part", "label", "model", "attempt", "prompt", "provenance", "output", "error", "tokens")
    return StepCall(
        **{name: row[name] for name in names}, usd=float(row["usd"]), status=_status(run, row["status"])
    )


def _status(run: Run, status: str) -> Any:
    """What was open when the run ended has ended with it."""
    return "cancelled" if run.status in FINISHED and status in _OPEN else status
