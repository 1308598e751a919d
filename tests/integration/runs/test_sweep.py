"""What the minute sweep, a badly ended execution and a restart do to runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import boto3
import pytest
from moto import mock_aws
from run_workspace import Workspace

from nyxcore.ids import uuid7
from nyxcore.runs.sweep import execution_ended, interrupt_orphans, sweep


@pytest.fixture(autouse=True)
def step_functions() -> Iterator[None]:
    with mock_aws():
        definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
        boto3.client("stepfunctions").create_state_machine(
            name="auto-fix", definition=definition, roleArn="arn:aws:iam::123456789012:role/machine"
        )
        yield


def ended(workspace: Workspace, run_id: UUID, status: str = "FAILED", **detail: Any) -> dict[str, Any]:
    given = {"tenantId": str(workspace.tenant_id), "runId": str(run_id)}
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"name": str(run_id), "status": status, "input": json.dumps(given)} | detail,
    }


def test_a_run_past_its_deadline_fails_with_its_done_and_the_next_one_starts(workspace: Workspace) -> None:
    late, on_time, next_one = workspace.running(), workspace.running(), workspace.create()
    workspace.execute("update runs set deadline = now() - interval '1 second' where id = %s", late.id)

    result = sweep(workspace.db)

    assert (result.overdue, result.started, result.failed) == ([late.id], [next_one.id], [])
    failed = workspace.get(late.id)
    assert failed.error is not None
    assert (failed.status, failed.error.code) == ("failed", "deadline_exceeded")
    assert workspace.events(late.id)[-1][1] == "done"
    assert [workspace.get(run.id).status for run in (on_time, next_one)] == ["running", "running"]
    assert sweep(workspace.db).overdue == []


def test_a_run_that_waits_leaves_its_turn_to_the_next_and_goes_on_beside_it(workspace: Workspace) -> None:
    workspace.execute("update tenant_settings set max_running_runs = 1")
    run, next_one = workspace.running(), workspace.create()
    assert sweep(workspace.db).started == []
    workspace.wait(run.id)
    assert sweep(workspace.db).started == [next_one.id]
    assert workspace.resume(run.id) is not None
    assert [workspace.get(one.id).status for one in (run, next_one)] == ["running", "running"]


def test_events_are_removed_when_their_time_is_over_and_done_stays(
    workspace: Workspace, new_tenant: Callable[[], UUID]
) -> None:
    other = Workspace(workspace.db, new_tenant())
    old, recent, unfinished, kept_longer = (
        workspace.running(),
        workspace.running(),
        workspace.running(),
        other.running(),
    )
    other.execute("update tenant_settings set event_retention_days = 100")
    for run, days in ((old, 91), (recent, 89)):
        workspace.finish(run.id)
        workspace.execute(
            "update runs set finished_at = now() - make_interval(days => %s) where id = %s", days, run.id
        )
    other.finish(kept_longer.id)
    other.execute("update runs set finished_at = now() - interval '91 days'")

    result = sweep(workspace.db)

    assert result.events == 2
    assert [(seq, kind) for seq, kind, _ in workspace.events(old.id)] == [(3, "done")]
    assert [len(workspace.events(run.id)) for run in (recent, unfinished)] == [3, 2]
    assert len(other.events(kept_longer.id)) == 3
    assert sweep(workspace.db).events == 0


def test_tickets_answers_and_deleted_reports_go_when_their_time_is_over(workspace: Workspace) -> None:
    run, tenant = workspace.running(), workspace.tenant_id
    for number, age in enumerate(("1 minute", "-1 minute")):
        workspace.execute(
            "insert into stream_tickets (tenant_id, secret_sha256, run_id, expires_at)"
            " values (%s, %s, %s, now() - %s::interval)",
            tenant,
            bytes([number] * 32),
            run.id,
            age,
        )
    for key, age in (("old", "25 hours"), ("fresh", "23 hours")):
        workspace.execute(
            "insert into idempotency_keys (tenant_id, key, request_sha256, created_at)"
            " values (%s, %s, %s, now() - %s::interval)",
            tenant,
            key,
            bytes(32),
            age,
        )
    for version, deleted in enumerate(("31 days", "29 days", None), start=1):
        workspace.execute(
            "insert into reports (tenant_id, id, project_id, run_id, type, style, version, title, content,"
            " content_sha256, deleted_at) values (%s, %s, %s, %s, 'auto-fix', 'technical', %s, 't', 'c', %s,"
            " now() - %s::interval)",
            tenant,
            uuid7(),
            workspace.project_id,
            run.id,
            version,
            bytes(32),
            deleted,
        )

    result = sweep(workspace.db)

    assert (result.tickets, result.answers, result.reports) == (1, 1, 1)
    with workspace.db.transaction(tenant) as connection:
        left = connection.execute(
            "select (select count(*) from stream_tickets) as tickets,"
            " (select array_agg(key) from idempotency_keys) as keys,"
            " (select array_agg(version order by version) from reports) as reports"
        ).fetchone()
    assert left == {"tickets": 1, "keys": ["fresh"], "reports": [2, 3]}


@pytest.mark.parametrize(
    ("status", "code"),
    [("FAILED", "pipeline_failed"), ("TIMED_OUT", "pipeline_timed_out"), ("ABORTED", "pipeline_aborted")],
)
def test_an_execution_that_ends_badly_ends_its_run(workspace: Workspace, status: str, code: str) -> None:
    run, queued = workspace.running(), workspace.create()
    workspace.execute("update tenant_settings set max_running_runs = 1")

    first = execution_ended(workspace.db, ended(workspace, run.id, status))
    again = execution_ended(workspace.db, ended(workspace, run.id, status))

    assert first is not None and first.error is not None and again is None
    assert (first.status, first.error.code) == ("failed", code)
    assert [kind for _, kind, _ in workspace.events(run.id)] == ["status", "status", "done"]
    assert workspace.get(queued.id).status == "running"


def test_an_execution_that_was_stopped_by_a_cancel_leaves_the_run_cancelled(workspace: Workspace) -> None:
    run = workspace.running()
    workspace.finish(run.id, "cancelled")
    assert execution_ended(workspace.db, ended(workspace, run.id, "ABORTED")) is None
    assert workspace.get(run.id).status == "cancelled"


@pytest.mark.parametrize(
    "detail",
    [
        {"status": "SUCCEEDED"},
        {"status": "RUNNING"},
        {"status": None},
        {"input": None},
        {"input": "[]"},
        {"input": "not json"},
        {"input": '{"tenantId": 1, "runId": "x"}'},
        {"input": json.dumps({"tenantId": str(uuid7()), "runId": str(uuid7())})},
    ],
)
def test_an_event_of_no_run_that_ended_badly_changes_nothing(
    workspace: Workspace, detail: dict[str, Any]
) -> None:
    run = workspace.running()
    assert execution_ended(workspace.db, ended(workspace, run.id, **detail)) is None
    assert workspace.get(run.id) == run


def test_after_a_restart_runs_that_nobody_works_on_are_interrupted_and_others_are_not(
    workspace: Workspace, new_tenant: Callable[[], UUID]
) -> None:
    other = Workspace(workspace.db, new_tenant())
    running, waiting, queued, elsewhere = (
        workspace.running(),
        workspace.running(),
        workspace.create(),
        other.running(),
    )
    workspace.wait(waiting.id)

    assert sorted(interrupt_orphans(workspace.db)) == sorted([running.id, elsewhere.id])

    error = workspace.get(running.id).error
    assert error is not None and error.code == "interrupted"
    assert workspace.events(running.id)[-1][1] == "done"
    assert [workspace.get(run.id).status for run in (waiting, queued)] == ["waiting", "queued"]
    assert interrupt_orphans(workspace.db) == []
