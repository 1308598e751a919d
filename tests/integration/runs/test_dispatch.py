"""Which queued runs are started, by whom, and in which order."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import boto3
import pytest
from moto import mock_aws
from run_workspace import Workspace

from nyxcore.db.connection import Database
from nyxcore.runs import dispatch, service

ROLE = "arn:aws:iam::123456789012:role/machine"
PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})


@pytest.fixture
def step_functions() -> Iterator[object]:
    """Step Functions with the state machine of auto-fix."""
    with mock_aws():
        client = boto3.client("stepfunctions")
        client.create_state_machine(name="auto-fix", definition=PASS, roleArn=ROLE)
        yield client


def executions(client: object) -> list[str]:
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:auto-fix"
    found = client.list_executions(stateMachineArn=machine)["executions"]  # type: ignore[attr-defined]
    return [execution["name"] for execution in found]


def limit(workspace: Workspace, runs: int) -> None:
    workspace.execute("update tenant_settings set max_running_runs = %s", runs)


def test_a_run_is_started_once_with_its_ids_and_its_source_and_nothing_else(
    workspace: Workspace, step_functions: object
) -> None:
    run = workspace.create()

    assert dispatch.dispatch(workspace.db, [workspace.tenant_id]) == [run.id]
    assert dispatch.dispatch(workspace.db, [workspace.tenant_id]) == []

    started = workspace.get(run.id)
    assert (started.status, started.phase) == ("running", "fetching")
    assert [kind for _, kind, _ in workspace.events(run.id)] == ["status", "status", "phase", "progress"]
    arn = dispatch.execution_arn("arn:aws:states:us-east-1:123456789012:stateMachine:auto-fix", run.id)
    execution = step_functions.describe_execution(executionArn=arn)  # type: ignore[attr-defined]
    assert json.loads(execution["input"]) == {
        "tenantId": str(workspace.tenant_id),
        "runId": str(run.id),
        "source": {"type": "path", "path": "/srv/demo"},
    }


def test_a_tenant_has_no_more_runs_at_once_than_its_limit_and_the_oldest_come_first(
    workspace: Workspace, step_functions: object
) -> None:
    runs = [workspace.create() for _ in range(4)]
    limit(workspace, 2)

    assert dispatch.dispatch(workspace.db) == [runs[0].id, runs[1].id]
    assert dispatch.dispatch(workspace.db) == []
    workspace.finish(runs[0].id)
    assert dispatch.dispatch(workspace.db) == [runs[2].id]


def test_tenants_take_turns(
    workspace: Workspace, new_tenant: Callable[[], UUID], step_functions: object
) -> None:
    other = Workspace(workspace.db, new_tenant())
    mine = [workspace.create() for _ in range(3)]
    theirs = [other.create() for _ in range(2)]
    for tenant in (workspace, other):
        limit(tenant, 10)

    started = dispatch.dispatch(workspace.db)

    assert started == [mine[0].id, theirs[0].id, mine[1].id, theirs[1].id, mine[2].id]


def test_two_dispatchers_at_once_keep_the_limit_and_start_nothing_twice(
    workspace: Workspace, more_databases: Callable[[], Database], step_functions: object
) -> None:
    runs = [workspace.create() for _ in range(6)]
    limit(workspace, 3)
    gate = threading.Barrier(4)

    def work(database: Database) -> list[UUID]:
        gate.wait()
        return dispatch.dispatch(database, [workspace.tenant_id])

    with ThreadPoolExecutor(4) as pool:
        started = [run_id for ids in pool.map(work, [more_databases() for _ in range(4)]) for run_id in ids]

    assert sorted(started) == [run.id for run in runs[:3]]
    assert sorted(executions(step_functions)) == sorted(str(run_id) for run_id in started)
    assert [workspace.get(run.id).status for run in runs] == ["running"] * 3 + ["queued"] * 3


def test_a_run_whose_execution_cannot_be_started_stays_queued_and_is_started_later(
    workspace: Workspace,
) -> None:
    run = workspace.create()
    with mock_aws():
        assert dispatch.dispatch(workspace.db) == []
        assert workspace.get(run.id) == run
        boto3.client("stepfunctions").create_state_machine(name="auto-fix", definition=PASS, roleArn=ROLE)
        assert dispatch.dispatch(workspace.db) == [run.id]


def test_trouble_with_one_tenant_does_not_keep_others_from_starting(
    workspace: Workspace,
    new_tenant: Callable[[], UUID],
    step_functions: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = Workspace(workspace.db, new_tenant())
    stuck, free = workspace.create(), other.create()
    start = dispatch._start_execution

    def fail_for_the_first(machine: str, name: str, task: Mapping[str, object]) -> None:
        if name == str(stuck.id):
            raise dispatch.ExecutionNotStarted("throttled")
        start(machine, name, task)

    monkeypatch.setattr(dispatch, "_start_execution", fail_for_the_first)

    assert dispatch.dispatch(workspace.db) == [free.id]
    assert workspace.get(stuck.id).status == "queued"


def test_an_execution_that_an_earlier_dispatcher_started_and_lost_is_taken_over(
    workspace: Workspace, step_functions: object
) -> None:
    run = workspace.create()
    step_functions.start_execution(  # type: ignore[attr-defined]
        stateMachineArn="arn:aws:states:us-east-1:123456789012:stateMachine:auto-fix",
        name=str(run.id),
        input=json.dumps({"written": "otherwise"}),
    )
    assert dispatch.dispatch(workspace.db) == [run.id]
    assert executions(step_functions) == [str(run.id)]


def test_stopping_ends_the_execution_and_what_cannot_be_stopped_is_only_logged(
    workspace: Workspace, step_functions: object, caplog: pytest.LogCaptureFixture
) -> None:
    run = workspace.create()
    dispatch.dispatch(workspace.db)
    with workspace.db.transaction(workspace.tenant_id) as connection:
        cancelled = service.cancel_run(connection, workspace.tenant_id, run.id, actor="token:test")

    dispatch.stop_execution(cancelled)

    arn = dispatch.execution_arn("arn:aws:states:us-east-1:123456789012:stateMachine:auto-fix", run.id)
    assert step_functions.describe_execution(executionArn=arn)["status"] == "ABORTED"  # type: ignore[attr-defined]
    step_functions.delete_state_machine(  # type: ignore[attr-defined]
        stateMachineArn="arn:aws:states:us-east-1:123456789012:stateMachine:auto-fix"
    )
    dispatch.stop_execution(cancelled)
    assert f"execution:auto-fix:{run.id} was not stopped" in caplog.text
