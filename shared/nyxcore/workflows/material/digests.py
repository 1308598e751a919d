"""Digests of texts that are too long for a prompt: extracts that keep a text's structure, made without a model.

A digest keeps headings, the first sentence of each paragraph, the items of lists, the heads of tables and the
signatures in code. Of several, each poorer than the one before, the richest that fits is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from nyxcore.workflows.material.sections import heading, lines_with_code

type Count = Callable[[str], int]
"""How many tokens a text has for the model that will read it."""

_SENTENCE = re.compile(r"[.!?…][\"'»”)]*(?=\s+[\"'«“(]?[A-ZÄÖÜ0-9])|[。！？]")
_ITEM = re.compile(r"\s{0,8}(?:[-*+]|\d{1,9}[.)])\s+(?=\S)")
_RULE = frozenset("|-: ")
_ITEM_BEGINS = frozenset("-*+0123456789")
_SIGNATURE = re.compile(
    r"\s*(?:(?:export|public|private|protected|static|async|abstract|final|pub|default)\s+)*"
    r"(?:def|class|function|func|fn|interface|struct|enum|trait|impl|type|module|CREATE\s+(?:TABLE|INDEX|VIEW))\s+\S",
    re.IGNORECASE,
)

Kind = Literal["heading", "paragraph", "list", "table", "code"]


@dataclass(frozen=True)
class _Block:
    """Lines of one kind; a paragraph is its first sentence, and so is each item of a list that may be kept."""

    kind: Kind
    lines: tuple[str, ...]
    level: int = 0


@dataclass(frozen=True)
class _Detail:
    """How much of each kind of block a digest keeps; sentences and lines in characters, the others in number."""

    sentence: int
    items: int
    rows: int
    signatures: int
    headings: int = 6
    every_paragraph: bool = True


_DETAILS = (
    _Detail(sentence=400, items=30, rows=5, signatures=30),
    _Detail(sentence=240, items=8, rows=1, signatures=10),
    _Detail(sentence=160, items=3, rows=0, signatures=4),
    _Detail(sentence=120, items=1, rows=0, signatures=0, every_paragraph=False),
    _Detail(sentence=0, items=0, rows=0, signatures=0),
    _Detail(sentence=0, items=0, rows=0, signatures=0, headings=2),
)


_LONGEST = _DETAILS[0]
_ITEM_LENGTH = 2_000


class Digester:
    """A text taken apart once, of which digests of several sizes may be asked for."""

    def __init__(self, text: str) -> None:
        self._blocks = list(_blocks(_as_markdown(text)))
        self._extracts: dict[_Detail, list[str]] = {}

    def within(self, room: int, count: Count) -> str | None:
        """The richest digest that has at most `room` tokens; None where not even one line fits."""
        poorest: list[str] = []
        for detail in _DETAILS:
            lines = self._extract(detail)
            poorest = lines or poorest
            if lines and count("\n".join(lines)) <= room:
                return "\n".join(lines)
        return _beginning(poorest, room, count)

    def _extract(self, detail: _Detail) -> list[str]:
        if detail not in self._extracts:
            self._extracts[detail] = _extract(self._blocks, detail)
        return self._extracts[detail]


def _beginning(lines: list[str], room: int, count: Count) -> str | None:
    """As many of the first lines as fit, and a line that says how many do not."""

    def cut(kept: int) -> str:
        return "\n".join([*lines[:kept], f"… ({len(lines) - kept} more lines)"])

    low, high = 0, len(lines) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(cut(middle)) <= room else (low, middle - 1)
    return cut(low) if low > 0 and count(cut(low)) <= room else None


def first_sentence(text: str, limit: int) -> str:
    """The first sentence of a paragraph on one line, cut at a word where it is longer than `limit` characters."""
    flat = " ".join(text[: 4 * limit + 200].split())
    end = _SENTENCE.search(flat)
    sentence = flat[: end.end()] if end else flat
    return _shorter(sentence, limit)


def _shorter(sentence: str, limit: int) -> str:
    if len(sentence) <= limit:
        return sentence
    return sentence[: limit - 1].rsplit(" ", 1)[0].rstrip(" …") + "…"


def _extract(blocks: list[_Block], detail: _Detail) -> list[str]:
    lines: list[str] = []
    previous: Kind | None = None
    for block in blocks:
        new_topic = previous in (None, "heading")
        if block.kind == "heading" or not detail.sentence or detail.every_paragraph or new_topic:
            lines += _kept(block, detail)
        previous = block.kind
    return lines


def _kept(block: _Block, detail: _Detail) -> Iterator[str]:
    count = len(block.lines)
    match block.kind:
        case "heading":
            if block.level <= detail.headings:
                yield block.lines[0].rstrip()
        case "paragraph":
            if detail.sentence:
                yield _shorter(block.lines[0], detail.sentence)
        case "list":
            yield from _items(block, detail)
        case "table":
            if detail.sentence:
                rows = max(0, count - 2)
                yield from (line.rstrip() for line in block.lines[: 2 + detail.rows])
                if rows > detail.rows:
                    yield f"… ({rows - detail.rows} more rows)"
        case "code":
            yield from _signatures(block, detail)


def _items(block: _Block, detail: _Detail) -> Iterator[str]:
    yield from (_shorter(line, detail.sentence) for line in block.lines[: detail.items])
    if detail.items and len(block.lines) > detail.items:
        yield f"… ({len(block.lines) - detail.items} more items)"


def _signatures(block: _Block, detail: _Detail) -> Iterator[str]:
    if not detail.sentence:
        return
    found = [line.rstrip()[: detail.sentence] for line in block.lines if _SIGNATURE.match(line)]
    yield f"(code, {len(block.lines)} lines)"
    yield from found[: detail.signatures]
    if detail.signatures and len(found) > detail.signatures:
        yield f"… ({len(found) - detail.signatures} more signatures)"


def _blocks(text: str) -> Iterator[_Block]:
    kind: Kind | None = None
    lines: list[str] = []
    gap = False
    for line, code in lines_with_code(text):
        now = _kind_of(line, code, kind)
        if now is None:
            gap = True
            continue
        ends = now != kind or now == "heading" or (gap and now != "list")
        if kind is not None and ends:
            yield _block(kind, lines)
            lines = []
        if now == "list" and lines and _ITEM.match(line) is None:
            lines[-1] += f" {line.strip()}" if len(lines[-1]) < _ITEM_LENGTH else ""
        else:
            lines.append(line.rstrip("\r\n"))
        kind, gap = now, False
    if kind is not None:
        yield _block(kind, lines)


def _block(kind: Kind, lines: list[str]) -> _Block:
    if kind == "paragraph":
        return _Block(kind, (first_sentence(" ".join(lines), _LONGEST.sentence),))
    if kind == "list":
        kept = lines[: _LONGEST.items]
        return _Block(kind, (*map(_first_of_item, kept), *lines[len(kept) :]))
    found = heading(lines[0])
    return _Block(kind, tuple(lines), found[0] if found else 0)


def _first_of_item(line: str) -> str:
    marker = _ITEM.match(line)
    begin = marker.end() if marker else 0
    return line[:begin] + first_sentence(line[begin:], _LONGEST.sentence)


def _kind_of(line: str, code: bool, before: Kind | None) -> Kind | None:
    if code:
        return "code"
    first = line.lstrip()[:1]
    if not first:
        return None
    if first == "#" and heading(line):
        return "heading"
    if (before == "list" and line[:1].isspace()) or (first in _ITEM_BEGINS and _ITEM.match(line)):
        return "list"
    if (first == "|" and line.rstrip().endswith("|")) or (before == "table" and set(line.strip()) <= _RULE):
        return "table"
    return "paragraph"


def _as_markdown(text: str) -> str:
    """JSON as headings and lists, so that its structure counts too; any other text as it is."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return "\n".join(_outline(json.loads(text), 1))
    except (ValueError, RecursionError):
        return text


def _outline(value: JsonValue, level: int) -> Iterator[str]:
    """Members that are objects or lists as headings, down to the third level; all else as items."""
    members = (
        value.items()
        if isinstance(value, dict)
        else [("", item) for item in value]
        if isinstance(value, list)
        else []
    )
    nested = []
    for name, member in members:
        if name and level <= 3 and isinstance(member, dict | list) and member:
            nested.append((name, member))
        else:
            text = member if isinstance(member, str) else json.dumps(member, ensure_ascii=False)
            yield "- " + (f"{name}: " if name else "") + " ".join(text.split())
    for name, member in nested:
        size = f" ({len(member)})" if isinstance(member, list) else ""
        yield f"{'#' * level} {' '.join(name.split())}{size}"
        yield from _outline(member, level + 1)
