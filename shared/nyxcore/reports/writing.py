"""What a model is asked for the prose of a report, and how its answer becomes prose that is checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nyxcore.pages.models import Language as LanguageCode
from nyxcore.reports.language import Language
from nyxcore.reports.models import Style
from nyxcore.reports.prose import Prose, sections_of, with_prose
from nyxcore.workflows.material.fences import NOTICE, fenced

MAX_OUTPUT_TOKENS: Final = 4_096

_LANGUAGES: Final[Mapping[LanguageCode, str]] = {"en": "English", "de": "German"}
_TASK: Final = """\
You write a few sentences for sections of a report on a code base. Each section's facts are given; they were computed
and stand in the report below your sentences. Say what they mean for the reader, in {language}.

- Two to four sentences a section, plain text: no heading, list, link, image or HTML.
- Name no number, file, rule or finding that is not in the facts of that very section.
- Say nothing of all findings, of each, of none or of a single one, and name no kind of weakness that they do not.
- Do not repeat the table: say what matters in it, and what follows from it.
"""


@dataclass(frozen=True)
class Question:
    """What is asked. `schema` is that of the answer: one text for each section."""

    system: str
    prompt: str
    schema: dict[str, Any]


def question(content: str, style: Style, language: Language, *, voice: str) -> Question | None:
    """The question for a report's prose, `voice` being a persona's own words; None where no section takes prose."""
    sections = sections_of(content, style, language)
    if not sections:
        return None
    task = _TASK.format(language=_LANGUAGES[language.code])
    facts = [f"# {heading}\n\n{fenced(text, heading)}" for heading, text in sections]
    properties = {
        _name(number): {"type": "string", "description": heading}
        for number, (heading, _) in enumerate(sections)
    }
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    system = "\n\n".join(part for part in (voice.strip(), NOTICE) if part)
    return Question(system, "\n\n".join([task.strip(), *facts]), schema)


def written(content: str, style: Style, language: Language, answer: object) -> Prose:
    """The report with the prose of an answer in it; what does not keep to the facts is left out, and says so."""
    texts = answer if isinstance(answer, dict) else {}
    headings = [heading for heading, _ in sections_of(content, style, language)]
    by_heading = {
        heading: str(texts.get(_name(number), "")).strip() for number, heading in enumerate(headings)
    }
    return with_prose(content, style, language, by_heading)


def _name(number: int) -> str:
    return f"section{number + 1}"
