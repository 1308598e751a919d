"""`when` is parsed, typed, and never converts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nyxcore.workflows.conditions import ConditionFailed, ConditionUnreadable, holds, parse_condition, paths
from nyxcore.workflows.material.sections import OutputPart
from nyxcore.workflows.material.values import StepOutput, Values
from nyxcore.workflows.prompts.paths import Path

VALUES: dict[str, object] = {
    "goal": "ship it",
    "input.count": 3,
    "input.on": True,
    "input.files": ["a.py", "b.py"],
    "steps.judge.data": {"score": 1},
    "steps.judge.data.parts[0]": "x",
    'docs["READ ME.md"]': "",
}


def lookup(path: Path) -> object:
    return VALUES[str(path)]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("true", True),
        ("not true", False),
        ("not not true", True),
        ("input.on", True),
        ("input.on == true", True),
        ("input.count == 3", True),
        ("input.count == 3.0", True),
        ("input.count != 3", False),
        ("input.count > -1.5 and input.count <= 3", True),
        ("input.count<3", False),
        ("goal == 'ship it'", True),
        ('goal contains "ship"', True),
        ("{{ goal }} contains {{goal}}", True),
        ("goal < 'tar'", True),
        ('input.files contains "a.py"', True),
        ('input.files contains "c.py"', False),
        ("input.files contains 3", False),
        ("steps.judge.data == true", False),
        ("steps.judge.data.parts[0] == 'x'", True),
        ("""docs["READ ME.md"] == ''""", True),
        ("false and true or true", True),
        ("false and (true or true)", False),
        ("true or false and false", True),
        ("not false and false", False),
        ("not (false and false)", True),
        ("not input.count == 4", True),
        ("(((input.on)))", True),
        ("'and' == 'and'", True),
        ("false and missing.path", False),
        ("  true  ", True),
    ],
)
def test_a_condition_holds_or_does_not(text: str, outcome: bool) -> None:
    assert holds(parse_condition(text), lookup) is outcome


@pytest.mark.parametrize(
    ("text", "words", "column"),
    [
        ("", "missing at the end", 1),
        ("input.on ==", "missing at the end", 12),
        ("not", "missing at the end", 4),
        ("input.count = 3", "write ==", 13),
        ("a && b", "write and", 3),
        ("a || b", "write or", 3),
        ("!a", "write not", 1),
        ('goal == "x', "stands in quotes", 9),
        ("(a", "never closed", 1),
        ("a)", "nothing may follow", 2),
        ("a b", "nothing may follow", 3),
        ("1 < 2 < 3", "nothing may follow", 7),
        ("and", "cannot stand here", 1),
        ("a == contains", "cannot stand here", 6),
        ("3x == 3", "cannot be read", 1),
        ("a..b", "cannot be read", 2),
        ("__import__('os')", "nothing may follow", 11),
        ("(" * 60 + "a" + ")" * 60, "more than 50 levels", 51),
        ("not " * 60 + "a", "more than 50 levels", 201),
    ],
)  # fmt: skip
def test_what_cannot_be_parsed_is_told_with_its_column(text: str, words: str, column: int) -> None:
    with pytest.raises(ConditionUnreadable) as refused:
        parse_condition(text)
    assert words in refused.value.message
    assert refused.value.column == column


@pytest.mark.parametrize(
    "text", ["input.count == '3'", "goal", "goal > 3", "input.count contains 3", "input.on < true", "not goal",
             "goal contains 3", "input.on and goal", "input.files < input.files"],
)  # fmt: skip
def test_nothing_is_converted(text: str) -> None:
    with pytest.raises(ConditionFailed):
        holds(parse_condition(text), lookup)


def test_paths_are_found_wherever_they_stand() -> None:
    text = "not a.b and (c == {{ d }} or 'e' contains f)"
    assert [str(path) for path in paths(parse_condition(text))] == ["a.b", "c", "d", "f"]


@settings(deadline=None)
@given(st.text(alphabet="ab.()[]\"'=<>!&| 01notruefalsecontains{}", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse_condition(text)
    except ConditionUnreadable as error:
        assert 1 <= error.column <= len(text) + 1


def test_every_list_that_a_condition_may_name_has_a_value() -> None:
    values = Values("g", steps={"a": StepOutput("# One\n# Two\n", parts=(OutputPart("", "x"),))})
    assert holds(
        parse_condition("steps.a.parts contains 'x' and not (steps.a.sections contains 'x')"), values.value
    )
