"""Steps of many calls: fan-outs, alternatives, several models; retries, and how they fail."""

from __future__ import annotations

from typing import Any

import pytest
from workbench import Workbench, answered, refused

from nyxcore.llm import tokens
from nyxcore.llm.models import ModelCall
from nyxcore.llm.windows import window

EACH: dict[str, Any] = {"key": "each", "prompt": "Say it: {{item}}"}
AFTER: dict[str, Any] = {"key": "after", "prompt": "{{steps.each.content}}"}


def echo(question: ModelCall) -> Any:
    return answered(f"<{question.prompt}>")


def test_a_fan_out_asks_once_for_each_item_and_keeps_the_answers_apart(bench: Workbench) -> None:
    bench.machine.model = echo
    run_id = bench.run(EACH | {"forEach": ["apples", "judge"]}, AFTER)
    step = bench.steps(run_id)["each"]
    assert bench.get(run_id).status == "succeeded"
    assert [(call.part, call.label, call.status) for call in step.calls] == [
        (0, "apples", "succeeded"),
        (1, "judge", "succeeded"),  # which is an item like any other
    ]
    first = bench.calls(run_id, "each")[0]
    assert "apples" in (first.output or "") and "judge" not in (first.output or "")
    assert (step.output or "").startswith("## apples\n") and "\n## judge\n" in (step.output or "")


def test_a_fan_out_runs_over_the_sections_of_an_earlier_answer(bench: Workbench) -> None:
    bench.machine.model = lambda question: answered(
        "intro\n\n# One\n\nfirst\n\n# Two\n\nsecond" if "outline" in question.prompt else "done"
    )
    run_id = bench.run(
        {"key": "outline", "prompt": "Write an outline of {{input}}"},
        EACH | {"forEach": "steps.outline.sections"},
    )
    calls = bench.calls(run_id, "each")
    assert [call.label for call in calls] == ["One", "Two"]  # what introduces them is no section
    item = (calls[1].prompt or "").partition("Say it: ")[2]
    assert "second" in item and "first" not in item


def test_a_fan_out_over_nothing_has_ended_at_once(bench: Workbench) -> None:
    run_id = bench.run(
        EACH | {"forEach": "input.files"}, AFTER, inputs={"files": {"type": "list"}}, input={"files": []}
    )
    assert bench.get(run_id).status == "succeeded"
    assert bench.steps(run_id)["each"].output == ""
    assert len(bench.machine.asked) == 1


def test_a_fan_out_of_more_than_500_is_refused_before_anything_is_asked(bench: Workbench) -> None:
    run_id = bench.run(
        EACH | {"forEach": "input.files"}, inputs={"files": {"type": "list"}},
        input={"files": [str(number) for number in range(501)]},
    )  # fmt: skip
    run, step = bench.get(run_id), bench.steps(run_id)["each"]
    assert run.status == "failed" and run.error is not None and run.error.code == "fan_out_refused"
    assert (step.status, step.attempt) == ("failed", 1) and bench.machine.asked == []


def test_several_models_answer_side_by_side(bench: Workbench) -> None:
    bench.machine.model = lambda question: answered(f"said {question.model}")
    run_id = bench.run(
        {"key": "each", "prompt": "{{input}}", "models": ["bedrock:a", "bedrock:b"], "maxOutputTokens": 10}
    )
    step = bench.steps(run_id)["each"]
    assert [(call.model, call.output) for call in bench.calls(run_id, "each")] == [
        ("bedrock:a", "said bedrock:a"),
        ("bedrock:b", "said bedrock:b"),
    ]
    assert "## bedrock:a\n\nsaid bedrock:a" in (step.output or "")


def test_a_judge_is_the_first_of_the_models_and_is_told_what_they_were_asked(bench: Workbench) -> None:
    def model(question: ModelCall) -> Any:
        if question.output_schema is not None:
            return answered("{}", data={"pick": 1, "reasons": "It is shorter."})
        return answered(f"said {question.model}")

    bench.machine.model = model
    run_id = bench.run(
        {"key": "src", "prompt": "Read {{input}}"},
        {
            "key": "each", "prompt": "Choose for {{input}} given {{steps.src.content}}", "pick": "judge",
            "models": ["bedrock:a", "bedrock:b"], "maxOutputTokens": 10,
        },
    )  # fmt: skip
    judge = bench.steps(run_id)["each"].calls[-1]
    assert (judge.label, judge.model) == ("judge", "bedrock:a")
    told = judge.prompt or ""
    assert "the input" in told and "said offline" in told and "said bedrock:b" in told and "{{" not in told
    assert bench.machine.asked[-1].max_output_tokens > 10, "a verdict is no answer"


def test_a_prompt_fits_the_smallest_window_of_the_models_that_may_get_it(bench: Workbench) -> None:
    bench.machine.model = lambda _: answered("yes")
    step = {"key": "one", "prompt": "{{input}}", "model": "bedrock:claude", "maxOutputTokens": 10}
    long = "# Report\n\nIt begins. More.\n\n" + "word " * 60_000
    for fallbacks, whole in [([], True), (["bedrock:small"], False)]:
        bench.run(step | {"fallbacks": fallbacks}, input=long)
        asked = bench.machine.asked[-1]
        assert (long.strip() in asked.prompt) == whole
        assert all(tokens.count(asked.prompt, model) + 10 <= window(model) for model in asked.chain)


def test_each_alternative_is_asked_for_in_its_own_way(bench: Workbench) -> None:
    bench.machine.model = echo
    run_id = bench.run({"key": "each", "prompt": "{{input}}", "alternatives": 3, "pick": "person"})
    prompts = [call.prompt or "" for call in bench.calls(run_id, "each")]
    assert "prudent" in prompts[0] and "smallest change" in prompts[1] and "furthest" in prompts[2]


