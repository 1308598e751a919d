"""What docs/writing-workflows.md shows is right."""

from __future__ import annotations

import re
from pathlib import Path

from nyxcore.llm import windows
from nyxcore.llm.windows import window
from nyxcore.workflows.conditions import parse_condition
from nyxcore.workflows.definition import Step
from nyxcore.workflows.lint import load

GUIDE = (Path(__file__).parents[3] / "docs/writing-workflows.md").read_text(encoding="utf-8")


def test_the_workflow_of_the_guide_has_no_flaw() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert [step.key for step in load(example).steps] == ["facts", "read", "weigh", "decide", "answer"]


def test_the_condition_of_the_guide_can_be_read() -> None:
    (example,) = re.findall(r"## Conditions\n\n```\n(.*?)\n```", GUIDE, re.DOTALL)
    parse_condition(example)


def test_the_guide_names_every_member_of_a_step() -> None:
    members = {info.alias or name for name, info in Step.model_fields.items()} - {"title"}
    assert {member for member in members if f"`{member}`" not in GUIDE} == set()


def test_the_windows_of_the_guide_are_those_of_the_models() -> None:
    rows = re.findall(r"^\| (`[^|]*`|anything else) \| ([\d,]+) \|$", GUIDE, re.MULTILINE)
    told = {
        name: int(tokens.replace(",", ""))
        for names, tokens in rows
        for name in re.split("`, `|`", names)
        if name
    }
    assert told.pop("anything else") == window("ours:unheard-of")
    assert told == dict(windows._FAMILIES)
