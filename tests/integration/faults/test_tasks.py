"""Tasks that crash, that are cancelled, that come too late, and a retry that goes on from what is finished."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from stages import Crash, Stage, WatchedDatabase, retry, run_until, stages
from task_runner import TaskRunner

from nyxcore.analysis import service as analysis
from nyxcore.errors import RunFinished, ToolFailed
from nyxcore.pipelines.auto_fix import progress
from nyxcore.pipelines.task import TaskInput
from nyxcore.runs import service as runs
from nyxcore.runs.models import FinalStatus
from nyxcore.runs.sweep import interrupt_orphans
from nyxcore.sources import packs

SAMPLE = Path(__file__).parents[3] / "local" / "nyx" / "sample"
ON_THE_DATABASES_SIDE = ("scan", "detect", "verify", "combine", "report", "finish")

FINDINGS = (
    "select position, file, rule, start_line, state, reason from findings"
    " where run_id = %s order by position, file"
)
FIXES = "select position, file, diff, evidence from fixes where run_id = %s order by position, file"
TABLES = ("run_events", "findings", "fixes", "reports")


@pytest.fixture
def sample(runner: TaskRunner, monkeypatch: pytest.MonkeyPatch) -> TaskRunner:
    """The sample in three packs; every report of progress is a commit."""
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(packs, "MAX_PACK_FILES", 2)
    shutil.copytree(SAMPLE, runner.tree, dirs_exist_ok=True)
    return runner


def whole(runner: TaskRunner, task: TaskInput) -> UUID:
    for stage in stages(task):
        stage.run(runner.db)
    return task.run_id


def outcome(runner: TaskRunner, run_id: UUID) -> dict[str, Any]:
    """What a run came to, without its ids.

    How many events of progress there are depends on the pace of the machine: of each phase it is the last that counts.
    """
    [run] = runner.rows("select status, phase, counts, progress, error from runs where id = %s", run_id)
    return {
        "run": run,
        "findings": runner.rows(FINDINGS, run_id),
        "fixes": runner.rows(FIXES, run_id),
        "patch": runner.patch(run_id),
        "reports": len(runner.rows("select id from reports where run_id = %s", run_id)),
        "events": sorted(kind for kind, _ in told(runner, run_id) if kind != "progress"),
        "progress": {phase: steps[-1] for phase, steps in progress_of(runner, run_id).items()},
    }


def progress_of(runner: TaskRunner, run_id: UUID) -> dict[str, list[tuple[int, int]]]:
    """(done, total) of the events of progress, by the phase in which they were told."""
    found: dict[str, list[tuple[int, int]]] = {}
    for kind, data in told(runner, run_id):
        if kind == "phase":
            found[data["phase"]] = steps = []
        elif kind == "progress":
            steps.append((data["done"], data["total"]))
    return found


def assert_progress_goes_on(runner: TaskRunner, run_id: UUID) -> None:
    """In each phase, entered once, no step is told twice and none goes back.

    A step is (done, total): while packs are still learning how much there is to fix, `total` may grow alone.
    """
    phases = [data["phase"] for kind, data in told(runner, run_id) if kind == "phase"]
    assert len(phases) == len(set(phases))
    for phase, steps in progress_of(runner, run_id).items():
        for before, after in pairwise(steps):
            assert before != after, f"{phase}: {after} is told twice"
            assert before[0] <= after[0] and before[1] <= after[1], f"{phase}: {after} after {before}"


def told(runner: TaskRunner, run_id: UUID) -> list[tuple[str, Any]]:
    rows = runner.rows("select seq, type, data from run_events where run_id = %s order by seq", run_id)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    return [(row["type"], row["data"]) for row in rows]


def items(runner: TaskRunner, run_id: UUID, kind: str) -> list[str]:
    """Ids of the findings, or fixes, that the events told of."""
    return [item["id"] for type, data in told(runner, run_id) if type == kind for item in data["items"]]


def everything(runner: TaskRunner, run_id: UUID) -> list[Any]:
    """Every row that hangs on the run, and its files."""
    rows = [runner.rows("select * from runs where id = %s", run_id)]
    rows += [
        runner.rows(f"select * from {table} where run_id = %s order by 1, 2, 3", run_id) for table in TABLES
    ]
    return [*rows, runner.rows("select * from files order by 1, 2, 3")]


def test_a_task_that_crashes_after_any_of_its_commits_and_is_run_again_changes_nothing(
    sample: TaskRunner, watched: WatchedDatabase
) -> None:
    clean = outcome(sample, whole(sample, sample.start(force=True)))
    crashes = dict.fromkeys(ON_THE_DATABASES_SIDE, 0)
    commit, crashed = 0, ["not yet"]
    while crashed:
        commit += 1
        task, crashed = sample.start(force=True), []
        for stage in stages(task):
            watched.crash_after(commit)
            try:
                stage.run(watched)
            except Crash:
                crashed.append(stage.name)
                crashes[stage.name] += 1
                watched.watch(None)
                stage.run(watched)

        assert outcome(sample, task.run_id) == clean, crashed
        assert_progress_goes_on(sample, task.run_id)
        for kind in ("findings", "fixes"):
            found = items(sample, task.run_id, kind)
            kept = {
                str(row["id"]) for row in sample.rows(f"select id from {kind} where run_id = %s", task.run_id)
            }
            assert len(found) == len(set(found)) and set(found) == kept
    assert all(crashes.values()), crashes


@pytest.mark.parametrize("commits", [0, 1, 2])
@pytest.mark.parametrize("name", ["scan", "detect", "verify", "combine", "report"])
def test_a_cancel_stops_the_task_at_its_next_look_at_the_database(
    sample: TaskRunner, watched: WatchedDatabase, name: str, commits: int
) -> None:
    task = sample.start()
    stage = next(run_until(sample.db, task, name))

    def cancel(number: int) -> None:
        if number == commits:
            with sample.db.transaction(sample.tenant_id) as connection:
                runs.cancel_run(connection, sample.tenant_id, task.run_id, actor="test")
            watched.watch(None)

    watched.watch(cancel)
    cancel(0)
    stopped = False
    try:
        stage.run(watched)
    except RunFinished:
        stopped = True
    assert watched.after_commit is None, f"{name} has less than {commits} commits"
    assert stopped or commits == 2, f"{name} does not look"  # the second may be its last
    assert (watched.begun, watched.commits) == (int(stopped), 0)
    assert_ended(sample, task, "cancelled")


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_a_late_task_cannot_write_to_a_finished_run(sample: TaskRunner, status: FinalStatus) -> None:
    task = sample.start()
    tasks = [*run_until(sample.db, task, "verify")]
    with sample.db.transaction(sample.tenant_id) as connection:
        runs.finish_run(connection, sample.tenant_id, task.run_id, status)
    assert_ended(sample, task, status)
    for name in ("scan", "detect"):
        assert_too_late(sample, Stage(name, task))
    for stage in tasks:
        assert_too_late(sample, stage)


def assert_ended(runner: TaskRunner, task: TaskInput, status: str) -> None:
    [run] = runner.rows("select status, last_seq, finished_at from runs where id = %s", task.run_id)
    events = told(runner, task.run_id)
    assert (run["status"], run["last_seq"]) == (status, len(events)) and run["finished_at"] is not None
    assert [kind for kind, _ in events].count("done") == 1 and events[-1][0] == "done"
    assert events[-1][1]["run"]["status"] == status
    if status != "succeeded":
        assert runner.rows("select id from findings where run_id = %s and state = 'open'", task.run_id) == []


def assert_too_late(runner: TaskRunner, stage: Stage) -> None:
    before = everything(runner, stage.task.run_id)
    if stage.name == "finish":
        stage.run(runner.db)
    else:
        with pytest.raises(RunFinished):
            stage.run(runner.db)
    assert everything(runner, stage.task.run_id) == before, stage.name


def test_a_retry_goes_on_from_the_packs_that_the_interrupted_run_has_finished(
    sample: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = outcome(sample, whole(sample, sample.start(force=True)))
    interrupted = sample.start(force=True, categories=None)
    for stage in stages(interrupted):
        if (stage.name, stage.task.pack) == ("verify", 1):
            break
        if (stage.name, stage.task.pack) != ("detect", 2):
            stage.run(sample.db)
    assert interrupt_orphans(sample.db) == [interrupted.run_id]
    halfway = retry(sample, interrupted.run_id)
    left = run_until(sample.db, halfway, "detect")  # this one does no pack of its own, and is ended as well
    assert next(left).name == "detect"
    assert interrupt_orphans(sample.db) == [halfway.run_id]

    again = retry(sample, halfway.run_id)
    worked_anew, fingerprint = [], analysis.rules_fingerprint()
    for stage in stages(again):
        with monkeypatch.context() as patch:
            if stage.name in {"detect", "verify"}:
                patch.setattr(analysis, "rules_fingerprint", lambda: fingerprint)
                patch.setattr(analysis, "_program", lambda _: "/nonexistent")
            try:
                stage.run(sample.db)
                continue
            except ToolFailed:
                worked_anew.append((stage.name, stage.task.pack))
        stage.run(sample.db)

    assert worked_anew == [("detect", 2), ("verify", 1), ("verify", 2)]
    assert outcome(sample, again.run_id) == clean
    [row] = sample.rows("select retry_of from runs where id = %s", again.run_id)
    assert row["retry_of"] == halfway.run_id
