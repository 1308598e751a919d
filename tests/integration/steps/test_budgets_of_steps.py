"""What may be spent: by a step, by a run, by a tenant; and how long it may take."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from workbench import Workbench, answered, entry

from nyxcore.llm.errors import HoldUsedUp
from nyxcore.llm.models import ModelAnswer, ModelCall, ModelFailure
from nyxcore.settings import settings
from nyxcore.steps.previewing import preview_of
from nyxcore.workflows import lint
from nyxcore.workflows.preview import WorkflowPreview

ONE: dict[str, Any] = {"key": "one", "prompt": "{{input}}", "model": "bedrock:m", "maxOutputTokens": 100}
TWO: dict[str, Any] = {
    "key": "two",
    "prompt": "{{steps.one.content}}",
    "model": "bedrock:m",
    "maxOutputTokens": 100,
}


@pytest.fixture(autouse=True)
def model(bench: Workbench) -> None:
    """Answers that cost a thousand tokens."""
    bench.machine.model = lambda _: answered("yes").model_copy(
        update={"calls": (entry(input_tokens=900, output_tokens=100),)}
    )


def failure(bench: Workbench, *steps: dict[str, Any], **more: Any) -> str:
    run = bench.get(bench.run(*steps, **more))
    assert run.status == "failed" and run.error is not None and run.error.code == "budget_exceeded"
    return run.error.message


def test_the_budget_of_a_step_is_for_what_that_step_spends_alone(bench: Workbench) -> None:
    run_id = bench.run(ONE, TWO | {"budget": {"tokens": 1500}})
    assert bench.get(run_id).status == "succeeded", "the thousand tokens of the other step do not count"
    message = failure(bench, ONE | {"budget": {"tokens": 50}}, TWO)
    assert message.startswith("step one: the budget of step one is 50 tokens: 0 are spent")


def test_the_calls_of_a_step_share_its_budget(bench: Workbench) -> None:
    step = ONE | {"prompt": "{{item}}", "forEach": ["a", "b", "c"], "budget": {"tokens": 1200}}
    message = failure(bench, step)
    assert "the budget of step one is 1200 tokens" in message
    assert len(bench.machine.asked) == 1, "the second would not fit any more"


def test_the_budget_of_a_run_is_for_all_its_steps(bench: Workbench) -> None:
    message = failure(bench, ONE, TWO, budget={"tokens": 1500})
    assert message.startswith("step two: the budget of the run is 1500 tokens: 1000 are spent, 0 are held")


LIST: dict[str, Any] = {
    "key": "each",
    "prompt": "{{item}}",
    "forEach": ["a", "b " * 40],
    "model": "bedrock:m",
    "maxOutputTokens": 60,
}
PICK: dict[str, Any] = {
    "key": "pick", "prompt": "Choose for {{input}} given {{steps.one.content}}", "models": ["bedrock:m", "bedrock:n"],
    "pick": "judge", "maxOutputTokens": 80, "needs": ["one"],
}  # fmt: skip
DEAR: dict[str, Any] = {
    "key": "dear",
    "needs": ["pick", "each"],
    "prompt": "Write.",
    "model": "bedrock:m",
    "fallbacks": ["bedrock:dear"],
}


def spends_everything(question: ModelCall) -> ModelAnswer:
    """An answer as long as it may be, that costs all that was held for it."""
    data = {"pick": 2, "reasons": "because " * 1_000} if question.output_schema else None
    used = entry(input_tokens=question.limit_tokens, output_tokens=0, usd=question.limit_usd)
    return ModelAnswer(
        text="word " * question.max_output_tokens, data=data, model=question.model, calls=(used,)
    )


def previewed(bench: Workbench, *steps: dict[str, Any]) -> WorkflowPreview:
    workflow = lint.accept({"name": "w", "goal": "Say what matters.", "steps": list(steps)})
    with bench.db.transaction(bench.tenant_id) as connection:
        return preview_of(connection, bench.tenant_id, workflow, "the input")


def test_a_budget_of_what_the_preview_holds_lets_every_call_begin_whatever_they_spend(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    dear = (
        '{"bedrock:m": {"inputUsd": 1, "outputUsd": 2}, "bedrock:dear": {"inputUsd": 100, "outputUsd": 200}}'
    )
    monkeypatch.setenv("NYX_MODEL_PRICES", dear)
    settings.cache_clear()
    steps = (ONE, LIST, PICK, DEAR)
    shown = previewed(bench, *steps)
    budgets = {each.key: each.held.model_dump() for each in shown.steps if each.held}
    bench.machine.model = spends_everything
    limited = [each | {"budget": budgets[each["key"]]} for each in steps]
    run = bench.get(bench.run(*limited, budget=shown.held.model_dump()))
    assert (run.error, run.status) == (None, "succeeded")
    assert 0 < run.cost.usd <= shown.held.usd <= shown.at_most.usd
    assert len(bench.machine.asked) == 7, "the judge was asked too"


def test_what_the_preview_tells_of_a_call_is_what_is_held_for_it(bench: Workbench) -> None:
    step = ONE | {"fallbacks": ["bedrock:n"], "retries": 0}
    [shown] = previewed(bench, step).steps
    assert shown.held is not None and shown.at_most is not None
    bench.run(step)
    bench.run(step, budget=shown.held.model_dump())
    held = [(float(asked.limit_usd), asked.limit_tokens) for asked in bench.machine.asked]
    assert held == [(each.usd, each.tokens) for each in (shown.at_most, shown.held)]


def test_a_model_whose_credential_is_missing_makes_the_cost_unknown(bench: Workbench) -> None:
    assert previewed(bench, ONE | {"fallbacks": ["ours:m"]}).unknown == ["one"]


def test_a_budget_of_nothing_allows_the_offline_model(bench: Workbench) -> None:
    bench.machine.model = None
    run_id = bench.run({"key": "one", "prompt": "{{input}}", "model": "offline"}, budget={"usd": 0})
    assert bench.get(run_id).status == "succeeded"


def test_the_tenants_month_holds_for_workflows(bench: Workbench) -> None:
    bench.write(
        "insert into budgets (tenant_id, subject, monthly_tokens, updated_by) values (%s, %s, 1500, 'test')",
        bench.tenant_id, bench.tenant_id,
    )  # fmt: skip
    assert "the budget of the tenant's month is 1500 tokens" in failure(bench, ONE, TWO)
    assert len(bench.machine.asked) == 1


def test_what_was_held_is_given_back_when_the_answer_is_recorded(bench: Workbench) -> None:
    run_id = bench.begin(ONE)
    bench.machine.play(bench.machine.waiting.pop(0))
    execution = bench.machine.take("one")
    where = bench.machine.prepare(execution)
    assert where is not None
    held = "select 1 from budget_reservations where run_id = %s and closed_at is null"
    assert len(bench.rows(held, run_id)) == 1
    bench.machine.call(where)
    bench.machine.record(execution)
    assert bench.rows(held, run_id) == []


def test_a_call_is_told_to_stop_when_its_step_or_its_run_has_no_time_left(bench: Workbench) -> None:
    bench.run(ONE | {"timeout": 7})
    assert bench.machine.asked[-1].deadline_seconds == 7
    run_id = bench.begin(ONE)
    bench.write("update runs set deadline = clock_timestamp() + interval '30 seconds' where id = %s", run_id)
    bench.machine.run()
    assert 20 < bench.machine.asked[-1].deadline_seconds <= 30


def test_the_task_of_a_call_is_given_what_is_left_of_its_run(bench: Workbench) -> None:
    run_id = bench.begin(ONE)
    bench.machine.play(bench.machine.waiting.pop(0))
    bench.write("update runs set deadline = clock_timestamp() + interval '30 seconds' where id = %s", run_id)
    prepared = bench.machine.prepare(bench.machine.take("one"))
    assert prepared is not None and 20 < prepared.seconds <= 30
    late = bench.begin(ONE)
    bench.machine.play(bench.machine.waiting.pop(0))
    bench.write("update runs set deadline = clock_timestamp() - interval '1 second' where id = %s", late)
    prepared = bench.machine.prepare(bench.machine.take("one"))
    assert prepared is not None and prepared.seconds == 1  # the sweep has not come yet; zero would be refused


def test_a_call_that_breaks_down_is_charged_at_the_most_that_it_may_have_cost(bench: Workbench) -> None:
    run_id = bench.begin(ONE | {"retries": 3})
    bench.machine.play(bench.machine.waiting.pop(0))
    execution = bench.machine.take("one")
    where = bench.machine.prepare(execution)
    assert where is not None
    from nyxcore.llm import stored_calls

    stored_calls._write_down(where, (entry(outcome="unknown", usd=Decimal("0.5"), upper_bound=True),))
    bench.machine.fail(execution, RuntimeError("out of memory"))
    bench.machine.run()
    run = bench.get(run_id)
    assert run.status == "failed" and run.error is not None and run.error.code == "task_failed"
    [row] = bench.rows("select outcome, usd from llm_calls where run_id = %s", run_id)
    assert (row["outcome"], row["usd"]) == ("unknown", Decimal("0.5"))
    assert run.cost.usd == 0.5
    assert (
        bench.rows("select 1 from budget_reservations where run_id = %s and closed_at is null", run_id) == []
    )


def test_the_operators_price_travels_with_the_call(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NYX_MODEL_PRICES", '{"bedrock:m": {"inputUsd": 2, "outputUsd": 4}}')
    settings.cache_clear()
    bench.run(ONE)
    assert bench.machine.asked[-1].prices["bedrock:m"].output_usd == 4


def test_a_timeout_of_the_model_is_an_error_that_may_pass(bench: Workbench) -> None:
    answers: list[Any] = [
        ModelFailure(code="model_timeout", message="slow", retryable=True, calls=()), answered("yes"),
    ]  # fmt: skip
    bench.machine.model = lambda _: answers.pop(0)
    assert bench.get(bench.run(ONE)).status == "succeeded"


def test_a_fallback_that_costs_nothing_answers_where_the_budget_has_no_room_for_the_model(
    bench: Workbench,
) -> None:
    bench.machine.model = None
    run_id = bench.run(ONE | {"fallbacks": ["offline"]}, budget={"usd": 0})
    run = bench.get(run_id)
    assert (run.status, run.cost.usd) == ("succeeded", 0)
    assert "No model was used" in (bench.steps(run_id)["one"].output or "")
    rows = bench.rows("select model, error_code from llm_calls where run_id = %s order by number", run_id)
    assert [(row["model"], row["error_code"]) for row in rows] == [
        ("bedrock:m", "model_hold_used_up"), ("offline", None),
    ]  # fmt: skip


def test_an_attempt_whose_hold_is_used_up_is_retried_with_a_new_one(bench: Workbench) -> None:
    answers: list[Any] = [HoldUsedUp("bedrock:m: nothing is left").failure(), answered("yes")]
    bench.machine.model = lambda _: answers.pop(0)
    run_id = bench.run(ONE)
    assert (bench.get(run_id).status, bench.steps(run_id)["one"].attempt) == ("succeeded", 2)
    assert all(question.limit_usd > 0 for question in bench.machine.asked)
