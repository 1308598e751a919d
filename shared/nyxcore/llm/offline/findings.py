"""Findings in the material, as tools, reports and people write them: JSON, tables, lists, headings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from nyxcore.llm.offline.ranking import gives_orders
from nyxcore.llm.offline.reading import CITED, Block

SEVERITIES: Final = ("critical", "high", "medium", "low")
_NAMES: Final = {
    "critical": "critical", "kritisch": "critical", "blocker": "critical",
    "high": "high", "hoch": "high", "severe": "high", "schwerwiegend": "high",
    "medium": "medium", "moderate": "medium", "mittel": "medium",
    "low": "low", "minor": "low", "niedrig": "low", "gering": "low",
}  # fmt: skip
_SEVERITY: Final = "|".join(_NAMES)
_LED: Final = re.compile(  # "[HIGH] text", "**High**: text", "- critical: `a.py:3` — text", "Severity: low, text"
    rf"\s*(?:[-*+•]|\d{{1,3}}[.)])?\s*(?:severity|schweregrad)?:?\s*[\[(*_`]*({_SEVERITY})(?:e[rs]?)?[\])*_`]*"
    rf"(?:\s*(?:severity|risk|risiko))?\s*[:\])–—-]+[*_]*\s*(.{{3,}})",
    re.IGNORECASE,
)
_TRAILED: Final = re.compile(  # "- text (high)", "- text [severity: low]"
    rf"\s*(?:[-*+•]|\d{{1,3}}[.)])\s+(.{{3,}}?)\s*[\[(](?:severity:?\s*)?({_SEVERITY})[\])]\.?\s*",
    re.IGNORECASE,
)
_HEADED: Final = re.compile(rf" {{0,3}}#{{1,6}}\s+\W*({_SEVERITY})(?:e[rs]?)?\b.*", re.IGNORECASE)
_HEADING: Final = re.compile(r" {0,3}#{1,6}\s")
_ITEM: Final = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s+(.{3,})")  # not indented: what is, belongs to an item
_TEXT_FIELDS: Final = ("title", "message", "summary", "description", "titel", "beschreibung")


@dataclass(frozen=True)
class Found:
    """A finding as it stands in the material."""

    severity: str
    text: str
    block: str


def findings_of(blocks: list[Block]) -> list[Found]:
    """Every finding, once, the gravest first and else in the order in which they stand."""
    found: dict[str, Found] = {}
    for block in blocks:
        for severity, text in [*_in_json(block), *_in_lines(block)]:
            flat = CITED.sub("", " ".join(text.split()))
            if flat and not gives_orders(flat):
                found.setdefault(flat.lower(), Found(severity, flat, block.label))
    return sorted(found.values(), key=lambda finding: SEVERITIES.index(finding.severity))


def _in_lines(block: Block) -> Iterator[tuple[str, str]]:
    under = ""
    columns: list[str] = []
    for line in [] if block.code else block.lines:
        if line.lstrip().startswith("|"):
            cells = [cell.strip(" *`") for cell in line.strip().strip("|").split("|")]
            columns = columns or [cell.lower() for cell in cells]
            yield from _in_row(columns, cells)
            continue
        columns = []
        if _HEADING.match(line):
            match = _HEADED.fullmatch(line)
            under = _NAMES[match[1].lower()] if match else ""
        elif match := _LED.fullmatch(line):
            yield _NAMES[match[1].lower()], match[2]
        elif match := _TRAILED.fullmatch(line):
            yield _NAMES[match[2].lower()], match[1]
        elif under and (match := _ITEM.fullmatch(line)):
            yield under, match[1]


def _in_row(columns: list[str], cells: list[str]) -> Iterator[tuple[str, str]]:
    for index, column in enumerate(columns):
        severity = _NAMES.get(cells[index].lower(), "") if index < len(cells) else ""
        if severity and column in {"severity", "schweregrad", "risk", "risiko", "priority", "priorität"}:
            yield severity, " · ".join(cell for other, cell in enumerate(cells) if other != index and cell)


def _in_json(block: Block) -> Iterator[tuple[str, str]]:
    """Objects with a severity, in a block that is JSON as a whole or line by line."""
    text = block.text.strip()
    if not text.startswith(("{", "[")):
        return
    try:
        documents = [json.loads(text)]
    except ValueError:
        documents = []
        for line in block.lines:
            try:
                documents.append(json.loads(line))
            except ValueError:
                continue
    for document in documents:
        yield from _in_value(document)


def _in_value(value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > 20:
        return
    if isinstance(value, dict):
        severity = _NAMES.get(str(value.get("severity", "")).lower())
        text = next((str(value[name]) for name in _TEXT_FIELDS if value.get(name)), "")
        if severity and text:
            yield severity, f"{_place(value)}{text}"
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _in_value(child, depth + 1)


def _place(value: dict[str, Any]) -> str:
    file = value.get("file") or value.get("path")
    line = value.get("startLine") or value.get("line")
    return f"`{file}:{line}` — " if file and line else f"`{file}` — " if file else ""
