"""What a run is given, and what a step with forEach runs for."""

from __future__ import annotations

from typing import Any

import pytest
from workflow_texts import step, workflow

from nyxcore.workflows.fan_out import FanOutRefused, items
from nyxcore.workflows.inputs import InputRefused, take_input
from nyxcore.workflows.material.sections import OutputPart
from nyxcore.workflows.material.values import StepOutput, Values

PLAIN = workflow(step("a"))
NAMED = workflow(
    step("a"),
    inputs={
        "topic": {},
        "files": {"type": "list", "required": False},
        "count": {"type": "number", "default": 3},
        "deep": {"type": "boolean", "required": False},
    },
)
OPTIONAL = workflow(step("a"), inputs={"tone": {"default": "dry"}})


def test_a_text_is_taken_as_it_is() -> None:
    given = take_input(PLAIN, "about {{goal}}")
    assert (given.text, given.named) == ("about {{goal}}", {})


@pytest.mark.parametrize("nothing", [None, {}])
def test_nothing_is_an_empty_text(nothing: dict[str, Any] | None) -> None:
    assert take_input(PLAIN, nothing).text == ""


def test_an_object_is_taken_by_name_with_defaults_and_reads_as_text_too() -> None:
    given = take_input(NAMED, {"topic": "one\ntwo", "files": ["a", "b"], "deep": True})
    assert given.named == {"topic": "one\ntwo", "files": ["a", "b"], "count": 3, "deep": True}
    assert given.text == "topic:\none\ntwo\nfiles:\n- a\n- b\ncount: 3\ndeep: true"
    assert take_input(NAMED, {"topic": "x"}).named["files"] is None


def test_a_text_is_taken_where_no_input_is_required() -> None:
    given = take_input(OPTIONAL, "hello")
    assert (given.text, given.named) == ("hello", {"tone": "dry"})


def test_a_text_without_a_name_is_the_one_text_that_is_required() -> None:
    given = take_input(NAMED, "all of it")
    assert (given.text, given.named["topic"], given.named["count"]) == ("all of it", "all of it", 3)


@pytest.mark.parametrize("other", ["string", "number"])
def test_a_text_without_a_name_is_refused_where_more_is_required(other: str) -> None:
    both = workflow(step("a"), inputs={"topic": {}, "other": {"type": other}})
    with pytest.raises(
        InputRefused, match=r"by name, as an object; the input topic is missing; the input other"
    ):
        take_input(both, "text")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "the input topic is missing"),
        ({"topic": None}, "the input topic is missing"),
        (" \n", "the input topic is missing"),
        ({"topic": 3}, "3 is no string, which the input topic is"),
        ({"topic": "x", "count": True}, "True is no number"),
        ({"topic": "x", "deep": "yes"}, "yes is no boolean"),
        ({"topic": "x", "files": [1]}, "[1] is no list"),
        ({"topc": "x"}, "there is no input topc; did you mean topic?; the input topic is missing"),
    ],
)
def test_what_does_not_suit_is_refused(given: Any, words: str) -> None:
    with pytest.raises(InputRefused) as refused:
        take_input(NAMED, given)
    assert words in refused.value.message


def test_an_input_that_is_not_declared_is_refused() -> None:
    with pytest.raises(InputRefused):
        take_input(PLAIN, {"x": "y"})


SCHEMA = {"type": "object", "properties": {"tasks": {}}}
PARTS = (OutputPart("a.py", "A"), OutputPart("b.py", "B"))
VALUES = Values(
    "g",
    inputs={"files": ["a.py", "line\nline"], "none": None, "one": "x"},
    steps={
        "plan": StepOutput("intro\n# A\na\n# B\nb", data={"tasks": ["t", {"n": 1}], "one": "x"}),
        "each": StepOutput("joined", parts=PARTS),
        "off": StepOutput("", status="skipped"),
    },
)


def found(for_each: Any) -> list[OutputPart]:
    inputs = {"files": {"type": "list"}, "none": {"type": "list", "required": False}}
    plan = workflow(
        step("plan", outputSchema=SCHEMA),
        step("each", "{{item}}", forEach=["x"]),
        step("off"),
        step("run", "{{item}}", forEach=for_each),
        inputs=inputs,
    )
    return items(plan.step("run"), VALUES)


@pytest.mark.parametrize(
    ("for_each", "expected"),
    [
        (["x", "y"], [OutputPart("x", "x"), OutputPart("y", "y")]),
        ("input.files", [OutputPart("a.py", "a.py"), OutputPart("", "line\nline")]),
        ("input.none", []),
        (
            "steps.plan.sections",
            [OutputPart("A", "# A\na\n"), OutputPart("B", "# B\nb")],
        ),
        ("steps.each.parts", list(PARTS)),
        ("steps.plan.data.tasks", [OutputPart("t", "t"), OutputPart('{"n": 1}', '{"n": 1}')]),
        ("steps.off.sections", []),
    ],
)
def test_what_a_step_runs_for(for_each: Any, expected: list[OutputPart]) -> None:
    assert found(for_each) == expected


def test_what_is_no_list_in_the_run_is_refused() -> None:
    plan = workflow(step("plan", outputSchema={}), step("run", "{{item}}", forEach="steps.plan.data.one"))
    with pytest.raises(FanOutRefused) as refused:
        items(plan.step("run"), VALUES)
    assert "steps.plan.data.one, which is no list in this run" in refused.value.message


def test_more_than_five_hundred_sections_are_refused_before_anything_is_called() -> None:
    plan = workflow(step("plan"), step("run", "{{item}}", forEach="steps.plan.sections"))
    text = "".join(f"# Section {number}\n" for number in range(501))
    with pytest.raises(FanOutRefused) as refused:
        items(plan.step("run"), Values("g", steps={"plan": StepOutput(text)}))
    assert "501 items of steps.plan.sections; at most 500" in refused.value.message
