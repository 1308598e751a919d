"""What the sweep does for the steps of runs, and what a cancel has to stop."""

from __future__ import annotations

import logging
from uuid import UUID

import psycopg

from nyxcore.db.connection import Connection, Database
from nyxcore.errors import NyxError
from nyxcore.llm.models import ModelFailure
from nyxcore.llm.stored_calls import begun, outcome
from nyxcore.queue import repository as queue
from nyxcore.runs import dispatch
from nyxcore.steps import engine, recording, repository, reviews
from nyxcore.steps.calls import repository as call_rows
from nyxcore.steps.calls.service import stored
from nyxcore.steps.recording import Place

_log = logging.getLogger(__name__)

_LOST = ModelFailure(
    code="call_lost",
    message="its execution was stopped, and no answer was recorded; retry the run",
    retryable=False,
    calls=(),
)


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


def call_lost(db: Database, tenant_id: UUID, run_id: UUID, place: Place) -> None:
    """End the call whose execution ended badly, and that none of its tasks has ended.

    A call that has ended stays as it is, and one that its caller has answered ends with that answer. Where nothing
    has been spent yet, the caller may be at it still: what is held for it is held on, until the sweep looks again.
    """
    where = stored(tenant_id, run_id, place)
    answer = outcome(where)
    ended = answer or _LOST.model_copy(update={"calls": begun(where)})
    recording.end(db, tenant_id, run_id, place, ended, settles=answer is not None or bool(ended.calls))


def wake(db: Database, tenant_id: UUID, run_id: UUID) -> None:
    """Have `dispatch` wake the run once more: whoever was to go on with it broke down."""
    with db.transaction(tenant_id) as connection:
        queue.wake(connection, tenant_id, run_id)


def executions_of(connection: Connection, tenant_id: UUID, run_id: UUID) -> list[str]:
    """Names of the executions that a run's calls have going on: to be stopped at a cancel."""
    open_ = call_rows.running_calls(connection, tenant_id, run_id)
    return [engine.Claim(row["key"], row["part"], row["attempt"], 0).execution(run_id) for row in open_]
