"""The page's own words and dates, in each of its languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nyxcore.pages.models import Language


@dataclass(frozen=True, slots=True)
class Labels:
    """What the page says by itself in one language. `months` are the twelve names; `severities` word -> level."""

    contents: str
    project: str
    kind: str
    date: str
    online: str
    diagram: str
    diagram_failed: str
    diagram_waits: str
    months: tuple[str, ...]
    date_form: str
    severities: Mapping[str, str]


_LABELS: Mapping[Language, Labels] = {
    "en": Labels(
        contents="Contents",
        project="Project",
        kind="Report",
        date="Date",
        online="Read online",
        diagram="Diagram",
        diagram_failed="This diagram could not be drawn; this is its source.",
        diagram_waits="This diagram is drawn once the report's PDF has been made; this is its source.",
        months=(
            *("January", "February", "March", "April", "May", "June"),
            *("July", "August", "September", "October", "November", "December"),
        ),
        date_form="{day} {month} {year}",
        severities={"critical": "critical", "high": "high", "medium": "medium", "low": "low"},
    ),
    "de": Labels(
        contents="Inhalt",
        project="Projekt",
        kind="Bericht",
        date="Datum",
        online="Online lesen",
        diagram="Diagramm",
        diagram_failed="Dieses Diagramm konnte nicht gezeichnet werden; hier steht sein Quelltext.",
        diagram_waits="Dieses Diagramm wird gezeichnet, sobald das PDF erstellt ist; hier steht sein Quelltext.",
        months=(
            *("Januar", "Februar", "März", "April", "Mai", "Juni"),
            *("Juli", "August", "September", "Oktober", "November", "Dezember"),
        ),
        date_form="{day}. {month} {year}",
        severities={"kritisch": "critical", "hoch": "high", "mittel": "medium", "niedrig": "low"},
    ),
}


def labels(language: Language) -> Labels:
    """The words of `language`."""
    return _LABELS[language]


def day(date: datetime, language: Language) -> str:
    """The day of `date` in UTC, such as "23 November 2026" or "23. November 2026".

    Raises
    ------
    ValueError : the date has no time zone, so that nobody knows which day it is.
    """
    if date.tzinfo is None:
        raise ValueError(f"date {date.isoformat()} has no time zone: give it one, such as UTC")
    utc = date.astimezone(UTC)
    words = labels(language)
    return words.date_form.format(day=utc.day, month=words.months[utc.month - 1], year=utc.year)
