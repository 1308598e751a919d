"""`docs/markup.md` says what may stand in a report, and it is what the sanitiser goes by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from nyxcore.markup import limits
from nyxcore.markup.allowlist import KINDS, MADE, RAW

DOCUMENT = (Path(__file__).parents[3] / "docs/markup.md").read_text()


def rows(first_column: str) -> Iterator[list[str]]:
    """The rows of the table whose head begins with this."""
    table = DOCUMENT.split(f"\n| {first_column} | ", 1)[1].split("\n\n", 1)[0]
    for line in table.split("\n")[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def attributes(cell: str) -> dict[str, str]:
    """`align`: align, `title`: text → both with their kinds."""
    return {name: kind or name for name, kind in re.findall(r"`([\w-]+)`(?:: (\w+))?", cell)}


def test_the_table_of_elements_is_the_allow_list() -> None:
    raw: dict[str, dict[str, str]] = {}
    made: dict[str, dict[str, str]] = {}
    for elements, in_document, added in rows("element"):
        for element in re.findall(r"`(\w+)`", elements):
            if in_document != "no":
                raw[element] = attributes(in_document)
            if added:
                made[element] = attributes(added)
    assert raw == {element: dict(kept) for element, kept in RAW.items()}
    assert made == {element: dict(kept) for element, kept in MADE.items()}


def test_the_table_of_values_is_the_one_of_the_code() -> None:
    assert dict(rows("value of")) == dict(KINDS)
    used = {kind for table in (RAW, MADE) for kept in table.values() for kind in kept.values()}
    assert used == set(KINDS)


def test_the_limits_are_those_of_the_code() -> None:
    for limit in (
        limits.MAX_CHARACTERS,
        limits.MAX_LINES,
        limits.MAX_HTML,
        limits.MAX_INLINE,
        limits.MAX_MARKS,
    ):
        assert f"{limit:,}" in DOCUMENT
    for limit in (limits.MAX_BLOCK_TOKENS, limits.MAX_STEPS, limits.MAX_REFERENCE, limits.MAX_DEPTH):
        assert f" {limit:,}" in DOCUMENT


def test_no_element_that_runs_or_loads_is_in_the_list() -> None:
    forbidden = {
        "script",
        "style",
        "iframe",
        "object",
        "embed",
        "svg",
        "math",
        "form",
        "button",
        "link",
        "meta",
        "base",
    }
    assert not forbidden & {*RAW, *MADE}
    names = {name for table in (RAW, MADE) for kept in table.values() for name in kept}
    assert not {name for name in names if name.startswith("on")} | names & {
        "style",
        "srcset",
        "target",
        "name",
        "action",
    }
    assert not {"class", "id", "data-diagram"} & {name for kept in RAW.values() for name in kept}
