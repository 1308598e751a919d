"""The auto-fix pipeline where something is late, gone or at the same time."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from task_runner import TaskRunner

from nyxcore.analysis import service as analysis
from nyxcore.db.connection import Database
from nyxcore.errors import RunFinished, SourceRefused
from nyxcore.findings import repository as findings_repository
from nyxcore.pipelines.auto_fix import fetch as fetch_task
from nyxcore.pipelines.auto_fix.combine import combine
from nyxcore.pipelines.auto_fix.detect import detect
from nyxcore.pipelines.auto_fix.fetch import fetch
from nyxcore.pipelines.auto_fix.progress import PackProgress
from nyxcore.pipelines.auto_fix.scan import scan
from nyxcore.pipelines.auto_fix.verify import verify
from nyxcore.pipelines.failing import fail
from nyxcore.runs import service as runs
from nyxcore.settings import settings
from nyxcore.sources import packs
from nyxcore.storage import objects

SAMPLE = Path(__file__).parents[3] / "local" / "nyx" / "sample"


@pytest.fixture
def sample(runner: TaskRunner) -> TaskRunner:
    shutil.copytree(SAMPLE, runner.tree, dirs_exist_ok=True)
    return runner


def cancel(runner: TaskRunner, run_id: Any) -> None:
    with runner.db.transaction(runner.tenant_id) as connection:
        runs.cancel_run(connection, runner.tenant_id, run_id, actor="test")


def test_before_the_engine_has_counted_the_progress_that_scan_wrote_stays(sample: TaskRunner) -> None:
    task = sample.start()
    fetch(task)
    scan(sample.db, task)
    state = "select progress, last_seq from runs where id = %s"
    before = sample.rows(state, task.run_id)
    assert before[0]["progress"]["total"] > 0
    progress = PackProgress(sample.db, task, phase="detecting", unit="files")

    progress.report(0, 0)

    assert sample.rows(state, task.run_id) == before
    cancel(sample, task.run_id)
    progress = PackProgress(sample.db, task, phase="detecting", unit="files")
    with pytest.raises(RunFinished):
        progress.report(0, 0)


@pytest.mark.parametrize("gone", ["/outcome", "/patch"])
def test_an_outcome_that_storage_has_let_go_before_its_index_is_worked_out_anew(
    sample: TaskRunner, gone: str
) -> None:
    first = sample.whole_run()
    bucket = settings().bucket
    kept = objects.client().list_objects_v2(Bucket=bucket)["Contents"]
    [key] = [entry["Key"] for entry in kept if entry["Key"].endswith(gone) and "/known/" in entry["Key"]]
    objects.client().delete_object(Bucket=bucket, Key=key)

    second = sample.whole_run()

    assert sample.patch(second) == sample.patch(first) != b""
    states = "select file, rule, state, reason from findings where run_id = %s order by position"
    assert sample.rows(states, second) == sample.rows(states, first) != []


def test_a_run_that_is_cancelled_while_its_fixes_are_put_together_gets_no_patch(
    sample: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = sample.start()
    fetch(task)
    scan(sample.db, task)
    detect(sample.db, task)
    verify(sample.db, task)

    put_together = analysis.combine

    def cancelled_at_its_end(*arguments: Any, **options: Any) -> None:
        put_together(*arguments, **options)
        cancel(sample, task.run_id)

    monkeypatch.setattr(analysis, "combine", cancelled_at_its_end)
    with pytest.raises(RunFinished):
        combine(sample.db, task)

    assert objects.size(task.key("fixes.patch")) is None
    assert sample.rows("select 1 as one from fixes where run_id = %s", task.run_id) == []


def test_packs_that_are_scanned_at_once_count_every_finding_once(
    runner: TaskRunner, monkeypatch: pytest.MonkeyPatch, database_urls: Any
) -> None:
    monkeypatch.setattr(packs, "MAX_PACK_FILES", 1)
    runner.write({"a.py": "print(1 == None)\n", "b.py": "print(2 == None)\nprint(3 == None)\n"})
    task = runner.start()
    fetch(task)
    assert scan(runner.db, task)["packs"] == [0, 1]
    both_wrote = threading.Barrier(2, timeout=30)
    insert = findings_repository.insert_findings

    def insert_and_meet(*arguments: Any) -> Any:
        new = insert(*arguments)
        both_wrote.wait()
        return new

    monkeypatch.setattr(findings_repository, "insert_findings", insert_and_meet)

    def work(pack: int) -> None:
        database = Database(database_urls.app_url)
        detect(database, task.model_copy(update={"pack": pack}))
        database.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (0, 1)))

    [run] = runner.rows("select counts from runs where id = %s", task.run_id)
    [found] = runner.rows("select count(*) as n from findings where run_id = %s", task.run_id)
    assert run["counts"]["findings"] == found["n"] > 0


def test_an_archive_that_is_too_large_is_refused_before_it_is_downloaded(
    runner: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_task, "MAX_ARCHIVE_BYTES", 99)
    monkeypatch.setattr(objects, "download", lambda *_: pytest.fail("was downloaded"))
    task = runner.start()
    key = task.key("archive")
    objects.put(key, bytes(100))
    with pytest.raises(SourceRefused, match="has 100 bytes; at most 99 are taken"):
        fetch(task.model_copy(update={"source": {"type": "archive", "key": key}}))


@pytest.mark.parametrize("options", [{}, {"force": True}])
def test_a_retry_takes_over_what_the_failed_run_had_finished(
    runner: TaskRunner, monkeypatch: pytest.MonkeyPatch, options: dict[str, bool]
) -> None:
    monkeypatch.setattr(packs, "MAX_PACK_FILES", 1)
    runner.write({"a.py": "import os\n", "b.py": "import sys\n"})
    failed = runner.start(**options)
    fetch(failed)
    scan(runner.db, failed)
    detect(runner.db, failed)  # pack 0; the run fails before the other one
    with runner.db.transaction(runner.tenant_id) as connection:
        runs.finish_run(connection, runner.tenant_id, failed.run_id, "failed")
        again = runs.retry_run(connection, runner.tenant_id, failed.run_id, actor="test")
    with runner.db.transaction(runner.tenant_id) as connection:
        runs.start_run(connection, runner.tenant_id, again.id)
    work = analysis.detect
    known: list[str] = []

    def told_what_is_known(*arguments: Any, **given: Any) -> None:
        known.extend(path.read_text() for path in given["known"])
        work(*arguments, **given)

    monkeypatch.setattr(analysis, "detect", told_what_is_known)
    runner.run(failed.model_copy(update={"run_id": again.id}))

    assert any('"a.py"' in record for record in known)
    assert not any('"b.py"' in record for record in known)
    states = runner.rows("select file, state from findings where run_id = %s order by file", again.id)
    assert [(row["file"], row["state"]) for row in states] == [("a.py", "fixed"), ("b.py", "fixed")]


def test_a_run_that_lost_the_database_does_not_tell_where_it_is(runner: TaskRunner) -> None:
    task = runner.start()
    words = "the database cannot be reached: connection to server at 10.71.0.4 failed for user nyx_app"
    cause = json.dumps({"errorMessage": words, "errorType": "DatabaseUnavailable"})
    fail(runner.db, task.model_copy(update={"failure": {"Error": "DatabaseUnavailable", "Cause": cause}}))
    [run] = runner.rows("select error from runs where id = %s", task.run_id)
    assert run["error"]["code"] == "database_unavailable"
    assert "10.71" not in run["error"]["message"] and "nyx_app" not in run["error"]["message"]
