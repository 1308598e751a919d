"""Labels, dates and severities in English and German."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from page_documents import body, page, words

from nyxcore.pages.labels import day

NEW_YEAR = datetime(2026, 12, 31, 23, 30, tzinfo=timezone(-timedelta(hours=1)))


@pytest.mark.parametrize(
    ("language", "date", "expected"),
    [
        ("en", datetime(2026, 11, 23, tzinfo=UTC), "23 November 2026"),
        ("de", datetime(2026, 11, 23, tzinfo=UTC), "23. November 2026"),
        ("en", datetime(2026, 3, 1, tzinfo=UTC), "1 March 2026"),
        ("de", datetime(2026, 3, 1, tzinfo=UTC), "1. März 2026"),
        ("en", NEW_YEAR, "1 January 2027"),
        ("de", NEW_YEAR, "1. Januar 2027"),
    ],
)
def test_a_day_is_written_as_people_write_it(language: str, date: datetime, expected: str) -> None:
    assert day(date, language) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["Contents", "Project", "Report", "Date", "Read online"]),
        ("de", ["Inhalt", "Projekt", "Bericht", "Datum", "Online lesen"]),
    ],
)
def test_the_page_speaks_the_language_of_its_document(language: str, expected: list[str]) -> None:
    html = page(
        "## A\n\n## B\n\n## C\n\n## D\n\n" + "Words.\n\n" * 80,
        language=language,
        url="https://nyxcore.cloud/r",
    )
    said = words(html.partition("<body>")[2])
    assert [word for word in expected if word in said] == expected


@pytest.mark.parametrize(
    ("language", "word", "level"),
    [
        *(("en", level, level) for level in ("critical", "high", "medium", "low")),
        *(("de", *pair) for pair in (("kritisch", "critical"), ("hoch", "high"), ("mittel", "medium"))),
        ("de", "niedrig", "low"),
    ],
)
def test_a_cell_or_bold_text_that_is_a_severity_becomes_a_badge_that_still_says_it(
    language: str, word: str, level: str
) -> None:
    text = (
        f"| {word.title()} | n |\n| --- | --- |\n| {word} | 1 |\n| **{word}** | 2 |\n\n- **{word}** `a.py`\n"
    )
    html = body(page(text, language=language))
    assert html.count(f'<span class="severity {level}">{word}</span>') == 3
    assert html.count(f'<span class="severity {level}">{word.title()}</span>') == 1


def test_a_severity_within_other_words_is_left_alone() -> None:
    html = body(page("high\n\n| a |\n| --- |\n| high risk |\n\n**not high**, *low*, `critical`\n"))
    assert 'class="severity' not in html


def test_a_severity_of_the_other_language_is_a_word_like_any_other() -> None:
    assert 'class="severity' not in body(page("**hoch**", language="en"))
    assert 'class="severity' not in body(page("**high**", language="de"))


def test_a_severity_in_an_attribute_stays_an_attribute() -> None:
    html = body(page('<abbr title="<td>high</td> onclick=alert(1)">x</abbr>'))
    assert 'class="severity' not in html
