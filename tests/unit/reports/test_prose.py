"""Prose stands below the headings of its sections, and what was refused is said to be left out."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from report_rows import EVERYTHING

from nyxcore.pages.models import Language as LanguageCode
from nyxcore.reports.kinds.auto_fix import RENDERERS
from nyxcore.reports.language import language_of
from nyxcore.reports.models import Style
from nyxcore.reports.prose import SECTIONS, with_prose


@dataclass
class Script:
    """A writer that says the same of every section, and keeps what it was asked."""

    text: str
    asked: list[dict[str, str]] = field(default_factory=list)

    def write(self, *, section: str, facts: str, language: LanguageCode, persona: str) -> str:
        self.asked.append({"section": section, "facts": facts, "language": language, "persona": persona})
        return self.text


def test_what_the_writer_says_stands_below_the_heading() -> None:
    language = language_of("en")
    content = RENDERERS["executive"](EVERYTHING, language)
    made = with_prose(content, "executive", language, Script("All of it is known.\n"), "auditor")
    assert "## State\n\nAll of it is known.\n\n1,234 files were checked" in made.content
    assert made.content.replace("\n\nAll of it is known.", "") == content
    assert made.rejected == {}


def test_the_writer_gets_the_numbers_of_its_section_without_diagrams() -> None:
    language, writer = language_of("de"), Script("Gut.")
    with_prose(RENDERERS["executive"](EVERYTHING, language), "executive", language, writer, "architect")
    assert [asked["section"] for asked in writer.asked] == [
        "Stand", "Risiko", "Seit dem letzten Lauf", "Was zu entscheiden ist",
    ]  # fmt: skip
    assert "1.234 Dateien" in writer.asked[0]["facts"] and "xychart" not in writer.asked[0]["facts"]
    assert {(asked["language"], asked["persona"]) for asked in writer.asked} == {("de", "architect")}


def test_refused_prose_is_left_out_and_that_is_said() -> None:
    language = language_of("en")
    made = with_prose(
        RENDERERS["marketing"](EVERYTHING, language), "marketing", language, Script("4711 users."), "x"
    )
    assert "4711" not in made.content
    assert "## What got better\n\n*No text is shown here: what the model wrote" in made.content
    assert made.rejected == {"What got better": "it names the number '4711', which is not in the facts"}


@pytest.mark.parametrize("style", RENDERERS)
@pytest.mark.parametrize("code", ["en", "de"])
def test_every_section_that_takes_prose_is_asked_for_once(style: Style, code: str) -> None:
    language, writer = language_of(code), Script("x")
    with_prose(RENDERERS[style](EVERYTHING, language), style, language, writer, "x")
    assert [asked["section"] for asked in writer.asked] == [language(key) for key in SECTIONS[style]]
