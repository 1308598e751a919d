"""How a report speaks: labels, numbers, dates and durations of one language."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType

from nyxcore.pages.models import Language as LanguageCode

LABELS = Path(__file__).with_name("labels")

type Label = str | tuple[str, str]
"""A template, or two of them: for a value `n` of 1, and for all others."""


@dataclass(frozen=True)
class _Number:
    """A number in a template: `{n}`, `{n:finding}` (with the form of a word), `{n:!is}` (the form alone)."""

    value: int
    language: Language

    def __format__(self, spec: str) -> str:
        if not spec:
            return self.language.number(self.value)
        form = self.language.form(spec.removeprefix("!"), self.value)
        return form if spec.startswith("!") else f"{self.language.number(self.value)} {form}"


@dataclass(frozen=True)
class Language:
    """One language of reports.

    Attributes
    ----------
    code : "en", "de".
    labels : templates by `section.key`.
    forms : the forms [one, other] of words that go with numbers.
    """

    code: LanguageCode
    labels: Mapping[str, Label]
    forms: Mapping[str, tuple[str, str]]

    def __call__(self, key: str, /, **values: object) -> str:
        """The label `key` with these values in it; whole numbers are written as the language writes them."""
        label = self.labels[key]
        if isinstance(label, tuple):
            label = label[values["n"] != 1]
        return label.format_map({name: self._value(value) for name, value in values.items()})

    def capital(self, key: str) -> str:
        """The label `key` as it begins a line or a cell."""
        label = self(key)
        return label[:1].upper() + label[1:]

    def get(self, key: str, otherwise: str) -> str:
        """The label `key`, which is no template, or `otherwise` where there is none."""
        label = self.labels.get(key, otherwise)
        return label if isinstance(label, str) else otherwise

    def number(self, value: int) -> str:
        """13,000 or 13.000."""
        return f"{value:,}".replace(",", self("format.thousands"))

    def decimal(self, value: float, digits: int) -> str:
        """1,234.5 or 1.234,5."""
        whole, point, rest = f"{value:,.{digits}f}".partition(".")
        return whole.replace(",", self("format.thousands")) + (self("format.decimal") if point else "") + rest

    def usd(self, value: Decimal) -> str:
        """1,234.50 or 1.234,50; "<0.01" where rounding would hide the rest."""
        if 0 < value < Decimal("0.005"):
            return f"<{self.decimal(0.01, 2)}"
        return self.decimal(float(value), 2)

    def percent(self, part: int, whole: int) -> str:
        """The share of `part`, rounded to whole percents; "<1%" and ">99%" where rounding would hide the rest."""
        share = 100 * part / whole if whole else 0.0
        rounded = round(share)
        if rounded == 0 and part:
            return self("format.percent", value="<1")
        if rounded == 100 and part != whole:
            return self("format.percent", value=">99")
        return self("format.percent", value=str(rounded))

    def form(self, word: str, value: int) -> str:
        """The form of a word that goes with this number."""
        return self.forms[word][value != 1]

    def date(self, moment: datetime) -> str:
        """The day, in UTC as all instants here are: 2026-11-23 or 23.11.2026."""
        return f"{moment:{self('format.date')}}"

    def duration(self, length: timedelta) -> str:
        """2.5 s, 3 min 20 s, 2 h 5 min."""
        seconds = length.total_seconds()
        if round(seconds, 1) < 60:
            return f"{self.decimal(seconds, 1)} s"
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes} min {rest} s" if rest else f"{minutes} min"
        hours, minutes = divmod(minutes, 60)
        return f"{self.number(hours)} h {minutes} min" if minutes else f"{self.number(hours)} h"

    def listed(self, items: Iterable[str]) -> str:
        """a, b and c."""
        *first, last = [*items] or [""]
        return f"{', '.join(first)} {self('format.and')} {last}" if first else last

    def _value(self, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return _Number(value, self)
        return value


@cache
def language_of(code: LanguageCode) -> Language:
    """The language that reports are asked for in."""
    sections = tomllib.loads((LABELS / f"{code}.toml").read_text(encoding="utf-8"))
    forms = {word: _pair(pair) for word, pair in sections.pop("forms").items()}
    labels: dict[str, Label] = {
        f"{section}.{key}": label if isinstance(label, str) else _pair(label)
        for section, entries in sections.items()
        for key, label in entries.items()
    }
    return Language(code, MappingProxyType(labels), MappingProxyType(forms))


def _pair(pair: Sequence[str]) -> tuple[str, str]:
    one, other = pair
    return one, other
