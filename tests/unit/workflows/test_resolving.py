"""What a model is sent for a step."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workflow_texts import step, workflow

from nyxcore.errors import InvalidInput
from nyxcore.workflows.context.assembly import ContextTooSmall
from nyxcore.workflows.definition import STRATEGIES, Workflow
from nyxcore.workflows.material.fences import NOTICE
from nyxcore.workflows.material.sections import OutputPart
from nyxcore.workflows.material.values import StepOutput, Values
from nyxcore.workflows.prompts.rendering import PromptRefused, PromptTooLong
from nyxcore.workflows.resolving import Resolved, resolve


def words(text: str) -> int:
    return len(text.split())


def sent(
    plan: Workflow, key: str, values: Values | None = None, budget: int = 2_000, **given: Any
) -> Resolved:
    run = values or Values("Make it better", "the input", steps={"scan": StepOutput("the findings")})
    return resolve(plan.step(key), plan, run, budget_tokens=budget, count=given.pop("count", words), **given)


PLAN = workflow(
    step("scan", None, type="analysis"),
    step("explicit", "Look at {{ steps.scan.content }} for {{input}}."),
    step("implicit", "Write it up.", needs=["scan"]),
    step("escaped", "```\n\\{{steps.scan.content}}\n```\nWrite it up.", needs=["scan"]),
    step("by-system", "Write it up.", system="You know {{steps.scan.content}}."),
    step("asks-input", "Write about {{input}}.", needs=["scan"]),
    step("look", None, type="review", needs=["scan"]),
)


def test_a_prompt_that_names_a_step_is_sent_as_it_was_written() -> None:
    assert sent(PLAN, "explicit").prompt == (
        'Look at <untrusted-1 source="steps.scan.content">the findings</untrusted-1> for '
        '<untrusted-1 source="input">the input</untrusted-1>.'
    )


@pytest.mark.parametrize("key", ["implicit", "escaped", "asks-input"])
def test_a_prompt_that_names_no_step_has_its_context_first_and_the_task_last(key: str) -> None:
    prompt = sent(PLAN, key).prompt
    assert prompt.startswith("# Goal\n\nMake it better\n\n# Context\n\n")
    assert "the findings" in prompt and prompt.count("the input") == 1
    assert prompt.index("the findings") < prompt.index("\n\n# Task\n\n") < prompt.index("Write")


def test_a_step_named_in_the_system_prompt_counts_as_named() -> None:
    made = sent(PLAN, "by-system")
    assert made.prompt == "Write it up."
    assert "the findings" in made.system
    assert [part.reason for part in made.parts] == ["named in the system prompt, line 1, column 10"]


def test_a_review_without_a_prompt_shows_what_there_is_to_decide_on() -> None:
    made = sent(PLAN, "look")
    assert "the findings" in made.prompt and "# Task" not in made.prompt


def test_persona_text_is_never_read_for_references() -> None:
    persona = "You are {{steps.scan.content}} \\{{input}} {{ not even a path }}\u202e"
    made = sent(PLAN, "implicit", persona=persona)
    assert made.system == f"{persona[:-1]}[U+202E]\n\n{NOTICE}"


def test_the_notice_about_fences_stands_in_every_system_prompt() -> None:
    assert sent(PLAN, "implicit").system == NOTICE
    assert sent(PLAN, "by-system", persona="I am Ada.").system.startswith("I am Ada.\n\nYou know ")


@pytest.mark.parametrize("key", ["explicit", "implicit"])
def test_an_alternative_is_asked_for_by_its_strategy(key: str) -> None:
    prompts = {strategy: sent(PLAN, key, strategy=strategy).prompt for strategy in STRATEGIES}
    assert len(set(prompts.values())) == 3
    assert all(prompt.endswith(f"\n\n{STRATEGIES[strategy]}") for strategy, prompt in prompts.items())


def test_tokens_are_those_of_both_texts() -> None:
    made = sent(PLAN, "by-system", persona="I am Ada.")
    assert made.tokens == words(made.system) + words(made.prompt)


def test_a_goal_that_does_not_fit_is_an_error() -> None:
    with pytest.raises((ContextTooSmall, PromptTooLong)):
        sent(PLAN, "implicit", Values("word " * 500), budget=300)


def test_a_prompt_that_does_not_fit_is_an_error() -> None:
    plan = workflow(step("a", "word " * 500))
    with pytest.raises(PromptTooLong):
        sent(plan, "a", budget=300)


def test_a_document_that_is_not_there_is_an_error_before_any_model_is_called() -> None:
    plan = workflow(step("a", "{{docs.apii}}"))
    with pytest.raises(PromptRefused) as refused:
        sent(plan, "a", Values("g", docs={"api": "x"}))
    assert "did you mean docs.api?" in refused.value.message


def test_a_named_output_of_two_megabytes_is_sent_as_a_digest() -> None:
    output = "# Report\n\nIt is long. Very.\n\n" + "filler " * 300_000
    made = sent(PLAN, "explicit", Values("g", "x", steps={"scan": StepOutput(output)}), budget=500)
    assert made.tokens <= 500
    assert "# Report\nIt is long." in made.prompt
    assert {part.path: part.form for part in made.parts} == {"steps.scan.content": "digest", "input": "whole"}


@pytest.mark.parametrize(
    ("origin", "where"),
    [
        ("steps.scan.sections", "GET /api/v1/runs/{id}/steps/scan"),
        ("input.files", "it is what the run was given"),
        (("a", "b"), "it stands in the workflow, under forEach"),
    ],
)
def test_a_digest_of_an_item_says_where_the_list_is(origin: Any, where: str) -> None:
    plan = workflow(step("a", "Read {{item}}.", forEach=["x"]))
    item = OutputPart("", "# Part\n\nIt is long. Very.\n\n" + "filler " * 3_000)
    made = sent(plan, "a", Values("g").for_item(item, origin=origin), budget=200)
    assert re.search(rf"\(the whole item has [\d,]+ bytes: {re.escape(where)}\)", made.prompt)


def odd(text: str) -> int:
    return len(text) // 3 + len(text) ** 2 // 60_000


@settings(max_examples=100, deadline=None)
@given(
    st.text(alphabet="ab. \n#-|`", max_size=1_500),
    st.text(alphabet="ab. \n#-|`", max_size=600),
    st.sampled_from([step["key"] for step in PLAN.model_dump()["steps"] if step["type"] == "llm"]),
    st.integers(0, 2_500),
    st.sampled_from([words, len, odd]),
)
def test_what_is_sent_never_exceeds_the_budget(
    output: str, given_input: str, key: str, budget: int, count: Callable[[str], int]
) -> None:
    values = Values("Make it better", given_input, steps={"scan": StepOutput(output)})
    try:
        made = sent(PLAN, key, values, budget, count=count)
    except InvalidInput as error:
        assert isinstance(error, ContextTooSmall | PromptTooLong)
        return
    assert made.tokens <= budget
    if key != "explicit" and key != "by-system":
        assert made.prompt.startswith("# Goal\n\nMake it better")
