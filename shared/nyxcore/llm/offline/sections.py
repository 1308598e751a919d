"""An answer in the form that was asked for: below each heading what the material holds for it, each thing once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from nyxcore.llm.offline import comparing
from nyxcore.llm.offline.findings import Found, findings_of
from nyxcore.llm.offline.forms import Kind, Section
from nyxcore.llm.offline.phrases import Language, more_of, phrase
from nyxcore.llm.offline.quoting import LONGEST_FINDING, cited, quoted
from nyxcore.llm.offline.ranking import about, is_action, is_rule, key_statements, statements_of, words
from nyxcore.llm.offline.reading import Reading, Statement

_AT_FIRST, _ITEMS, _LOOSE, _ALL = 3, 12, 4, 100
_EVERY: Final = re.compile(r"\b(?:every finding|all findings|jeder befund|alle befunde)\b", re.IGNORECASE)
_CAUTION: Final = re.compile(
    r"\b(?:risks?|break\w*|fail\w*|attack\w*|leak\w*|lost|unsafe|danger\w*|risik\w*|bricht|gefahr\w*)\b",
    re.IGNORECASE,
)
_TURNS: Final[dict[Kind, int]] = {"rules": 0, "questions": 0, "risks": 0, "gist": 2, "other": 2}
_PLACES: Final = re.compile(r"\b(?:where|files|wo|dateien)\b", re.IGNORECASE)
_OF_TOOL: Final = re.compile(r"([\w ]+?) `[^`]+`: .* at (`.+)")  # as `nyxcore.steps.facts` puts it
_URGENT: Final = re.compile(r"\b(?:first|next|zuerst)\b", re.IGNORECASE)


def answer_in(sections: Sequence[Section], reading: Reading, language: Language) -> list[str]:
    """The sections, and a line that names those for which the material holds nothing."""
    kinds = {section.kind for section in sections}
    filler = _Filler(reading, language, asked="asked" in kinds, listed="findings" in kinds)
    # what belongs to few headings goes there first, whatever their order
    by_need = sorted(sections, key=lambda section: _TURNS.get(section.kind, 1))
    lines_of = {section: filler.lines(section) for section in by_need}
    filled = [(section, lines_of[section]) for section in sections]
    parts = [f"## {section.title}\n\n" + "\n".join(lines) for section, lines in filled if lines]
    empty = [section.title for section, lines in filled if not lines]
    if empty:
        between = "; " if any("," in title for title in empty) else ", "
        parts.append(f"> {phrase(language, 'nothing_about')}: {between.join(empty)}.")
    return parts


class _Filler:
    """Gives out what the material holds; what stands below one heading does not stand below another."""

    def __init__(self, reading: Reading, language: Language, *, asked: bool, listed: bool) -> None:
        self._reading, self._language, self._asked_for = reading, language, asked
        focus = [block for block in reading.blocks if block.label == "item"]
        self._focus = " ".join(block.text for block in focus)
        blocks = [block for block in reading.material if block.label != "item"]
        found = findings_of(blocks)
        self._found = _on(found, self._focus) if self._focus else found
        self._listed = listed
        texts = [finding.text for finding in found]
        self._statements = [
            one for one in statements_of(blocks) if not any(text in one.text for text in texts)
        ]
        self._used: set[str] = set()
        self._fill: dict[Kind, Callable[[Section], list[str]]] = {
            "missing": lambda _: absent(self._reading, self._language),
            "judged": lambda _: [],
            "choice": self._choice,
            "reasons": self._reasons,
            "questions": self._questions,
            "rules": lambda _: self._those(is_rule, _ITEMS),
            "done": self._done,
            "asked": self._asked,
            "risks": lambda _: self._take((one for one in self._statements if _is_risk(one)), _LOOSE),
            "actions": self._actions,
            "findings": self._evidence,
            "gist": self._gist,
        }

    def lines(self, section: Section) -> list[str]:
        """What stands below the heading; empty where the material holds nothing for it."""
        return self._fill.get(section.kind, self._fitting)(section)

    def _take(self, statements: Iterable[Statement], limit: int) -> list[str]:
        fresh = [one for one in statements if one.text not in self._used][:limit]
        self._used.update(one.text for one in fresh)
        return [f"- {cited(one)}" for one in fresh]

    def _those(self, wanted: Callable[[str], bool], limit: int) -> list[str]:
        return self._take((one for one in self._statements if wanted(one.text)), limit)

    def _findings(self, limit: int, *, urgent: bool = False) -> list[str]:
        """Up to so many findings, and how many more there are; of what is urgent, no slight one and no number."""
        fresh = [
            one
            for one in self._found
            if one.text not in self._used and not (urgent and one.severity == "low")
        ]
        shown = (
            fresh if len(fresh) == limit + 1 and not urgent else fresh[:limit]
        )  # "1 more" would need a line too
        self._used.update(one.text for one in shown)
        lines = [f"- **{one.severity}**: {quoted(one.text, LONGEST_FINDING)}" for one in shown]
        if not urgent and len(fresh) > len(shown):
            lines.append(f"- {phrase(self._language, 'more', count=len(fresh) - len(shown))}")
        return lines

    def _evidence(self, section: Section) -> list[str]:
        """The findings; where it is asked where they lie, what is said of that before them."""
        about_places = self._places(section) if _PLACES.search(section.title) else []
        whole = _EVERY.search(self._reading.request.text) is not None
        return [*about_places, *self._findings(_ALL if whole else _ITEMS)]

    def _places(self, section: Section) -> list[str]:
        """What has a word of the heading or of its hint, in its own order: a list of files goes by their number."""
        wanted = set(words(f"{section.title} {section.hint}"))
        return self._take((one for one in self._left() if wanted & set(words(one.text))), _ITEMS)

    def _actions(self, section: Section) -> list[str]:
        """What the material says is to be done, then what was found, the gravest first; nothing slight is urgent.

        Findings that have a heading of their own are not repeated: the least grave that it has no room for would
        stand here as the first thing to do.
        """
        urgent = _URGENT.search(section.title) is not None
        limit = _AT_FIRST if urgent else _ITEMS
        said = self._take((one for one in self._statements if _is_step(one)), limit)
        room = 0 if self._listed else limit - len(said)
        found = self._findings(room, urgent=urgent) if room else []
        lines = [line.removeprefix("- ") for line in (*said, *found) if not more_of(line)]
        rest = [line for line in found if more_of(line)]
        return [*(f"{number}. {line}" for number, line in enumerate(lines, start=1)), *rest]

    def _asked(self, section: Section) -> list[str]:
        """The request as it was given; its parts may stand below other headings too."""
        given = [one for one in self._statements if one.block == "input"][:_ITEMS]
        return [f"- {cited(one)}" for one in given] or self._fitting(section)

    def _questions(self, _section: Section) -> list[str]:
        """What is asked in the material; a request that is one question stands as such already."""
        given = [one for one in self._statements if one.block == "input"]
        request = given[0].text if self._asked_for and len(given) == 1 else ""
        return self._those(lambda text: text.endswith("?") and text != request, _ITEMS)

    def _gist(self, section: Section) -> list[str]:
        if self._focus:
            return self._take(about(self._left(), self._focus, _LOOSE), _LOOSE)
        return self._take(key_statements(self._left(), f"{section.title} {section.hint}", _LOOSE), _LOOSE)

    def _fitting(self, section: Section) -> list[str]:
        """What shares most words with the heading and what the request says of it."""
        left = self._left()
        fitting = about(left, f"{section.title} {section.hint}", _LOOSE)
        return self._take((one for one in left if one in fitting), _LOOSE)

    def _left(self) -> list[Statement]:
        """What stands below no heading yet and says something.

        A question does not, and a request that stands whole below a heading is not repeated in pieces.
        """
        return [
            one
            for one in self._statements
            if one.text not in self._used
            and not one.text.endswith("?")
            and not (self._asked_for and one.block == "input")
        ]

    def _done(self, _section: Section) -> list[str]:
        keys = ["done_finding", "done_tests"] if self._found else ["done_tests"]
        return [f"- {phrase(self._language, key)}" for key in keys]

    def _choice(self, section: Section) -> list[str]:
        blocks = comparing.alternatives(self._reading.blocks)
        if not comparing.is_wanted(f"{section.title} {self._reading.request.text}", self._reading.blocks):
            return self._fitting(section)
        if not comparing.differ(self._reading.request.text, blocks):
            return []
        result = comparing.compare(self._reading.request.text, blocks)
        best = blocks[result.best]
        key = key_statements(statements_of([best]), self._reading.request.text, _LOOSE)
        return [f"**{quoted(best.label, 60)}**", "", *self._take(key, _LOOSE)]

    def _reasons(self, section: Section) -> list[str]:
        if not comparing.is_wanted(self._reading.request.text, self._reading.blocks):
            return self._fitting(section)
        blocks = comparing.alternatives(self._reading.blocks)
        if not comparing.differ(self._reading.request.text, blocks):
            return []
        return comparing.told(comparing.compare(self._reading.request.text, blocks), self._language)


def absent(reading: Reading, language: Language) -> list[str]:
    """The sources that were asked for and are empty."""
    return [f"- {phrase(language, 'absent')}: {name} ({quoted(reason)})" for name, reason in reading.missing]


def _is_step(statement: Statement) -> bool:
    """Whether it says what is to be done."""
    return is_action(statement.text) and not _is_condition(statement)


def _is_risk(statement: Statement) -> bool:
    """Whether it says what may go wrong; a question does not."""
    text = statement.text
    return _CAUTION.search(text) is not None and not text.endswith("?") and not _is_condition(statement)


def _is_condition(statement: Statement) -> bool:
    """Whether it is what a request says must, or must not, be so: neither a step nor a risk."""
    return statement.block == "input" and is_rule(statement.text)


def _on(found: Sequence[Found], focus: str) -> list[Found]:
    """The findings that share a word with what this call is about, of a tool's with their category or places.

    One word of its message is not enough: what it says of "modules" of Python is nothing about the modules of the
    project.
    """
    wanted = set(words(focus))
    return [
        finding
        for finding in found
        if wanted & set(words(_matter(finding.text))) or len(wanted & set(words(finding.text))) > 1
    ]


def _matter(text: str) -> str:
    match = _OF_TOOL.fullmatch(text)
    return f"{match[1]} {match[2]}" if match else text
