"""Prose between the computed parts of a report: which sections take it, and how it is put in.

A model is given each section's computed Markdown and says in a persona's voice what it means (`writing`). What it
writes is checked against that section (`prose_check`); what does not pass is left out, and the report says so there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nyxcore.reports.language import Language
from nyxcore.reports.models import Style
from nyxcore.reports.prose_check import objection

SECTIONS: Final[Mapping[Style, tuple[str, ...]]] = {
    "executive": ("executive.state", "executive.risk", "trend.heading", "executive.decide"),
    "security": ("security.open", "security.fixed"),
    "technical": ("overview.heading", "trend.heading"),
    "marketing": ("marketing.heading",),
}
"""The sections that take prose, by the label of their heading."""

_HEADING = re.compile(r"(?m)^## (.*)$")
_FENCE = re.compile(r"(?ms)^(`{3,})[^\n]*\n.*?^\1$\n?")
_FOOTER = "\n\n---\n\n"  # of the report, no fact of its last section


@dataclass(frozen=True)
class Prose:
    """A report with prose in it, and why some was left out: the reason by section."""

    content: str
    rejected: Mapping[str, str]


def sections_of(content: str, style: Style, language: Language) -> list[tuple[str, str]]:
    """The sections of a report that take prose: each heading, and its computed Markdown without diagrams and diffs."""
    wanted = {language(key) for key in SECTIONS[style]}
    return [
        (heading, _FENCE.sub("", body).partition(_FOOTER)[0].strip())
        for heading, body in _split(content)
        if heading in wanted
    ]


def with_prose(content: str, style: Style, language: Language, texts: Mapping[str, str]) -> Prose:
    """The report with `texts`, by heading, below the headings of the sections that take prose."""
    facts = dict(sections_of(content, style, language))
    pieces = _split(content)
    rejected: dict[str, str] = {}
    for index, (heading, body) in enumerate(pieces):
        if heading not in facts:
            continue
        text = texts.get(heading, "").strip()
        reason = objection(text, f"{heading}\n\n{facts[heading]}", language)
        if reason is not None:
            rejected[heading] = reason
            text = f"*{language('prose.left_out')}*"
        pieces[index] = heading, f"\n\n{text}{body}"
    joined = "".join(f"## {heading}{body}" if heading else body for heading, body in pieces)
    return Prose(joined, rejected)


def _split(content: str) -> list[tuple[str, str]]:
    """What stands before the first heading (under ""), then each heading of the second level with what follows.

    Lines of a diff are indented by their sign, so that none of them reads as a heading.
    """
    first, *rest = _HEADING.split(content)
    return [("", first), *zip(rest[::2], rest[1::2], strict=True)]
