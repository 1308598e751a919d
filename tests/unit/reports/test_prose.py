"""Prose stands below the headings of its sections, and what was refused is said to be left out."""

from __future__ import annotations

import pytest
from report_rows import EVERYTHING

from nyxcore.reports.kinds.auto_fix import RENDERERS
from nyxcore.reports.language import language_of
from nyxcore.reports.models import Style
from nyxcore.reports.prose import SECTIONS, sections_of, with_prose
from nyxcore.reports.writing import question, written


def test_what_was_written_stands_below_the_heading() -> None:
    language = language_of("en")
    content = RENDERERS["executive"](EVERYTHING, language)
    texts = {heading: "All of it is known." for heading, _ in sections_of(content, "executive", language)}
    made = with_prose(content, "executive", language, texts)
    assert "## State\n\nAll of it is known.\n\n1,234 files were checked" in made.content
    assert made.content.replace("\n\nAll of it is known.", "") == content
    assert made.rejected == {}


def test_a_section_comes_with_its_numbers_and_without_diagrams() -> None:
    language = language_of("de")
    sections = sections_of(RENDERERS["executive"](EVERYTHING, language), "executive", language)
    assert [heading for heading, _ in sections] == [
        "Stand", "Risiko", "Seit dem letzten Lauf", "Was zu entscheiden ist",
    ]  # fmt: skip
    assert "1.234 Dateien" in sections[0][1] and "xychart" not in sections[0][1]


def test_refused_prose_is_left_out_and_that_is_said() -> None:
    language = language_of("en")
    content = RENDERERS["marketing"](EVERYTHING, language)
    made = with_prose(content, "marketing", language, {"What got better": "4711 users."})
    assert "4711" not in made.content
    assert "## What got better\n\n*No text is shown here: what the model wrote" in made.content
    assert made.rejected == {"What got better": "it names the number '4711', which is not in the facts"}


@pytest.mark.parametrize("style", RENDERERS)
@pytest.mark.parametrize("code", ["en", "de"])
def test_every_section_that_takes_prose_is_asked_for_once(style: Style, code: str) -> None:
    language = language_of(code)
    content = RENDERERS[style](EVERYTHING, language)
    assert [heading for heading, _ in sections_of(content, style, language)] == [
        language(key) for key in SECTIONS[style]
    ]


def test_a_model_is_asked_for_each_section_in_the_language_and_voice_of_the_report() -> None:
    language = language_of("de")
    content = RENDERERS["executive"](EVERYTHING, language)
    asked = question(content, "executive", language, voice="You are an auditor.")
    assert asked is not None
    assert asked.system.startswith("You are an auditor.")
    assert "in German" in asked.prompt
    assert asked.schema["required"] == ["section1", "section2", "section3", "section4"]
    # what comes from a repository is data, and cannot leave its fence
    assert asked.prompt.count("<untrusted-") >= 4


def test_an_answer_becomes_prose_by_section_and_one_that_lacks_some_leaves_those_out() -> None:
    language = language_of("en")
    content = RENDERERS["executive"](EVERYTHING, language)
    made = written(
        content, "executive", language, {"section1": "All of it is known.", "section2": "None of it is."}
    )
    assert "## State\n\nAll of it is known." in made.content
    assert set(made.rejected.values()) == {"it is empty"}
    assert written(content, "executive", language, "no object").rejected.keys() == {
        "State", "Risk", "Since the last run", "What to decide",
    }  # fmt: skip
