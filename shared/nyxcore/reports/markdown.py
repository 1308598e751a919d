"""Text from a repository or a tool, made safe to stand in a Markdown document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CODE_SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
# `:`, `.` and `@` only where GFM would make a link of what stands around them.
_SPECIAL = re.compile(r"([\\*_\[\]#~$|^]|:(?=//)|(?<=[Ww][Ww][Ww])\.|(?<=\w)@)")
_LINE_START = re.compile(r"^([-+=>]|\d+(?=[.)]))")
_BACKTICKS = re.compile(r"`+")
_REORDERS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BARS = "▏▎▍▌▋▊▉█"


def inline(text: str) -> str:
    """`text` as one line of prose: its code spans stay, all else that Markdown or HTML would act on is literal."""
    parts: list[str] = []
    end = 0
    flat = _flat(text)
    for span in _CODE_SPAN.finditer(flat):
        parts += [_literal(flat[end : span.start()]), code(_content(span[2]))]
        end = span.end()
    joined = "".join([*parts, _literal(flat[end:])])
    return _LINE_START.sub(lambda match: _escaped_start(match[1]), joined)


def code(text: str) -> str:
    """`text` as a code span, whatever backticks it contains (CommonMark 6.1).

    With a backslash before a `|` it is plain text instead: GFM has no way to write that in a table's cell.
    """
    flat = _flat(text) or " "
    if "\\|" in flat:
        return _literal(flat)
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(flat)), default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def fenced(text: str, language: str) -> str:
    """`text` as a fenced block that no line inside can close (CommonMark 4.5)."""
    shown = _visible(text).rstrip("\n")
    fence = "`" * max(3, max((len(run) for run in _BACKTICKS.findall(shown)), default=0) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def hunks(diff: str) -> str:
    """The hunks of one file's diff as a block. The file is named above it; in the diff, git would quote its letters."""
    head, _, rest = diff.partition("\n@@ ")
    return fenced(f"@@ {rest}" if head.startswith("--- ") and rest else diff, "diff")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers_from: int | None = None) -> str:
    """A table of cells that are Markdown already; columns from `numbers_from` on are set flush right."""
    rule = [
        "---:" if numbers_from is not None and index >= numbers_from else "---"
        for index in range(len(header))
    ]
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def bar(part: int, whole: int, width: int = 12) -> str:
    """A bar of block characters, `width` wide when `part` is `whole`; never empty when `part` is not 0."""
    eighths = max(round(8 * width * part / whole), 1) if part else 0
    full, rest = divmod(eighths, 8)
    return _BARS[-1] * full + (_BARS[rest - 1] if rest else "")


def bullets(items: Iterable[str], *, indent: str = "") -> str:
    """A list of items that are Markdown already, a line each."""
    return "\n".join(f"{indent}- {item}" for item in items)


def _cell(cell: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", cell)


def _flat(text: str) -> str:
    return " ".join(_visible(text).split())


def _visible(text: str) -> str:
    """What would make the text around it run backwards is shown as its escape (CVE-2021-42574)."""
    return _REORDERS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _content(span: str) -> str:
    """What a code span shows: a blank at both ends belongs to its fence (CommonMark 6.1)."""
    padded = span.startswith(" ") and span.endswith(" ") and span.strip(" ")
    return span[1:-1] if padded else span


def _escaped_start(mark: str) -> str:
    """What would begin a list, a quote or a heading, made literal."""
    return f"{mark}\\" if mark.isdigit() else f"\\{mark}"


def _literal(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", text)
    return escaped.replace("`", "\\`").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
