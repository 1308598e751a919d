"""Both languages have the same labels, which take the same values, and say numbers and dates in their way."""

from __future__ import annotations

import string
from datetime import datetime, timedelta
from typing import get_args

import pytest
from report_rows import DATE

from nyxcore.analysis.rules.tables import Category, Severity
from nyxcore.findings.models import FinalState
from nyxcore.reports.language import Language, language_of
from nyxcore.reports.models import Style
from nyxcore.runs.models import PHASES, PipelineKind
from nyxcore.sources.models import Reason

EN, DE = language_of("en"), language_of("de")


def values(language: Language, key: str) -> list[tuple[str, str]]:
    label = language.labels[key]
    texts = (label,) if isinstance(label, str) else label
    fields = [field for text in texts for field in string.Formatter().parse(text)]
    return [(name, spec or "") for _, name, spec, _ in fields if name]


def test_both_languages_have_the_same_labels() -> None:
    assert set(EN.labels) == set(DE.labels)


@pytest.mark.parametrize("key", sorted(EN.labels))
def test_a_label_takes_the_same_values_in_both_languages(key: str) -> None:
    if EN.labels[key]:  # what needs no saying in one language is empty there
        names = [{name for name, _ in values(language, key)} for language in (EN, DE)]
        assert names[0] - {"n"} == names[1] - {"n"}


@pytest.mark.parametrize("language", [EN, DE], ids=["en", "de"])
def test_every_form_that_a_label_asks_for_is_there_and_none_beside(language: Language) -> None:
    asked = {spec.removeprefix("!") for key in language.labels for _, spec in values(language, key) if spec}
    assert asked == set(language.forms)


@pytest.mark.parametrize("language", [EN, DE], ids=["en", "de"])
def test_every_word_of_the_product_has_a_label(language: Language) -> None:
    words = {
        "severity": get_args(Severity),
        "severity_means": get_args(Severity),
        "category": get_args(Category),
        "category_means": get_args(Category),
        "style": get_args(Style),
        "kind": get_args(PipelineKind),
        "phase": PHASES,
        "skipped": list(Reason),
        "state": [*(state for state in get_args(FinalState) if state != "fixed"), "unsettled"],
    }
    missing = [
        f"{group}.{word}"
        for group, names in words.items()
        for word in names
        if f"{group}.{word}" not in language.labels
    ]
    assert missing == []


@pytest.mark.parametrize(("language", "written"), [(EN, "13,000"), (DE, "13.000")], ids=["en", "de"])
def test_thousands_are_set_apart_as_the_language_does(language: Language, written: str) -> None:
    assert language.number(13_000) == written
    assert language("summary.clean", files=13_000).startswith(f"{written} ")


def test_a_number_brings_the_form_of_its_word() -> None:
    assert EN("summary.clean", files=1).startswith("1 file scanned")
    assert DE("summary.clean", files=1).startswith("1 Datei geprüft")
    assert DE("summary.left", n=1) == "1 bleibt Handarbeit"
    assert DE("summary.left", n=2) == "2 bleiben Handarbeit"


def test_dates_and_fractions_are_written_as_the_language_does() -> None:
    assert (EN.date(DATE), DE.date(DATE)) == ("2026-11-23", "23.11.2026")
    assert (EN.decimal(1234.5, 2), DE.decimal(1234.5, 2)) == ("1,234.50", "1.234,50")
    assert EN.date(datetime(2026, 1, 2)) == "2026-01-02"


@pytest.mark.parametrize(
    ("length", "written"),
    [
        (timedelta(seconds=0.04), "0.0 s"),
        (timedelta(seconds=59.94), "59.9 s"),
        (timedelta(seconds=59.97), "1 min"),
        (timedelta(seconds=200), "3 min 20 s"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(hours=3), "3 h"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(length: timedelta, written: str) -> None:
    assert EN.duration(length) == written


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [(0, 0, "0%"), (0, 9, "0%"), (1, 1000, "<1%"), (999, 1000, ">99%"), (1, 3, "33%"), (5, 5, "100%")],
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(part: int, whole: int, written: str) -> None:
    assert EN.percent(part, whole) == written


def test_a_list_ends_with_and() -> None:
    assert (EN.listed("abc"), DE.listed("ab"), EN.listed("a"), EN.listed("")) == (
        "a, b and c",
        "a und b",
        "a",
        "",
    )
