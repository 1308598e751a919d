"""The auto-fix pipeline, from a folder to a settled run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from task_runner import TaskRunner

from nyxcore.errors import RunFinished, SourceRefused
from nyxcore.pipelines.auto_fix.detect import detect
from nyxcore.pipelines.auto_fix.fetch import fetch
from nyxcore.pipelines.auto_fix.scan import scan
from nyxcore.pipelines.failing import fail
from nyxcore.runs import service as runs

SAMPLE = Path(__file__).parents[3] / "local" / "nyx" / "sample"

FINDINGS = (
    "select file, rule, start_line, state, reason, category, severity from findings where run_id = %s"
    " order by file, start_line, rule, message"
)
FIXES = "select file, diff, safe, evidence from fixes where run_id = %s order by file, diff"


@pytest.fixture
def sample(runner: TaskRunner) -> TaskRunner:
    shutil.copytree(SAMPLE, runner.tree, dirs_exist_ok=True)
    return runner


def result(runner: TaskRunner, run_id: UUID) -> Any:
    return runner.rows(FINDINGS, run_id), runner.rows(FIXES, run_id), runner.patch(run_id)


def test_a_run_ends_with_every_finding_settled_and_a_patch_that_applies(sample: TaskRunner) -> None:
    run_id = sample.whole_run()
    findings = sample.rows(FINDINGS, run_id)
    assert {row["state"] for row in findings} <= {"fixed", "no_fix", "not_a_bug", "failed"}
    assert any(row["state"] == "fixed" for row in findings)
    assert all(row["reason"] for row in findings if row["state"] != "fixed")
    sample.apply(run_id)
    compiled = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "compileall", "-q", sample.tree], check=False
    )
    assert compiled.returncode == 0


def test_a_run_on_the_result_fixes_nothing_more(sample: TaskRunner) -> None:
    sample.apply(sample.whole_run())
    again = sample.whole_run()
    assert [row for row in sample.rows(FINDINGS, again) if row["state"] == "fixed"] == []
    assert sample.patch(again) == b""


def test_every_task_run_twice_leaves_the_same_rows_and_events(sample: TaskRunner) -> None:
    once, twice = sample.whole_run(force=True), sample.whole_run(force=True, times=2)
    assert result(sample, once) == result(sample, twice)
    kinds = "select type, count(*) from run_events where run_id = %s and type <> 'progress' group by type order by type"
    assert sample.rows(kinds, once) == sample.rows(kinds, twice)
    assert len(sample.rows("select 1 as one from reports where run_id = %s", twice)) == 1


def test_an_unchanged_repository_gives_the_same_from_what_is_known(
    sample: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sample.whole_run()
    for stage in ("detect", "verify", "combine"):
        monkeypatch.setattr(
            f"nyxcore.analysis.service.{stage}", lambda *_, **__: pytest.fail("was worked anew")
        )
    second = sample.whole_run()
    assert result(sample, first) == result(sample, second)


def test_a_changed_file_is_judged_anew_and_the_rest_stays(sample: TaskRunner) -> None:
    first = sample.whole_run()
    sample.write({"inventory/extra.py": "import os\n\nprint('x' == None)\n"})
    second, fresh = sample.whole_run(), sample.whole_run(force=True)
    assert result(sample, second) == result(sample, fresh)
    before = [row for row in sample.rows(FINDINGS, first) if row["file"] != "inventory/extra.py"]
    after = [row for row in sample.rows(FINDINGS, second) if row["file"] != "inventory/extra.py"]
    assert before == after


def test_only_the_wanted_categories_are_reported(sample: TaskRunner) -> None:
    run_id = sample.whole_run(categories=["security"])
    assert {row["category"] for row in sample.rows(FINDINGS, run_id)} == {"security"}


def test_a_folder_without_source_succeeds_and_says_so(runner: TaskRunner) -> None:
    runner.write({"notes.txt": "nothing"})
    run_id = runner.whole_run()
    [report] = runner.rows("select content from reports where run_id = %s", run_id)
    assert "nothing to scan" in report["content"]
    [run] = runner.rows("select status, counts from runs where id = %s", run_id)
    assert run["status"] == "succeeded" and run["counts"]["files"] == 0


def test_the_events_tell_of_every_phase_finding_and_fix_in_order_and_end_with_done(
    sample: TaskRunner,
) -> None:
    run_id = sample.whole_run()
    events = sample.rows("select type, data from run_events where run_id = %s order by seq", run_id)
    phases = [event["data"]["phase"] for event in events if event["type"] == "phase"]
    assert phases == ["scanning", "detecting", "fixing", "verifying", "reporting"]
    assert events[-1]["type"] == "done" and events[-1]["data"]["run"]["status"] == "succeeded"
    told = {item["id"] for event in events if event["type"] == "findings" for item in event["data"]["items"]}
    kept = {str(row["id"]) for row in sample.rows("select id from findings where run_id = %s", run_id)}
    assert told == kept
    told = {item["id"] for event in events if event["type"] == "fixes" for item in event["data"]["items"]}
    kept = {str(row["id"]) for row in sample.rows("select id from fixes where run_id = %s", run_id)}
    assert told == kept


def test_a_task_of_a_cancelled_run_stops_and_nothing_stays_open(sample: TaskRunner) -> None:
    task = sample.start()
    fetch(task)
    scan(sample.db, task)
    detect(sample.db, task)
    with sample.db.transaction(sample.tenant_id) as connection:
        runs.cancel_run(connection, sample.tenant_id, task.run_id, actor="test")
    with pytest.raises(RunFinished):
        detect(sample.db, task)
    states = {row["state"] for row in sample.rows(FINDINGS, task.run_id)}
    assert states == {"failed"}


def test_a_failure_ends_the_run_with_the_reason(sample: TaskRunner) -> None:
    task = sample.start()
    cause = '{"errorMessage": "the archive is broken", "errorType": "SourceRefused"}'
    fail(sample.db, task.model_copy(update={"failure": {"Error": "SourceRefused", "Cause": cause}}))
    [run] = sample.rows("select status, error from runs where id = %s", task.run_id)
    assert run == {
        "status": "failed",
        "error": {"code": "source_refused", "message": "the archive is broken"},
    }


def test_a_failure_of_unknown_kind_shows_no_internals(sample: TaskRunner) -> None:
    task = sample.start()
    cause = '{"errorMessage": "password=hunter2", "errorType": "ZeroDivisionError"}'
    fail(sample.db, task.model_copy(update={"failure": {"Error": "ZeroDivisionError", "Cause": cause}}))
    [run] = sample.rows("select error from runs where id = %s", task.run_id)
    assert run["error"]["code"] == "task_failed" and "hunter2" not in run["error"]["message"]


def test_a_full_disk_is_called_a_full_disk(sample: TaskRunner) -> None:
    task = sample.start()
    cause = '{"errorMessage": "PutObject: No space left on device", "errorType": "ClientError"}'
    fail(sample.db, task.model_copy(update={"failure": {"Error": "ClientError", "Cause": cause}}))
    [run] = sample.rows("select error from runs where id = %s", task.run_id)
    assert run["error"]["code"] == "storage_full" and "Free some room" in run["error"]["message"]


def test_a_path_is_refused_outside_the_embedded_stack(
    sample: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nyxcore.settings import settings

    task = sample.start()
    monkeypatch.setenv("NYX_DEPLOYMENT", "aws")
    settings.cache_clear()
    with pytest.raises(SourceRefused, match="archive"):
        fetch(task)
