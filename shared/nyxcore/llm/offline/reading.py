"""A prompt taken apart: what is asked, and the material to take the answer from.

Fenced blocks are material: Markdown's, `<untrusted-1 source="…">` wherever it stands (`nyxcore.workflows` puts it
around what it inserts), other elements where they stand alone on their lines. Only what stands outside of them is
ever taken as a request, for material comes from repositories and models.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final

from nyxcore.llm.offline.phrases import is_own, is_own_notice

_UNTRUSTED: Final = re.compile(r"[ \t]*(</?untrusted-\d{1,9}(?:\s[^<>]{0,300})?>)[ \t]*")
_ELEMENT: Final = re.compile(r"\s*<(?P<tag>[a-zA-Z][\w.-]{0,60})(?P<attributes>(?:\s+[^<>]{0,300})?)>\s*")
_ELEMENT_END: Final = re.compile(r"\s*</(?P<tag>[a-zA-Z][\w.-]{0,60})(?:\s[^<>]{0,300})?>\s*")
_MARKDOWN_FENCE: Final = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})\s*(?P<info>[^`]*)")
_VALUE: Final = re.compile(r"(?:label|name|title|source|step|key|path|of)\s*=\s*[\"']([^\"']{1,120})[\"']")
_HEADING: Final = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*")
_ITEM: Final = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(.*)")
_RULE: Final = re.compile(r"\s*(?:[-*_=]\s*){3,}|\s*\|?[\s:|-]+\|[\s:|-]*")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-ZÄÖÜ0-9`\"'(*])")
CITED: Final = re.compile(r"\s\*\(([^()*]{1,80})\)\*$")  # as `writing` puts it behind what it quotes
_STEP: Final = re.compile(r"steps\.([A-Za-z][\w-]*)\.(?:content|output)")
_POINT: Final = re.compile(r"\*\*[^*]+\*\*")  # what was asked, above what an earlier answer has found of it
_EMPTY: Final = re.compile(r"\s*\(([\w.\[\]\"-]{1,120}) is empty: (.{3,200})\)\s*")
_ABBREVIATION: Final = re.compile(r"(?:\b(?:e\.g|i\.e|z\.B|d\.h|vs|etc|bzw|ca|Nr|No|Dr|St)|\b\w)\.$")


@dataclass(frozen=True)
class Statement:
    """A sentence or list item of the material, with the headings above it."""

    text: str
    block: str
    heading: str
    item: bool


@dataclass
class Block:
    """One piece of material."""

    label: str
    lines: list[str] = field(default_factory=list)
    code: bool = False

    @property
    def text(self) -> str:
        """All of it, as it stood."""
        return "\n".join(self.lines)

    def headings(self) -> list[str]:
        """Its headings, in order."""
        lines = [] if self.code else self.lines
        return [match[2] for line in lines if (match := _HEADING.fullmatch(line)) and match[2]]

    def statements(self) -> list[Statement]:
        """Its sentences and list items, in order; of code there are none."""
        found: list[Statement] = []
        paragraph: list[str] = []
        heading = ""
        lines = [] if self.code else [*self.lines, ""]
        own = any(is_own_notice(line) for line in lines)

        def flush() -> None:
            found.extend(Statement(s, self.label, heading, False) for s in sentences(" ".join(paragraph)))
            paragraph.clear()

        for line in lines:
            if match := _HEADING.fullmatch(line):
                flush()
                heading = match[2]
            elif is_own(line) or (own and _POINT.fullmatch(line)):
                flush()
            elif match := _ITEM.fullmatch(line):
                flush()
                found.extend([Statement(match[1].strip(), self.label, heading, True)] if match[1] else [])
            elif not line.strip() or _RULE.fullmatch(line) or line.lstrip().startswith("|"):
                flush()
            else:
                paragraph.append(line.strip().lstrip("> "))
        flush()
        return [_first_hand(statement) for statement in found] if own else found


@dataclass(frozen=True)
class Reading:
    """The prompt: `asked` is all that stands outside of fences, `blocks` what stands in them."""

    asked: Block
    blocks: list[Block]

    @property
    def request(self) -> Block:
        """What is asked here: without the goal, which is that of all steps, and without headings of material.

        `nyxcore.workflows` puts both before a heading "Task", where a prompt names no step; else the goal stands
        where the prompt has it.
        """
        lines = self.asked.lines
        tasks = [number for number, line in enumerate(lines) if line == "# Task"]
        own = lines[tasks[-1] + 1 :] if tasks else lines
        return Block("", [line for line in own if not line.startswith("The goal:")])

    @property
    def missing(self) -> list[tuple[str, str]]:
        """The sources that the prompt says are empty, each with the reason."""
        found = [_EMPTY.fullmatch(line) for line in self.asked.lines]
        return [(match[1], match[2]) for match in found if match]

    @property
    def material(self) -> list[Block]:
        """What answers are taken from; without any fence, the request itself is all there is."""
        return self.blocks or [self.asked]


def _first_hand(statement: Statement) -> Statement:
    """What an earlier answer has quoted, as it stood where that took it from."""
    match = CITED.search(statement.text)
    if match is None:
        return statement
    source = match[1].partition(" › ")
    return Statement(CITED.sub("", statement.text), source[0], source[2], statement.item)


def read(prompt: str) -> Reading:
    """Take a prompt apart."""
    asked, blocks = Block(""), list[Block]()
    for part in _parts(_UNTRUSTED.sub(r"\n\1\n", prompt).splitlines(), asked.lines):
        code: list[Block] = []
        blocks.append(part if part.code else _without_code(part, code))
        blocks.extend(code)
    return Reading(asked, blocks)


def sentences(text: str) -> list[str]:
    """The sentences of one paragraph."""
    found: list[str] = []
    for part in _SENTENCE_END.split(text):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += f" {part}"
        elif part.strip():
            found.append(part.strip())
    return found


def _parts(lines: list[str], outside: list[str]) -> Iterator[Block]:
    """The fenced blocks; the lines that stand outside of any are appended to `outside`."""
    closings: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        if key := _closes(line):
            closings.setdefault(key, []).append(number)
    index = 0
    while index < len(lines):
        key, label, code = _opens(lines[index])
        ends = closings.get(key, [])
        position = bisect_right(ends, index)
        if position == len(ends):  # no fence, or one that is never closed
            outside.append(lines[index])
            index += 1
        else:
            end = ends[position]
            named = _STEP.sub(r"\1", label) or _label_before(outside) or _tag(key)
            yield Block(named, lines[index + 1 : end], code)
            index = end + 1


def _opens(line: str) -> tuple[str, str, bool]:
    """What closes the fence that this line opens ("" for no fence), its label, and whether code is in it."""
    if match := _ELEMENT.fullmatch(line):
        named = _VALUE.search(match["attributes"])
        return f"/{match['tag']}", unescape(named[1]) if named else "", False
    if match := _MARKDOWN_FENCE.fullmatch(line):
        info = match["info"].strip().partition(" ")[0].lower()
        return match["fence"], "", info not in {"", "markdown", "md", "text", "txt"}
    return "", "", False


def _closes(line: str) -> str:
    """Which fence this line closes, or ""."""
    if match := _ELEMENT_END.fullmatch(line):
        return f"/{match['tag']}"
    match = _MARKDOWN_FENCE.fullmatch(line)
    return match["fence"] if match and not match["info"].strip() else ""


def _tag(key: str) -> str:
    return key[1:] if key.startswith("/") else ""


def _without_code(block: Block, code: list[Block]) -> Block:
    """The block without the code that is fenced in its text; that goes to `code`."""
    text = Block(block.label)
    for inner in _parts(block.lines, text.lines):
        if inner.code:
            code.append(Block(block.label, inner.lines, True))
        else:
            text.lines.extend(["", *inner.lines, ""])
    return text


def _label_before(lines: list[str]) -> str:
    """A heading or a line with a colon right above a fence names what is in it."""
    for line in reversed(lines[-2:]):
        if match := _HEADING.fullmatch(line):
            return match[2]
        if line.rstrip().endswith(":") and len(line) < 120:
            return line.strip().rstrip(":").strip("*# ")
        if line.strip():
            return ""
    return ""
