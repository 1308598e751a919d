"""Splits a text at its headings, and puts parts together again: what forEach runs over, and what it leaves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(?=\S)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True)
class OutputPart:
    """One part of what was split or run part by part; `title` may be empty."""

    title: str
    text: str


def lines_with_code(text: str) -> Iterator[tuple[str, bool]]:
    """Each line with its end, and whether it belongs to a fenced block of code (CommonMark 4.5)."""
    fence = ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if fence:
            yield line, True
            closes = found is not None and found[1].startswith(fence) and not line[found.end() :].strip()
            fence = "" if closes else fence
        else:
            fence = found[1] if found else ""
            yield line, bool(found)


def heading(line: str) -> tuple[int, str] | None:
    """The level and the title of a heading written with #; None for any other line."""
    found = _HEADING.match(line)
    title = line[found.end() :].rstrip().rstrip("#").rstrip() if found else ""
    return (len(found[1]), title) if found and title else None


def sections(text: str) -> list[OutputPart]:
    """The sections of a Markdown text, whose texts joined are the text.

    It is split at the highest level that has two headings or more (at the only one, where no level has two).
    What stands before the first such heading is a section without a title. A text without headings is one.
    """
    lines = [(line, None if code else heading(line)) for line, code in lines_with_code(text)]
    counts = Counter(found[0] for _, found in lines if found)
    level = min((each for each, count in counts.items() if count > 1), default=min(counts, default=0))
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line, found in lines:
        if found and found[0] == level:
            parts.append((found[1], []))
        parts[-1][1].append(line)
    split = [OutputPart(title, "".join(body)) for title, body in parts]
    return [part for part in split if part.title or part.text.strip()]


def joined(parts: Iterable[OutputPart]) -> str:
    """One text of all parts, each below its title: the content of a step that ran part by part."""
    return "\n\n".join(
        f"# {part.title}\n\n{part.text.strip()}" if part.title else part.text.strip() for part in parts
    )
