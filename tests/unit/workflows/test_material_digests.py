"""A digest keeps a text's structure and fits its room."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nyxcore.workflows.material.digests import Count, Digester, first_sentence
from nyxcore.workflows.material.sections import OutputPart, joined, sections

REPORT = """\
# Security of shop

The service is exposed to the internet. It has two weak places, e.g. its login. Both are described below.

## Findings

- **SQL in a string** in `orders.py`. An attacker reads every table.
- A secret in the repository.
  It must be rotated.

- Debug mode is on.

| file | line | severity |
| --- | ---: | --- |
| orders.py | 12 | high |
| stock.py | 3 | low |
| cart.py | 9 | low |

```python
import os
# # not a heading
class Orders:
    def find(self, name: str) -> Order:
        return run(f"select {name}")
```

## What to do

First rotate the secret. Then use parameters!
"""


def digest(text: str, room: int, count: Count) -> str | None:
    return Digester(text).within(room, count)


def words(text: str) -> int:
    return len(text.split())


def test_the_richest_digest_keeps_all_of_the_structure() -> None:
    assert (digest(REPORT, 1_000, words) or "").splitlines() == [
        "# Security of shop",
        "The service is exposed to the internet.",
        "## Findings",
        "- **SQL in a string** in `orders.py`.",
        "- A secret in the repository.",
        "- Debug mode is on.",
        "| file | line | severity |",
        "| --- | ---: | --- |",
        "| orders.py | 12 | high |",
        "| stock.py | 3 | low |",
        "| cart.py | 9 | low |",
        "(code, 7 lines)",
        "class Orders:",
        "    def find(self, name: str) -> Order:",
        "## What to do",
        "First rotate the secret.",
    ]


def test_the_smaller_the_room_the_less_is_kept_and_headings_last() -> None:
    assert "… (2 more rows)" in (digest(REPORT, 80, words) or "")
    assert digest(REPORT, 10, words) == "# Security of shop\n## Findings\n## What to do"
    assert digest(REPORT, 8, words) == "# Security of shop\n… (2 more lines)"
    assert digest(REPORT, 3, words) is None


def test_a_long_list_says_how_many_items_are_missing() -> None:
    text = "\n".join(f"{number}. Item number {number}" for number in range(1, 101))
    assert (digest(text, 200, words) or "").endswith("30. Item number 30\n… (70 more items)")


def test_json_is_extracted_by_its_members() -> None:
    text = json.dumps(
        {"verdict": "Good. Long story.", "tasks": [{"title": "a", "why": "b"}, "c"], "meta": {"n": 1}}
    )
    assert (digest(text, 100, words) or "").splitlines() == [
        "- verdict: Good.",
        "# tasks (2)",
        '- {"title": "a", "why": "b"}',
        "- c",
        "# meta",
        "- n: 1",
    ]


def test_what_only_begins_like_json_is_text() -> None:
    assert digest("[see] this. And that.", 100, words) == "[see] this."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One. Two.", "One."),
        ("See e.g. the docs. Then more.", "See e.g. the docs."),
        ("Version 3.2 is out! Get it.", "Version 3.2 is out!"),
        ('He said "no." Then left.', 'He said "no."'),
        ("一つ目。二つ目。", "一つ目。"),
        ("no end", "no end"),
        ("a  b\nc", "a b c"),
        ("word " * 100, "word word word word…"),
    ],
)
def test_the_first_sentence(text: str, sentence: str) -> None:
    assert first_sentence(text, 24) == sentence


@settings(deadline=None)
@given(st.text(alphabet='ab .#-|`\n{}[]1:"', max_size=300) | st.text(max_size=200), st.integers(0, 60))
def test_a_digest_never_has_more_than_its_room_and_is_the_same_again(text: str, room: int) -> None:
    made = digest(text, room, len)
    assert made is None or len(made) <= room
    assert made == digest(text, room, len)


def test_sections_are_split_at_the_highest_level_that_repeats() -> None:
    parts = sections(REPORT)
    assert [part.title for part in parts] == ["", "Findings", "What to do"]
    assert parts[1].text.startswith("## Findings\n")


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("", []),
        ("no heading", [""]),
        ("# One\ntext", ["One"]),
        ("# A\n# B\n## C\n", ["A", "B"]),
        ("```\n# code\n```\n## A\n## B ##\n", ["", "A", "B"]),
        ("#no heading\n####### neither", [""]),
        ("   # A\r\n# B\r\n", ["A", "B"]),
    ],
)
def test_section_titles(text: str, titles: list[str]) -> None:
    assert [part.title for part in sections(text)] == titles


@settings(deadline=None)
@given(st.text(alphabet="ab#` \n~", max_size=200))
def test_sections_joined_are_the_text(text: str) -> None:
    if text.strip():
        assert "".join(part.text for part in sections(text)).strip() == text.strip()


def test_parts_are_joined_below_their_titles() -> None:
    assert joined([OutputPart("a.py", "fine\n"), OutputPart("", "more")]) == "# a.py\n\nfine\n\nmore"


@pytest.mark.parametrize(
    "text",
    [
        "# a" + "#" * 200_000 + "b",
        "- x\n" + "  more\n" * 200_000,
        "| a |\n--" + " " * 200_000 + "x",
        "| " * 100_000 + " " * 100_000,
        "." + '"' * 200_000,
        "```\n" + " " * 200_000 + "x",
        "[" * 200_000,
        '{"a":' * 900 + "1" + "}" * 900,
        "1" * 200_000 + ".",
    ],
)
def test_a_text_that_is_made_to_take_long_does_not(text: str) -> None:
    made = Digester(text).within(100, words)
    assert made is None or words(made) <= 100
