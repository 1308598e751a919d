"""A definition's text is read as what it looks like, or refused; nothing in it can grow."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nyxcore.workflows.flaws import Flaw, WorkflowRefused
from nyxcore.workflows.source import MAX_DEPTH, read


def refusal(text: str) -> Flaw:
    with pytest.raises(WorkflowRefused) as refused:
        read(text)
    (flaw,) = refused.value.flaws
    return flaw


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("1:30", "1:30"),
        ("2026-01-31", "2026-01-31"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("010", 10),
        ("-3", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ('"true"', "true"),
        ("'3'", "3"),
        (".inf", ".inf"),
    ],
)
def test_a_plain_value_is_what_it_looks_like(text: str, value: object) -> None:
    assert read(f"a: {text}").data == {"a": value}


def test_a_member_called_on_keeps_its_name() -> None:
    assert read("on: yes").data == {"on": "yes"}


def test_every_value_has_its_line_and_a_block_that_of_its_text() -> None:
    places = read("name: x\nsteps:\n  - key: a\n    prompt: |\n      one\n      two\n").places
    assert {path: place.line for path, place in places.items()} == {
        "": 1, "/name": 1, "/steps": 3, "/steps/0": 3, "/steps/0/key": 3, "/steps/0/prompt": 4,
    }  # fmt: skip
    assert places["/steps/0/prompt"].text_line == 5


def test_pointers_escape_slashes_and_tildes() -> None:
    assert "/a~1b~0c" in read("a/b~c: 1").places


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", '{"a": 1, "b": 2, "a": 3}', "{a: 1, b: 2, a: 3}"])
def test_a_name_given_twice_is_told(text: str) -> None:
    (flaw,) = read(text).flaws
    assert flaw.path == "/a" and '"a" is given twice' in flaw.message


def test_a_name_given_twice_deep_inside_is_told_with_its_path() -> None:
    (flaw,) = read('{"steps": [{"key": "a", "key": "b"}]}').flaws
    assert flaw.path == "/steps/0/key"


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("a: &x 1", "anchors and aliases", 1),
        ("a: 1\nb: *x", "anchors and aliases", 2),
        ("a: &b [1]\nc: [*b, *b]", "anchors and aliases", 1),
        ("a: !!python/object/apply:os.system [ls]", "tags", 1),
        ("a: !!str 3", "tags", 1),
        ("a:\n  <<: {b: 1}", "merge keys", 2),
        ("? [a]\n: 1", "a member's name is text", 1),
        ("a: 1\n---\nb: 2", "a second document", 2),
        ("a: [1", "no YAML", 1),
        ("a:\n\t- b", "no YAML", 2),
        ('{"a": 1,, }', "no YAML", 1),
        ("", "empty", None),
        ("# nothing", "empty", None),
        ("a: \x00", "no YAML", None),
        ("a: \ud800", "no YAML", None),
        ('{"a": NaN}', "no number of JSON", None),
        ('{"a": ' + "9" * 5_000 + "}", "cannot be read", None),
        ("x" * 1_000_001, "longer than 1,000,000 bytes", None),
        ("é" * 500_001, "longer than 1,000,000 bytes", None),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_with_its_line(text: str, words: str, line: int | None) -> None:
    flaw = refusal(text)
    assert words in flaw.message
    assert flaw.line == line


@pytest.mark.parametrize("opening", ["[", '{"a": '])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 5_000, 100_000])
def test_deep_nesting_is_refused(opening: str, depth: int) -> None:
    closing = {"[": "]", '{"a": ': "}"}[opening]
    assert "nested more than 32 levels" in refusal(opening * depth + "1" + closing * depth).message


def test_deep_nesting_of_blocks_is_refused() -> None:
    text = "\n".join("  " * level + "a:" for level in range(MAX_DEPTH + 3))
    assert "nested more than 32 levels" in refusal(text).message


def test_nesting_up_to_the_limit_is_read() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH).flaws == ()


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), _values))
def test_json_is_read_as_json(data: dict[str, object]) -> None:
    assert read(json.dumps(data)).data == data
