"""The sentences that the engine stores in rows, in the language of a report, and what they have in common.

Rows keep English: why a finding was left, what was checked of a fix, what was unusual about the sources. The table
`labels/sentences.toml` holds each of these sentences with its translation; what is not in it (a person's words, a
tool's message) is shown as it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from nyxcore.reports.language import LABELS, Language

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Sentence:
    """A sentence that was recognised.

    Attributes
    ----------
    name : its name in the table.
    text : the whole sentence, in the language that was asked for.
    general : the sentence without what belongs to one place alone.
    """

    name: str
    text: str
    general: str


@dataclass(frozen=True)
class _Entry:
    name: str
    head: str  # what the sentence begins with, up to its first value
    pattern: re.Pattern[str]
    texts: Mapping[str, str]
    general: Mapping[str, str]


def in_language(text: str, language: Language) -> Sentence:
    """`text` as a sentence; one that is not in the table is its own name and stays as it is."""
    for entry in _entries():
        if not text.startswith(entry.head):
            continue
        match = entry.pattern.fullmatch(text)
        if match is None:
            continue
        values = {name: _number(name, value, language) for name, value in match.groupdict().items()}
        whole = entry.texts[language.code].format_map(values)
        general = entry.general[language.code].format_map(values) if entry.general else whole
        return Sentence(entry.name, whole, general)
    return Sentence(text, text, text)


def _number(name: str, value: str, language: Language) -> str:
    return language.number(int(value.replace(",", ""))) if name.startswith("n_") else value


@cache
def _entries() -> tuple[_Entry, ...]:
    table = tomllib.loads((LABELS / "sentences.toml").read_text(encoding="utf-8"))
    return tuple(_entry(name, row) for name, row in table.items())


def _entry(name: str, row: Mapping[str, str]) -> _Entry:
    parts = _PLACEHOLDER.split(row["en"])
    pattern = "".join(_part(part, is_name=index % 2 == 1) for index, part in enumerate(parts))
    general = {code: row[f"{code}_general"] for code in ("en", "de") if f"{code}_general" in row}
    return _Entry(name, parts[0], re.compile(pattern, re.DOTALL), {"en": row["en"], "de": row["de"]}, general)


def _part(part: str, *, is_name: bool) -> str:
    if not is_name:
        return re.escape(part)
    return f"(?P<{part}>[0-9,]+)" if part.startswith("n_") else f"(?P<{part}>.+?)"
