"""The report and the pdf pipeline, whose tasks crash after any of their commits and are run again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from report_runs import answer, finished, texts, writing
from stages import Crash, WatchedDatabase
from task_runner import TaskRunner

from nyx.environment import FONTS
from nyxcore import clock
from nyxcore.db.connection import Database
from nyxcore.errors import RunFinished
from nyxcore.llm.stored_calls import StoredCall
from nyxcore.pipelines.pdf.finish import finish
from nyxcore.pipelines.pdf.prepare import Printing
from nyxcore.pipelines.pdf.prepare import prepare as lay_out
from nyxcore.pipelines.report.tasks import prepare, record
from nyxcore.pipelines.task import TaskInput
from nyxcore.reports import pdf
from nyxcore.runs import service as runs
from nyxcore.settings import settings
from nyxcore.storage import objects

type Task = tuple[str, Callable[[Database], object]]

RUN = "select status, phase, progress, counts, error, cost_tokens, cost_usd from runs where id = %s"
CALLS = "select step, attempt, number, outcome, usd from llm_calls where run_id = %s"
HELD = "select 1 from budget_reservations where run_id = %s and closed_at is null"
REPORT = "select title, style, language, content, model, persona, tokens, usd from reports where id = %s"


@pytest.fixture(autouse=True)
def machines(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of all three kinds may be made, and pages be laid out."""
    arns = {kind: f"arn:aws:states:us-east-1:1:stateMachine:{kind}" for kind in ("auto-fix", "pdf", "report")}
    monkeypatch.setenv("NYX_STATE_MACHINES", json.dumps(arns))
    monkeypatch.setenv("NYX_FONTS", str(FONTS))
    settings.cache_clear()


def play(tasks: Sequence[Task], watched: WatchedDatabase, commit: int = 0) -> list[str]:
    """Run the tasks; those that crashed after so many of their commits were run again, as Step Functions does."""
    crashed = []
    for name, task in tasks:
        watched.crash_after(commit)
        try:
            task(watched)
        except Crash:
            crashed.append(name)
            watched.watch(None)
            with suppress(RunFinished):  # the crash came after the run's end: the state machine ends as well
                task(watched)
    return crashed


def told(runner: TaskRunner, run_id: UUID) -> list[tuple[str, Any]]:
    """The whole log; of `done` and of reports without what differs from run to run."""
    rows = runner.rows("select seq, type, data from run_events where run_id = %s order by seq", run_id)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    found = []
    for row in rows:
        data = row["data"]
        if row["type"] == "done":
            data = {name: data["run"][name] for name in ("status", "phase", "progress", "error", "cost")}
        found.append((row["type"], {name: value for name, value in data.items() if name != "id"}))
    return found


def outcome(runner: TaskRunner, run_id: UUID) -> dict[str, Any]:
    """What a run came to, without its ids."""
    [result] = runner.rows("select result from runs where id = %s", run_id)
    return {
        "run": runner.rows(RUN, run_id),
        "report": runner.rows(REPORT, result["result"].get("reportId")),
        "printed": (result["result"].get("pages"), result["result"].get("bytes")),
        "calls": runner.rows(CALLS, run_id),
        "held": runner.rows(HELD, run_id),
        "events": told(runner, run_id),
    }


def report_tasks(runner: TaskRunner, task: TaskInput) -> list[Task]:
    """The report pipeline; what the model says is taken in part."""

    def call(_: Database) -> None:
        keys = StoredCall.of(task.tenant_id, task.run_id, "prose", 1)
        assert objects.size(keys.call)
        said = {"section1": "All of it is known.", "section2": "There are 4711 more.", "section3": ""}
        answer({"answer": keys.answer}, texts(**said, section4="Merge it."))

    return [
        ("prepare", lambda db: prepare(db, task)),
        ("call", call),
        ("record", lambda db: record(db, task)),
    ]


def test_a_report_whose_tasks_crash_after_any_commit_is_kept_paid_and_told_once(
    runner: TaskRunner, watched: WatchedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    on, now = finished(runner), clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)  # a report names the time at which it was made
    task = writing(runner, on)
    assert play(report_tasks(runner, task), watched) == []
    clean = outcome(runner, task.run_id)
    assert clean["report"] and len(clean["calls"]) == 1 and clean["held"] == []
    assert [kind for kind, _ in clean["events"]] == [
        *("status", "status", "phase", "progress", "log", "log", "usage", "report", "done"),
    ]  # each log names a section whose prose was left out
    reports, commit, crashed, seen = 2, 0, ["not yet"], set[str]()  # that of the run itself is there too
    while crashed:
        commit += 1
        task = writing(runner, on)
        crashed = play(report_tasks(runner, task), watched, commit)
        seen |= set(crashed)
        assert outcome(runner, task.run_id) == clean, f"after commit {commit}, {crashed}"
        reports += 1
        assert len(runner.rows("select 1 from reports")) == reports, f"after commit {commit}, {crashed}"
    assert seen == {"prepare", "record"} and commit > 3


def printing(runner: TaskRunner, text: str) -> TaskInput:
    """A running run of kind `pdf`."""
    wanted = pdf.of_markdown(
        runner.tenant_id, text, title="Minutes", language="en", paper="A4", now=clock.now()
    )
    with runner.db.transaction(runner.tenant_id) as connection:
        run = runs.create_pdf_run(
            connection, runner.tenant_id, project_id=None, input=wanted.model_dump(mode="json"), actor="test"
        )
        runs.start_run(connection, runner.tenant_id, run.id)
    return TaskInput(tenant_id=runner.tenant_id, run_id=run.id)


def pdf_tasks(runner: TaskRunner, task: TaskInput) -> list[Task]:
    """The pdf pipeline; its printer, which has no database, only puts something in the PDF's place."""

    made: list[Printing] = []

    def render(_: Database) -> None:
        keys = made[-1]
        assert objects.size(keys["source"])
        objects.client().put_object(
            Bucket=settings().bucket, Key=keys["target"], Body=b"%PDF-", Metadata={"pages": "7"}
        )

    return [
        ("prepare", lambda db: made.append(lay_out(db, task))),
        ("render", render),
        ("finish", lambda db: finish(db, task)),
    ]


def test_a_pdf_whose_tasks_crash_after_any_commit_is_told_once(
    runner: TaskRunner, watched: WatchedDatabase
) -> None:
    task = printing(runner, "# Minutes")
    assert play(pdf_tasks(runner, task), watched) == []
    clean = outcome(runner, task.run_id)
    assert clean["printed"] == (7, 5)
    assert [kind for kind, _ in clean["events"]] == ["status", "status", "phase", "progress", "done"]
    commit, crashed, seen = 0, ["not yet"], set[str]()
    while crashed:
        commit += 1
        task = printing(runner, f"# Minutes {commit}")
        crashed = play(pdf_tasks(runner, task), watched, commit)
        seen |= set(crashed)
        assert outcome(runner, task.run_id) == clean, f"after commit {commit}, {crashed}"
    assert seen == {"prepare", "finish"} and commit > 2
