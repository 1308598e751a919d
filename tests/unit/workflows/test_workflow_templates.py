"""The workflows that come with the product are ready to run."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from nyxcore.errors import NotFound
from nyxcore.workflows import templates
from nyxcore.workflows.bundle import personas_of
from nyxcore.workflows.dependencies import needs_of
from nyxcore.workflows.graph import side_by_side
from nyxcore.workflows.lint import check
from nyxcore.workflows.material.sections import OutputPart
from nyxcore.workflows.material.values import StepOutput, Values
from nyxcore.workflows.resolving import resolve
from nyxcore.workflows.schema import schema_text
from nyxcore.workflows.source import read

BUILT_IN = {"architect", "compliance-officer", "researcher", "reviewer", "security-engineer"}


def words(text: str) -> int:
    return len(text.split())


def test_there_are_five() -> None:
    assert templates.names() == [
        "analyse-review-generate-prompt",
        "compliance-analysis",
        "deep-project-analysis",
        "expert-team",
        "security-review",
    ]


@pytest.mark.parametrize("name", templates.names())
def test_a_template_has_no_flaw_and_follows_the_schema(name: str) -> None:
    source = read(templates.text(name))
    assert check(source.data, personas=BUILT_IN) == []
    assert source.flaws == ()
    assert list(Draft202012Validator(json.loads(schema_text())).iter_errors(source.data)) == []
    assert set(personas_of(templates.template(name))) <= BUILT_IN


@pytest.mark.parametrize("name", templates.names())
def test_every_prompt_of_a_template_has_what_the_steps_before_it_said(name: str) -> None:
    plan = templates.template(name)
    outputs = {step.key: StepOutput(f"said by {step.key}", decision="approve") for step in plan.steps}
    values = Values(plan.goal, "the request", {"framework": "GDPR", "scope": None}, outputs)
    for step in plan.steps:
        if step.type == "analysis":
            continue
        made = resolve(step, plan, values.for_item(_item()), budget_tokens=20_000, count=words)
        for key in needs_of(plan)[step.key]:
            by_item = step.for_each == f"steps.{key}.sections"
            assert ("one item" if by_item else f"said by {key}") in made.prompt, (step.key, key)
        if not needs_of(plan)[step.key]:
            assert "the request" in made.prompt


def _item() -> OutputPart:
    return OutputPart("", "one item")


def test_the_experts_answer_alone_then_discuss_twice_and_a_judge_decides() -> None:
    needs = needs_of(templates.template("expert-team"))
    experts = ["researcher", "architect", "security"]
    rounds = [[f"{expert}-round-{number}" for expert in experts] for number in (1, 2)]
    assert side_by_side(needs) == [experts, *rounds, ["judge"], ["implement"]]
    assert all(set(needs[step]) == set(experts) for step in rounds[0])


def test_a_template_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound) as refused:
        templates.text("security-reveiw")
    assert "did you mean security-review?" in refused.value.message
    with pytest.raises(NotFound):
        templates.text("../definition")
