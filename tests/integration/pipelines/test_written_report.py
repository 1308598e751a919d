"""A report whose prose a model writes: asked for, checked, kept; and complete when the model fails."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from task_runner import TaskRunner

from nyxcore import clock
from nyxcore.errors import RunFinished
from nyxcore.llm import stored_calls
from nyxcore.llm.models import OUTCOME, LedgerEntry, ModelAnswer, ModelFailure
from nyxcore.pipelines.report.tasks import prepare, record
from nyxcore.pipelines.task import TaskInput
from nyxcore.runs import service as runs
from nyxcore.settings import settings
from nyxcore.storage import objects

UNUSED = "import os\nimport sys\n\nprint(sys.path)\n"
MODEL = "bedrock:anthropic.claude-test"


@pytest.fixture(autouse=True)
def bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever deploys has opened it to all."""
    monkeypatch.setenv("NYX_BEDROCK_TENANTS", '["*"]')
    settings.cache_clear()
    yield
    settings.cache_clear()


def writing(runner: TaskRunner, *, style: str = "executive", persona: str | None = "architect") -> TaskInput:
    """A running run of kind `report` on a finished run."""
    runner.write({"a.py": UNUSED})
    on = runner.whole_run()
    with runner.db.transaction(runner.tenant_id) as connection:
        wanted = {"run_id": str(on), "style": style, "language": "en", "model": MODEL, "persona": persona}
        run = runs.create_report_run(
            connection, runner.tenant_id, project_id=runner.project_id, input=wanted, actor="test"
        )
        runs.start_run(connection, runner.tenant_id, run.id)
    return TaskInput(tenant_id=runner.tenant_id, run_id=run.id)


def entry(**changes: Any) -> LedgerEntry:
    told: dict[str, Any] = {
        "number": 1, "protocol": "bedrock", "model": MODEL, "input_tokens": 900, "output_tokens": 100,
        "cached_tokens": 0, "usd": Decimal("0.01"), "price_version": "test", "latency_ms": 5,
        "outcome": "succeeded", "started_at": clock.now(),
    }  # fmt: skip
    return LedgerEntry(**told | changes)


def answer(keys: dict[str, str | None], said: ModelAnswer | ModelFailure) -> None:
    objects.put(str(keys["answer"]), OUTCOME.dump_json(said, by_alias=True))


def texts(**sections: str) -> ModelAnswer:
    return ModelAnswer(text="{}", data=sections, model=MODEL, calls=(entry(),))


def reports_of(runner: TaskRunner) -> list[dict[str, Any]]:
    return runner.rows("select * from reports where style = 'executive' order by version")


def test_prose_that_keeps_to_the_facts_stands_in_the_report_with_who_wrote_it(runner: TaskRunner) -> None:
    task = writing(runner)
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
    assert f"models: `{MODEL}`" in made["content"]
    assert "No model was used" not in made["content"]
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
    task = writing(runner)
    keys = prepare(runner.db, task)
    answer(keys, ModelFailure(code="model_unavailable", message="it is down", retryable=True, calls=()))
    record(runner.db, task)
    (made,) = reports_of(runner)
    assert made["model"] is None
    assert "models: none" in made["content"]
    (log,) = runner.rows("select data from run_events where run_id = %s and type = 'log'", task.run_id)
    assert log["data"]["message"] == "The report has no prose: it is down"


def test_each_task_done_twice_asks_pays_and_keeps_once(runner: TaskRunner) -> None:
    task = writing(runner)
    keys = prepare(runner.db, task)
    assert prepare(runner.db, task).items() >= {"call": keys["call"], "answer": keys["answer"]}.items()
    answer(keys, texts(section1="All of it is known."))
    record(runner.db, task)
    with pytest.raises(RunFinished):
        record(runner.db, task)
    assert len(reports_of(runner)) == 1
    assert len(runner.rows("select * from llm_calls where run_id = %s", task.run_id)) == 1


def test_a_run_that_was_cancelled_meanwhile_keeps_no_report_and_its_cost(runner: TaskRunner) -> None:
    task = writing(runner)
    keys = prepare(runner.db, task)
    answer(keys, texts(section1="All of it is known."))
    with runner.db.transaction(runner.tenant_id) as connection:
        runs.cancel_run(connection, runner.tenant_id, task.run_id, actor="test")
    with pytest.raises(RunFinished):
        record(runner.db, task)
    assert reports_of(runner) == []
    assert len(runner.rows("select * from llm_calls where run_id = %s", task.run_id)) == 1
