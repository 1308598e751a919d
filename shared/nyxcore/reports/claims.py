"""Claims on all findings, or on none or one of them, which no list of numbers can be compared with; pure.

"All findings are fixed" and "no high ones are left" name no number. Whether they are true would take an
understanding of the facts; so a sentence with such a word beside one for findings passes only where the facts have
that very sentence, and "one" only where they hold a 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nyxcore.pages.models import Language as LanguageCode
from nyxcore.reports.weakness_names import speaks_of_weakness


@dataclass(frozen=True)
class _Words:
    """The words of one language.

    Attributes
    ----------
    whole : all and none.
    single : one; where that is an article too, only as it stands right before a finding.
    finding : what findings are called, how grave they are, and what becomes of them.
    """

    whole: re.Pattern[str]
    single: re.Pattern[str]
    finding: re.Pattern[str]


_FINDING_EN: Final = (
    r"\b(?:finding|issue|problem|bug|vulnerabilit|weakness|flaw|defect|error|smell|risk|exposure|hole"
    r"|fix|repair|patch|resol|solv|clos|address|mitigat|remediat|eliminat|remov|settl|dismiss|left\b|remain|open\b"
    r"|outstanding|gone\b|unsafe|insecure|secure|safe\b|clean\b|critical|high\b|medium\b|low\b|sever|grave)\w*"
)
_FINDING_DE: Final = (
    r"\b(?:befund|problem|fehler|bug|schwachstelle|schwäche|sicherheits|lücke|mangel|mängel|risik|gefahr"
    r"|korrektur|korrigier|behob|beheb|beseitig|gelöst|geschlossen|erledigt|entfernt|gepatcht|offen|übrig|verblieb|verbleib"
    r"|ungelöst|unsicher|sicher\b|sauber|kritisch|hoch\b|hohe|mittel\b|mittlere|niedrig|schwer|gravierend)\w*"
)

_WORDS: Final[Mapping[LanguageCode, _Words]] = {
    "en": _Words(
        whole=re.compile(
            r"\b(?:all|every\w*|each|any\w*|entire\w*|whole|full|fully|complete|completely|total|totally|always"
            r"|no|none|nothing|nobody|never|neither|without|free (?:of|from)|n[o']t (?:a|one))\b",
            re.IGNORECASE,
        ),
        single=re.compile(r"\b(?:(?<!the )one|single|sole|lone)\b", re.IGNORECASE),
        finding=re.compile(_FINDING_EN, re.IGNORECASE),
    ),
    "de": _Words(
        whole=re.compile(
            r"\b(?:alle[mnrs]?|jede[mnrs]?|sämtliche\w*|ganz\w*|gesamte\w*|vollständig\w*|komplett\w*|restlos\w*|immer"
            r"|kein\w*|nichts|niemand|nie|niemals|weder|ohne|frei von)\b",
            re.IGNORECASE,
        ),
        single=re.compile(rf"\beinzig\w*\b|\bein(?:e[mnrs]?)?\s+(?:\w+\s+)?(?={_FINDING_DE})", re.IGNORECASE),
        finding=re.compile(_FINDING_DE, re.IGNORECASE),
    ),
}
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+|;")
_CODE: Final = re.compile(r"`+[^`]+`+")
_MARKUP: Final = re.compile(r"[*_`\\\s]+")


def foreign_claim(prose: str, facts: str, code: LanguageCode, *, holds_one: bool) -> str | None:
    """The word of a claim in `prose` that the facts do not make, or None; `holds_one`: a 1 stands in them."""
    words = _WORDS[code]
    known = {_plain(sentence) for sentence in _SENTENCE.split(facts)}
    for sentence in _SENTENCE.split(prose):
        said = _CODE.sub(" ", sentence)
        about_findings = words.finding.search(said) is not None or speaks_of_weakness(said)
        if not about_findings or _plain(sentence) in known:
            continue
        if (claim := words.whole.search(said)) is not None:
            return claim[0]
        if not holds_one and (claim := words.single.search(said)) is not None:
            return claim[0].strip()
    return None


def _plain(sentence: str) -> str:
    return _MARKUP.sub(" ", sentence).strip(" .!?").lower()
