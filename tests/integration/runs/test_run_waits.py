"""While a run waits its clock stands still: what was left until its deadline is there when it goes on."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from run_workspace import Workspace

from nyxcore.db.connection import Database
from nyxcore.errors import RunFinished
from nyxcore.runs import service
from nyxcore.runs.models import Event
from nyxcore.runs.sweep import interrupt_orphans, sweep
from nyxcore.settings import settings

DEADLINE = 3600


def pass_time(workspace: Workspace, seconds: float) -> None:
    """Every deadline that was written down is so much nearer."""
    workspace.execute("update runs set deadline = deadline - make_interval(secs => %s)", seconds)


def seconds_left(workspace: Workspace, run_id: UUID) -> float:
    with workspace.db.transaction(workspace.tenant_id) as connection:
        row = connection.execute(
            "select extract(epoch from deadline - clock_timestamp()) as left from runs where id = %s",
            (run_id,),
        ).fetchone()
    assert row is not None
    return float(row["left"])


def status(workspace: Workspace, run_id: UUID) -> str:
    return workspace.get(run_id).status


def test_a_run_waits_and_goes_on_and_says_both_in_its_log(workspace: Workspace) -> None:
    run = workspace.running()
    waiting = workspace.wait(run.id)
    assert waiting == workspace.get(run.id) and waiting.status == "waiting"
    resumed = workspace.resume(run.id)
    assert resumed is not None
    assert resumed == workspace.get(run.id) and resumed.status == "running"
    assert workspace.events(run.id) == [
        (number, "status", {"status": name})
        for number, name in enumerate(("queued", "running", "waiting", "running"), start=1)
    ]
    assert resumed.last_seq == 4


def test_a_run_that_waits_longer_than_it_may_run_goes_on_with_what_was_left(workspace: Workspace) -> None:
    run = workspace.running()
    pass_time(workspace, 3000)
    workspace.wait(run.id)
    pass_time(workspace, 30 * 86_400)
    assert sweep(workspace.db).overdue == []
    assert status(workspace, run.id) == "waiting"

    workspace.resume(run.id)
    assert 590 <= seconds_left(workspace, run.id) < 600
    pass_time(workspace, 580)
    assert sweep(workspace.db).overdue == []
    pass_time(workspace, 20)
    assert sweep(workspace.db).overdue == [run.id]
    ended = workspace.get(run.id)
    assert ended.error is not None and ended.error.code == "deadline_exceeded"


def test_a_run_past_its_deadline_cannot_begin_to_wait(workspace: Workspace) -> None:
    run = workspace.running()
    pass_time(workspace, DEADLINE + 1)
    assert workspace.wait(run.id) is None
    assert sweep(workspace.db).overdue == [run.id]


@pytest.mark.parametrize("before", ["queued", "waiting", "succeeded", "failed", "cancelled"])
def test_nothing_but_a_running_run_begins_to_wait(workspace: Workspace, before: str) -> None:
    run = workspace.create() if before == "queued" else workspace.running()
    if before == "waiting":
        workspace.wait(run.id)
    elif before != "queued":
        workspace.finish(run.id, before)
    found = workspace.get(run.id)
    assert workspace.wait(run.id) is None
    assert workspace.get(run.id) == found


@pytest.mark.parametrize("before", ["queued", "running", "succeeded", "failed", "cancelled"])
def test_nothing_but_a_waiting_run_goes_on(workspace: Workspace, before: str) -> None:
    run = workspace.create() if before == "queued" else workspace.running()
    if before in {"succeeded", "failed", "cancelled"}:
        workspace.finish(run.id, before)
    found = workspace.get(run.id)
    assert workspace.resume(run.id) is None
    assert workspace.get(run.id) == found


def test_of_those_that_resume_a_run_at_once_one_does(
    workspace: Workspace, more_databases: Callable[[], Database]
) -> None:
    run = workspace.running()
    workspace.wait(run.id)

    def resume(database: Database) -> bool:
        with database.transaction(workspace.tenant_id) as connection:
            return service.resume_run(connection, workspace.tenant_id, run.id) is not None

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(resume, [more_databases() for _ in range(4)])) == [False, False, False, True]
    assert [data["status"] for _, _, data in workspace.events(run.id)][2:] == ["waiting", "running"]


def test_a_waiting_run_is_cancelled_as_any_other_and_no_late_task_brings_it_back(
    workspace: Workspace,
) -> None:
    run = workspace.running()
    workspace.wait(run.id)
    with workspace.db.transaction(workspace.tenant_id) as connection:
        cancelled = service.cancel_run(connection, workspace.tenant_id, run.id, actor="token:test")
    assert cancelled.status == "cancelled"
    assert [kind for _, kind, _ in workspace.events(run.id)][-2:] == ["status", "done"]

    assert workspace.resume(run.id) is None
    with workspace.db.transaction(workspace.tenant_id) as connection:
        assert service.start_run(connection, workspace.tenant_id, run.id) is None
    with pytest.raises(RunFinished):
        workspace.append(run.id, Event("log", {"level": "info", "message": "late"}))
    assert workspace.finish(run.id) is None
    assert workspace.get(run.id) == cancelled


def test_a_task_that_is_late_changes_nothing_of_a_waits_clock(workspace: Workspace) -> None:
    run = workspace.running()
    workspace.wait(run.id)
    with workspace.db.transaction(workspace.tenant_id) as connection:
        assert service.start_run(connection, workspace.tenant_id, run.id) is None
    workspace.log(run.id, 1)
    assert status(workspace, run.id) == "waiting"
    pass_time(workspace, 2 * DEADLINE)
    assert sweep(workspace.db).overdue == []
    assert interrupt_orphans(workspace.db) == []
    workspace.resume(run.id)
    assert DEADLINE - 10 <= seconds_left(workspace, run.id) <= DEADLINE


@pytest.mark.parametrize("seed", range(6))
def test_no_run_is_running_more_than_two_minutes_beyond_its_deadline_nor_less_than_it_may(
    workspace: Workspace, seed: int
) -> None:
    """The clock goes on in random steps, a sweep at least every minute, with waits of any length in between."""
    assert settings().run_deadline_seconds == DEADLINE
    chance, run, ran = random.Random(seed), workspace.running(), 0.0
    while (now := status(workspace, run.id)) in {"running", "waiting"}:
        step = chance.uniform(20, 60) if now == "running" else chance.uniform(1, 2 * DEADLINE)
        pass_time(workspace, step)
        if now == "running":
            ran += step
            assert ran <= DEADLINE + 120
        sweep(workspace.db)
        if chance.random() < 0.2:
            _ = workspace.wait(run.id) if now == "running" else workspace.resume(run.id)
    assert status(workspace, run.id) == "failed"
    assert ran >= DEADLINE - 60  # less what the test itself took
