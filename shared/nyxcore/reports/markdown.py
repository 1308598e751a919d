"""Text from a repository or a tool, made safe to stand in a Markdown document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CODE_SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_SPECIAL = re.compile(r"([\\*_\[\]#~])")
_BACKTICKS = re.compile(r"`+")


def inline(text: str) -> str:
    """`text` as one line of prose: its code spans stay, all else that Markdown or HTML would act on is literal."""
    parts: list[str] = []
    end = 0
    flat = " ".join(text.split())
    for span in _CODE_SPAN.finditer(flat):
        parts += [_literal(flat[end : span.start()]), span.group(0)]
        end = span.end()
    return "".join([*parts, _literal(flat[end:])])


def code(text: str) -> str:
    """`text` as a code span, whatever backticks it contains (CommonMark 6.1)."""
    flat = " ".join(text.split()) or " "
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(flat)), default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def fenced(text: str, language: str) -> str:
    """`text` as a fenced block that no line inside can close (CommonMark 4.5)."""
    fence = "`" * max(3, max((len(run) for run in _BACKTICKS.findall(text)), default=0) + 1)
    return f"{fence}{language}\n{text.rstrip(chr(10))}\n{fence}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers_from: int | None = None) -> str:
    """A table of cells that are Markdown already; columns from `numbers_from` on are set flush right."""
    rule = [
        "---:" if numbers_from is not None and index >= numbers_from else "---"
        for index in range(len(header))
    ]
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _literal(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", text)
    return escaped.replace("`", "\\`").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
