"""What the offline model says in its own words (phrases.toml), and which of its two languages a text is in."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

Language = Literal["en", "de"]

LANGUAGES: Final[tuple[Language, ...]] = ("en", "de")
_SAID_OF_ITSELF: Final = (
    "notice", "nothing", "nothing_about", "absent", "ignored", "empty", "reason", "tie", "done_finding", "done_tests",
    "takes_up",
)  # fmt: skip
_LETTERS: Final = re.compile(r"[a-zäöüß]+")


@cache
def _phrases() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


@cache
def common_words() -> frozenset[str]:
    """Words of both languages that carry no meaning of their own."""
    return frozenset(_phrases()["common"].split())


def language_of(text: str) -> Language:
    """German if its frequent words are the more frequent ones, else English."""
    words = Counter(_LETTERS.findall(text.lower()))
    hits = {
        language: sum(words[word] for word in _phrases()[language]["frequent"].split())
        for language in LANGUAGES
    }
    return "de" if hits["de"] > hits["en"] else "en"


def phrase(language: Language, key: str, **values: object) -> str:
    """A phrase of the offline model's own."""
    text: str = _phrases()[language][key]
    return text.format(**values)


def notice(language: Language) -> str:
    """The first line of every answer."""
    return f"> **{phrase(language, 'notice')}**"


def is_own_notice(line: str) -> bool:
    """Whether the line is the notice of an earlier answer."""
    return any(phrase(language, "notice") in line for language in LANGUAGES)


@cache
def _own_lines() -> tuple[str, ...]:
    return tuple(phrase(language, key) for language in LANGUAGES for key in _SAID_OF_ITSELF)


def is_own(line: str) -> bool:
    """Whether the line says something about an earlier answer and nothing about its matter: nothing to quote."""
    return any(own in line for own in _own_lines())
