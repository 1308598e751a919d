"""What may go on at a run while a task writes rows that hang on it: their foreign keys hold the run's key."""

from __future__ import annotations

from collections.abc import Callable

from run_workspace import Workspace

from nyxcore import clock
from nyxcore.db.connection import Connection, Database
from nyxcore.findings.models import FindingRow
from nyxcore.findings.repository import insert_findings
from nyxcore.ids import uuid7
from nyxcore.queue import repository as queue
from nyxcore.runs import repository, service
from nyxcore.tenancy.repository import insert_ticket

FINDING = FindingRow(
    id=uuid7(),
    position=0,
    category="bug",
    severity="high",
    rule="ruff:F601",
    title="t",
    message="m",
    file="a.py",
    start_line=1,
    end_line=1,
    source="ruff",
    fingerprint="f",
)


def impatient(connection: Connection) -> None:
    """Whoever waits for a lock in this transaction fails."""
    connection.execute("set local lock_timeout = '200ms'")


def test_a_cancel_does_not_wait_for_a_task_that_is_writing_findings(
    workspace: Workspace, more_databases: Callable[[], Database]
) -> None:
    run, tenant_id = workspace.running(), workspace.tenant_id
    with workspace.db.transaction(tenant_id) as task:
        insert_findings(task, tenant_id, run.id, [FINDING])
        with more_databases().transaction(tenant_id) as connection:
            impatient(connection)
            cancelled = service.cancel_run(connection, tenant_id, run.id, actor="token:test")
    assert cancelled.status == "cancelled"


def test_a_ticket_in_the_making_does_not_hide_a_queued_run_from_dispatch(
    workspace: Workspace, more_databases: Callable[[], Database]
) -> None:
    run, tenant_id = workspace.create(), workspace.tenant_id
    with workspace.db.transaction(tenant_id) as asking:
        insert_ticket(
            asking,
            tenant_id,
            secret_sha256=bytes(32),
            run_id=run.id,
            token_id=None,
            subject=None,
            expires_at=clock.now(),
        )
        with more_databases().transaction(tenant_id) as connection:
            assert queue.lock_next_queued(connection, tenant_id, ["auto-fix"]) == run.id


def test_two_dispatchers_at_once_do_not_take_the_same_run(
    workspace: Workspace, more_databases: Callable[[], Database]
) -> None:
    run, tenant_id = workspace.create(), workspace.tenant_id
    with workspace.db.transaction(tenant_id) as first:
        assert repository.lock(first, tenant_id, run.id) is not None
        with more_databases().transaction(tenant_id) as second:
            assert queue.lock_next_queued(second, tenant_id, ["auto-fix"]) is None
