"""A workflow and its personas travel as one file, and come back the same."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from workflow_texts import step, workflow

from nyxcore.workflows import templates
from nyxcore.workflows.bundle import Bundle, BundledPersona, pack, personas_of, unpack
from nyxcore.workflows.flaws import WorkflowRefused


def persona(key: str, prompt: str = "You are an expert.") -> BundledPersona:
    return BundledPersona.model_validate(
        {
            "key": key,
            "name": key.title(),
            "category": "engineering",
            "traits": ["calm"],
            "prompt": prompt,
        }
    )


@pytest.mark.parametrize("name", templates.names())
def test_a_template_with_its_personas_comes_back_the_same(name: str) -> None:
    plan = templates.template(name)
    personas = tuple(persona(key) for key in personas_of(plan))
    assert unpack(pack(plan, personas)) == Bundle(workflow=plan, personas=personas)


def test_the_file_is_yaml_that_a_person_can_read() -> None:
    text = pack(
        workflow(step("a", "one\ntwo\n", when='input == "on"')), [persona("ada", "Be brief.\nBe right.")]
    )
    assert "    prompt: |\n      one\n      two\n" in text
    assert 'when: "input == \\"on\\""' in text
    assert "prompt: |-\n    Be brief.\n    Be right.\n" in text
    assert yaml.safe_load(text)["workflow"]["name"] == "Trial"


_ODD = [
    "on",
    "1e3",
    "010",
    "~",
    "null",
    "1:30",
    "a: b",
    "- x",
    "# y",
    " x",
    "x ",
    "a\n b\n",
    "\n\nx",
    "|",
    "é\u2028",
]
_texts = st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=60) | st.sampled_from(_ODD)


@settings(deadline=None)
@given(_texts, _texts, _texts)
def test_every_text_comes_back_to_the_last_character(prompt: str, tone: str, system: str) -> None:
    plan = workflow(
        step(
            "a",
            "x" + prompt.replace("{{", "{"),
            outputSchema={"title": tone, "enum": [tone, 1, 1.5, None, True]},
        ),
        inputs={"tone": {"default": tone}},
    )
    personas = (persona("ada", system),)
    assert unpack(pack(plan, personas)) == Bundle(workflow=plan, personas=personas)


def bundled(**members: Any) -> str:
    plan = {"name": "Trial", "goal": "g", "steps": [step("a", persona="ada")]}
    person = {"key": "ada", "name": "Ada", "category": "x", "prompt": "Be brief."}
    return yaml.safe_dump({"format": 1, "workflow": plan, "personas": [person], **members})


def test_flaws_of_the_workflow_and_of_the_personas_are_told_together_with_their_lines() -> None:
    text = """\
format: 1
workflow:
  name: Trial
  goal: g
  steps:
    - key: a
      prompt: "{{inptu}}"
      persona: bob
personas:
  - key: ada
    name: Ada
    category: x
    prompt: Be brief.
  - key: ada
    name: Ada again
    category: x
    prompt: Be brief.
"""
    with pytest.raises(WorkflowRefused) as refused:
        unpack(text)
    assert [(flaw.path, flaw.line) for flaw in refused.value.flaws] == [
        ("/workflow/steps/0/prompt", 7),
        ("/workflow/steps/0/persona", 8),
        ("/personas/1/key", 14),
    ]


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"format": 2}, "/format"),
        ({"personas": [{"key": "ada"}]}, "/personas/0/name"),
        ({"personas": "ada"}, "/personas"),
        ({"extra": 1}, "/extra"),
        ({"workflow": 3}, "/workflow"),
    ],
)
def test_a_file_of_another_shape_is_refused(members: dict[str, Any], path: str) -> None:
    with pytest.raises(WorkflowRefused) as refused:
        unpack(bundled(**members), known=["ada"])
    assert path in [flaw.path for flaw in refused.value.flaws]


def test_what_is_no_bundle_is_told_what_it_should_be() -> None:
    with pytest.raises(WorkflowRefused) as refused:
        unpack("name: Trial")
    assert "an object with format, workflow and personas" in refused.value.message


def test_personas_that_every_tenant_has_need_not_be_in_the_file() -> None:
    text = bundled(personas=[])
    assert unpack(text, known=["ada"]).personas == ()
    with pytest.raises(WorkflowRefused):
        unpack(text)


def test_the_personas_of_a_workflow_are_those_of_steps_and_judges() -> None:
    plan = workflow(
        step("a", persona="ada"),
        step("b", persona="ada", alternatives=2, pick="judge", judge={"persona": "bob"}),
    )
    assert personas_of(plan) == ["ada", "bob"]