def test_an_error_that_may_pass_is_retried_after_its_backoff_and_paid_for(bench: Workbench) -> None:
    answers = [
        refused("model_unavailable", retryable=True), refused("model_unavailable", retryable=True), answered("yes"),
    ]  # fmt: skip
    bench.machine.model = lambda _: answers[len(bench.machine.asked) - 1]
    run_id = bench.run({"key": "one", "prompt": "{{input}}", "retries": 2, "backoff": 3})
    step = bench.steps(run_id)["one"]
    assert (step.status, step.attempt, step.tokens) == ("succeeded", 3, 45)
    delays = [each.input["call"]["delay"] for each in bench.machine.ended if each.step == "one"]
    assert delays == [0, 3, 6]
    assert bench.changes(run_id) == [
        ("one", "running", 1), ("one", "running", 2), ("one", "running", 3), ("one", "succeeded", 3),
    ]  # fmt: skip
    ledger = bench.rows(
        "select step, attempt, outcome from llm_calls where run_id = %s order by attempt", run_id
    )
    assert [(row["attempt"], row["outcome"]) for row in ledger] == [
        (1, "failed"), (2, "failed"), (3, "succeeded"),
    ]  # fmt: skip
    assert bench.get(run_id).cost.tokens == 45


@pytest.mark.parametrize(("retryable", "asked"), [(True, 3), (False, 1)])
def test_an_error_that_stays_ends_the_step_and_the_run_with_its_reason(
    bench: Workbench, retryable: bool, asked: int
) -> None:
    bench.machine.model = lambda _: refused("model_refused", retryable=retryable)
    run_id = bench.run(EACH | {"prompt": "{{input}}", "retries": 2}, AFTER)
    run = bench.get(run_id)
    assert run.status == "failed" and run.error is not None
    assert (run.error.code, run.error.message) == ("model_refused", "step each: no")
    assert len(bench.machine.asked) == asked
    assert bench.statuses(run_id) == {"each": "failed", "after": "skipped"}


def test_a_part_that_fails_is_named_and_the_others_are_kept_for_the_retry(bench: Workbench) -> None:
    broken = [True]

    def model(question: ModelCall) -> Any:
        if "pears" in question.prompt and broken:
            return refused("model_refused", retryable=False)
        return answered(question.prompt[-200:])

    bench.machine.model = model
    run_id = bench.run(EACH | {"forEach": ["apples", "pears", "plums"]}, AFTER)
    run = bench.get(run_id)
    assert run.error is not None and run.error.message == "step each: pears: no"
    broken.clear()
    bench.machine.asked.clear()
    again = bench.retry(run_id)
    assert bench.get(again).status == "succeeded" and bench.get(again).retry_of == run_id
    assert len(bench.machine.asked) == 2, "pears, and the step after it"
    assert bench.get(again).cost.tokens == 30
    assert [call.status for call in bench.steps(again)["each"].calls] == ["succeeded"] * 3


def test_a_step_that_fails_leaves_what_does_not_need_it_to_be_finished(bench: Workbench) -> None:
    bench.machine.model = lambda question: (
        refused("model_refused", retryable=False) if "bad" in question.prompt else answered("ok")
    )
    run_id = bench.run(
        {"key": "bad", "prompt": "bad"},
        {"key": "worse", "prompt": "{{steps.bad.content}}"},
        {"key": "good", "prompt": "good"},
        {"key": "better", "prompt": "{{steps.good.content}}"},
    )
    assert bench.statuses(run_id) == {
        "bad": "failed", "worse": "skipped", "good": "succeeded", "better": "succeeded",
    }  # fmt: skip


def test_a_condition_that_cannot_be_evaluated_ends_its_step_with_the_reason(bench: Workbench) -> None:
    bench.machine.model = lambda _: answered("{}", data={})
    schema = {"type": "object", "properties": {"size": {"type": "number"}}}
    run_id = bench.run(
        {"key": "one", "prompt": "{{input}}", "outputSchema": schema},
        {"key": "two", "prompt": "x", "when": "steps.one.data.size > 3"},
    )
    run = bench.get(run_id)
    assert run.status == "failed" and run.error is not None
    assert (run.error.code, run.error.message.split(":")[0]) == ("condition_failed", "step two")


def test_a_persona_that_is_gone_ends_the_step_before_anything_is_asked(bench: Workbench) -> None:
    run_id = bench.run({"key": "one", "prompt": "{{input}}", "persona": "nobody"})
    run = bench.get(run_id)
    assert run.error is not None and "there is no persona 'nobody'" in run.error.message
    assert bench.machine.asked == []
    assert bench.rows("select 1 from budget_reservations where run_id = %s", run_id) == []


def test_a_typed_answer_can_be_taken_apart_by_those_who_need_it(bench: Workbench) -> None:
    schema = {"type": "object", "properties": {"risk": {"type": "string"}}, "required": ["risk"]}
    bench.machine.model = lambda question: answered(
        '{"risk": "high"}' if question.output_schema else question.prompt,
        data={"risk": "high"} if question.output_schema else None,
    )
    run_id = bench.run(
        {"key": "one", "prompt": "{{input}}", "outputSchema": schema},
        {"key": "two", "prompt": "It is {{steps.one.data.risk}}", "when": 'steps.one.data.risk == "high"'},
        {"key": "three", "prompt": "no", "when": 'steps.one.data.risk == "low"'},
    )
    steps = bench.steps(run_id)
    assert steps["one"].data == {"risk": "high"} and "high" in (steps["two"].prompt or "")
    assert steps["three"].status == "skipped"
