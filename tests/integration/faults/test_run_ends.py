"""Runs that nobody works on any more are ended, and no other: the sweep against whatever happens meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import boto3
import pytest
from moto import mock_aws
from run_workspace import Workspace

from nyxcore.db import connection as connections
from nyxcore.db.connection import Connection, Database
from nyxcore.errors import DatabaseUnavailable
from nyxcore.queue import repository as queue
from nyxcore.runs import dispatch, repository, service, sweep
from nyxcore.settings import settings
from sweep.handler import handler

PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
PAST = "update runs set deadline = now() - interval '1 second' where id = %s"


@pytest.fixture(autouse=True)
def step_functions() -> Iterator[Any]:
    """Step Functions with the state machine of auto-fix; its executions go on until they are stopped."""
    with mock_aws():
        client = boto3.client("stepfunctions")
        client.create_state_machine(
            name="auto-fix", definition=PASS, roleArn="arn:aws:iam::123456789012:role/machine"
        )
        yield client


def failed_execution(workspace: Workspace, run_id: UUID, status: str = "FAILED") -> dict[str, Any]:
    given = {"tenantId": str(workspace.tenant_id), "runId": str(run_id)}
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"name": str(run_id), "status": status, "input": json.dumps(given)},
    }


@pytest.mark.parametrize(
    ("find", "swept"),
    [("overdue", sweep.sweep), ("running", sweep.interrupt_orphans)],
    ids=["sweep", "start"],
)
def test_a_run_that_begins_to_wait_after_it_was_found_is_not_ended(
    workspace: Workspace,
    more_databases: Callable[[], Database],
    monkeypatch: pytest.MonkeyPatch,
    find: str,
    swept: Callable[[Database], object],
) -> None:
    run, other = workspace.running(), more_databases()
    workspace.execute(PAST, run.id)
    found_by = getattr(queue, find)

    def find_and_be_overtaken(connection: Connection, tenant_id: UUID) -> list[UUID]:
        found: list[UUID] = found_by(connection, tenant_id)
        assert found == [run.id]
        with other.transaction(tenant_id) as task:
            task.execute(
                "update runs set status = 'waiting', time_left = '1 hour', deadline = null where id = %s",
                (run.id,),
            )
        return found

    monkeypatch.setattr(queue, find, find_and_be_overtaken)
    swept(workspace.db)
    assert workspace.get(run.id).status == "waiting"


def test_a_run_that_is_given_more_time_after_it_was_found_is_not_ended(
    workspace: Workspace, more_databases: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other, found_by = workspace.running(), more_databases(), queue.overdue
    workspace.execute(PAST, run.id)

    def find_and_be_overtaken(connection: Connection, tenant_id: UUID) -> list[UUID]:
        found = found_by(connection, tenant_id)
        with other.transaction(tenant_id) as task:
            task.execute("update runs set deadline = now() + interval '1 hour' where id = %s", (run.id,))
        return found

    monkeypatch.setattr(queue, "overdue", find_and_be_overtaken)
    assert sweep.sweep(workspace.db).overdue == []
    assert workspace.get(run.id).status == "running"


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_an_execution_that_ends_badly_does_not_end_a_run_that_waits(
    workspace: Workspace, status: str
) -> None:
    run = workspace.running()
    workspace.wait(run.id)
    assert sweep.execution_ended(workspace.db, failed_execution(workspace, run.id, status)) is None
    assert workspace.get(run.id).status == "waiting"


def test_the_execution_of_an_overdue_run_is_stopped(workspace: Workspace, step_functions: Any) -> None:
    run = workspace.create()
    assert dispatch.dispatch(workspace.db) == [run.id]
    workspace.execute(PAST, run.id)
    assert sweep.sweep(workspace.db).overdue == [run.id]
    assert execution_status(step_functions, run.id) == "ABORTED"


def execution_status(step_functions: Any, run_id: UUID) -> str:
    arn = dispatch.execution_arn(settings().state_machines["auto-fix"], run_id)
    status: str = step_functions.describe_execution(executionArn=arn)["status"]
    return status


def overdue_executions(workspace: Workspace, count: int) -> list[UUID]:
    """Runs whose executions go on past their deadline, in the order in which they are swept."""
    run_ids = sorted(workspace.create().id for _ in range(count))
    assert sorted(dispatch.dispatch(workspace.db)) == run_ids
    for run_id in run_ids:
        workspace.execute(PAST, run_id)
    return run_ids


def test_an_overdue_run_that_is_locked_holds_up_no_other(
    workspace: Workspace, more_databases: Callable[[], Database], step_functions: Any
) -> None:
    locked, late = overdue_executions(workspace, 2)
    with more_databases().transaction(workspace.tenant_id) as task:
        assert repository.lock(task, workspace.tenant_id, locked) is not None
        before = time.monotonic()
        result = sweep.sweep(workspace.db)
        waited = time.monotonic() - before
    assert (result.overdue, result.failed) == ([late], [])
    assert waited < 15, "it waits for a lock as long as for any statement: 30 s"
    assert [execution_status(step_functions, run) for run in (locked, late)] == ["RUNNING", "ABORTED"]
    assert sweep.sweep(workspace.db).overdue == [locked]
    assert execution_status(step_functions, locked) == "ABORTED"


def test_a_child_that_is_locked_holds_up_no_other(
    workspace: Workspace, more_databases: Callable[[], Database]
) -> None:
    parent = workspace.running()
    locked, left = sorted(workspace.create(parent_run_id=parent.id).id for _ in range(2))
    workspace.finish(parent.id)
    with more_databases().transaction(workspace.tenant_id) as task:
        assert repository.lock(task, workspace.tenant_id, locked) is not None
        assert sweep.sweep(workspace.db).failed == []
    assert [workspace.get(run).status for run in (locked, left)] == ["queued", "cancelled"]


def test_what_a_sweep_has_ended_is_stopped_though_the_next_run_of_the_tenant_cannot_be_ended(
    workspace: Workspace, step_functions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, unlucky = overdue_executions(workspace, 2)
    finish = service.finish_run

    def fail(connection: Connection, tenant_id: UUID, run_id: UUID, *words: Any, **more: Any) -> Any:
        if run_id == unlucky:
            connection.execute("select 1 / 0")
        return finish(connection, tenant_id, run_id, *words, **more)

    monkeypatch.setattr(service, "finish_run", fail)
    result = sweep.sweep(workspace.db)
    assert (result.overdue, result.failed) == ([late], [workspace.tenant_id])
    assert execution_status(step_functions, late) == "ABORTED"


def test_a_sweep_that_is_cut_off_has_ended_and_started_runs_of_every_tenant_first(
    workspace: Workspace, new_tenant: Callable[[], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants = [workspace, *(Workspace(workspace.db, new_tenant()) for _ in range(3))]
    late = [tenant.running() for tenant in tenants]
    queued = [tenant.create() for tenant in tenants]
    for tenant, run in zip(tenants, late, strict=True):
        tenant.execute(PAST, run.id)

    def timeout(*_: object) -> None:
        raise SystemExit("Lambda ends the function here")

    monkeypatch.setattr(sweep, "_forget", timeout)
    with pytest.raises(SystemExit):
        sweep.sweep(workspace.db)
    assert [t.get(run.id).status for t, run in zip(tenants, late, strict=True)] == ["failed"] * 4
    assert [t.get(run.id).status for t, run in zip(tenants, queued, strict=True)] == ["running"] * 4


def test_while_the_database_is_away_the_end_of_an_execution_is_an_error_that_lambda_repeats(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = workspace.running()
    event = failed_execution(workspace, run.id)
    with closing(Database("postgresql://nyx_app@127.0.0.1:1/none")) as away:
        monkeypatch.setattr(connections, "_database", away)
        with pytest.raises(DatabaseUnavailable):
            handler(event, None)
    monkeypatch.setattr(connections, "_database", workspace.db)
    assert handler(event, None) == {"ended": str(run.id)}
    assert handler(event, None) == {"ended": None}
    assert [kind for _, kind, _ in workspace.events(run.id)] == ["status", "status", "done"]
