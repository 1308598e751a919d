"""A report whose prose a model writes: asked for, checked, kept; and complete when the model fails."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from report_runs import MODEL, answer, entry, finished, texts, writing
from task_runner import TaskRunner

from nyxcore.errors import RunFinished
from nyxcore.llm import stored_calls
from nyxcore.llm.models import ModelFailure
from nyxcore.pipelines.report.tasks import prepare, record
from nyxcore.runs import service as runs
from nyxcore.storage import objects


def reports_of(runner: TaskRunner) -> list[dict[str, Any]]:
    return runner.rows("select * from reports where style = 'executive' order by version")


def test_prose_that_keeps_to_the_facts_stands_in_the_report_with_who_wrote_it(runner: TaskRunner) -> None:
    task = writing(runner, finished(runner))
    keys = prepare(runner.db, task)
    asked = stored_calls.PreparedCall.model_validate(keys)
    question = objects.get(asked.call).decode()
    assert "What to decide" in question and "architect" in question.lower()
    answer(
        keys,
        texts(
            section1="All of it is known.", section2="There are 4711 more.", section3="", section4="Merge it."
        ),
    )
    record(runner.db, task)

    (made,) = reports_of(runner)
    assert "## State\n\nAll of it is known.\n\n" in made["content"]
    assert "4711" not in made["content"]
    footer = made["content"].splitlines()[-1]
    assert footer.endswith(f"models: none · 0 tokens · 0.00 USD · prose: `{MODEL}`, 1,000 tokens, 0.01 USD")
    assert (made["model"], made["persona"], made["tokens"], made["usd"]) == (
        MODEL,
        "architect",
        1000,
        Decimal("0.01"),
    )
    (run,) = runner.rows("select * from runs where id = %s", task.run_id)
    assert run["status"] == "succeeded"
    assert run["result"] == {"reportId": str(made["id"])}
    assert (run["cost_tokens"], run["cost_usd"]) == (1000, Decimal("0.01"))
    logs = runner.rows("select data from run_events where run_id = %s and type = 'log'", task.run_id)
    assert any("4711" in log["data"]["message"] for log in logs)  # what was left out, and why
    assert len(runner.rows("select * from llm_calls where run_id = %s", task.run_id)) == 1


def test_a_model_that_fails_leaves_the_report_complete_and_says_so(runner: TaskRunner) -> None:
    task = writing(runner, finished(runner))
    keys = prepare(runner.db, task)
    answer(
        keys, ModelFailure(code="model_unavailable", message="it is down", retryable=True, calls=(entry(),))
    )
    record(runner.db, task)
    (made,) = reports_of(runner)
    assert (made["model"], made["tokens"]) == (None, 1000)
    footer = made["content"].splitlines()[-1]
    assert footer.endswith("models: none · 0 tokens · 0.00 USD · prose: no answer, 1,000 tokens, 0.01 USD")
    (log,) = runner.rows("select data from run_events where run_id = %s and type = 'log'", task.run_id)
    assert log["data"]["message"] == "The report has no prose: it is down"


def test_each_task_done_twice_asks_pays_and_keeps_once(runner: TaskRunner) -> None:
    task = writing(runner, finished(runner))
    keys = prepare(runner.db, task)
    assert prepare(runner.db, task).items() >= {"call": keys["call"], "answer": keys["answer"]}.items()
    answer(keys, texts(section1="All of it is known."))
    record(runner.db, task)
    with pytest.raises(RunFinished):
        record(runner.db, task)
    assert len(reports_of(runner)) == 1
    assert len(runner.rows("select * from llm_calls where run_id = %s", task.run_id)) == 1


def test_a_run_that_was_cancelled_meanwhile_keeps_no_report_and_its_cost(runner: TaskRunner) -> None:
    task = writing(runner, finished(runner))
    keys = prepare(runner.db, task)
    answer(keys, texts(section1="All of it is known."))
    with runner.db.transaction(runner.tenant_id) as connection:
        runs.cancel_run(connection, runner.tenant_id, task.run_id, actor="test")
    with pytest.raises(RunFinished):
        record(runner.db, task)
    assert reports_of(runner) == []
    assert len(runner.rows("select * from llm_calls where run_id = %s", task.run_id)) == 1
