"""The form that a request asks for: the headings under which the answer is to stand, and what each is to hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from nyxcore.llm.offline.reading import Reading

Kind = Literal[
    "missing", "findings", "judged", "choice", "reasons", "questions", "rules", "done", "asked", "risks",
    "actions", "gist", "other",
]  # fmt: skip
"""What belongs below a heading, as far as its words tell; `judged` is what only a judgement could put there."""

# The first that fits counts: "what could not be judged" is no judgement, and "what must not change" no change.
_WORDS: Final[dict[Kind, str]] = {
    "missing": r"not known|not judged|could not|missing|assum|not found by|unbekannt|annahmen|fehlt",
    "findings": r"findings?|evidence|another look|weak|deviation|befunde?|belege",
    "judged": r"(?:not )?exploitable|(?:where they are )?(?:right|wrong)\b|agreed|disagreed|rejected|taken from|verdict"
    r"|contradict|(?:not )?supported|said by|not worth|change my mind|quotations|results?\b|severity|consisten|urteil"
    r"|einig|widerspr|position",
    "choice": r"best|chosen|choice|winner|gewählt|beste",
    "reasons": r"reasons?\b|why\b|begründung|gründe",
    "questions": r"questions?\b|still open|open\b|offene?",
    "rules": r"constraints?|rules|must not|out of scope|regeln|grenzen|conditions",
    "done": r"done when|acceptance|fertig",
    "asked": r"what is asked|task\b|aufgabe|gefragt",
    "risks": r"risks?|speaks against|objection|risik|einwand|attackers|harm",
    "actions": r"what to do|steps?\b|approach|how it is done|first\b|next\b|later\b|plan\b|measures|schritte|maßnahmen",
    "gist": r"summary|context|what is there|overview|state\b|überblick|zusammenfassung|kontext",
}
_KINDS: Final[dict[Kind, re.Pattern[str]]] = {
    kind: re.compile(rf"\b(?:{words})", re.IGNORECASE) for kind, words in _WORDS.items()
}
_HEADING: Final = re.compile(r" {0,3}#{2,6}\s+(.*?)\s*#*\s*")
_LEAST: Final = 2


@dataclass(frozen=True)
class Section:
    """A heading that was asked for; `hint` is what the request says of it."""

    title: str
    hint: str

    @property
    def kind(self) -> Kind:
        """What belongs below it, by its title alone: a hint speaks of much."""
        return next((kind for kind, pattern in _KINDS.items() if pattern.search(self.title)), "other")


def asked_for(reading: Reading) -> list[Section]:
    """The sections that the request names outside of the material; none where it names fewer than two.

    One whose title is a placeholder, such as `<name of the requirement>`, can only be filled by somebody who
    understands: it is left out.
    """
    found: list[tuple[str, list[str]]] = []
    for line in reading.request.lines:
        if match := _HEADING.fullmatch(line):
            found.append((match[1], []))
        elif found:
            found[-1][1].append(line.strip())
    sections = [
        Section(title, " ".join(filter(None, hint))) for title, hint in found if "<" not in title and title
    ]
    return sections if len(sections) >= _LEAST else []


def one_for_each(reading: Reading) -> bool:
    """Whether the request wants a section for each thing in the material, such as `## <name of the requirement>`."""
    titles = [match[1] for line in reading.request.lines if (match := _HEADING.fullmatch(line))]
    return any(title.startswith("<") and title.endswith(">") for title in titles)


_WITHOUT: Final = re.compile(
    r"[Ww]here there (?:are|is) no (\w+), write the single section [\"“]#+ ([^\"”]{1,80})[\"”]"
)


def without_source(reading: Reading) -> str | None:
    """The one section that the request wants where a source is empty, and it is; None otherwise."""
    match = _WITHOUT.search(" ".join(reading.request.text.split()))
    empty = {name for name, _ in reading.missing}
    return match[2] if match and match[1] in empty else None
