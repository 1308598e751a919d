"""Alternatives side by side, by what can be counted in them: no judgement, and the answer says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from nyxcore.llm.offline.phrases import Language, phrase
from nyxcore.llm.offline.quoting import quoted
from nyxcore.llm.offline.ranking import words
from nyxcore.llm.offline.reading import Block

_JUDGES: Final = re.compile(
    r"\b(?:judge|compare|choose|pick|select|rank|which (?:one )?is (?:the )?best)\b"
    r"|\bbest (?:approach|alternative|option)"
    r"|\b(?:vergleiche|wähle|beurteile|entscheide|bewerte)\b|\bbeste[rn]? (?:ansatz|alternative|variante|vorschlag)",
    re.IGNORECASE,
)
_CONCRETE: Final = re.compile(
    r"`[^`\n]{2,}`|\b[\w./-]+\.(?:py|js|ts|go|java|sql|md|ya?ml|json|toml)\b|\blines? \d+"
)
_STRUCTURE: Final = re.compile(r"(?m)^\s*(?:#{1,6}\s|[-*+]\s|\d{1,3}[.)]\s)")
_CAUTION: Final = re.compile(
    r"\b(?:test\w*|risk\w*|rollback|revert|backup|migrat\w*|monitor\w*|edge cases?|risik\w*|rückweg|sicherung\w*)\b",
    re.IGNORECASE,
)
CRITERIA: Final = ("coverage", "concrete", "steps", "caution")


@dataclass(frozen=True)
class Comparison:
    """The alternatives, what was counted in each (in the order of `CRITERIA`), and their points."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    points: tuple[int, ...]

    @property
    def best(self) -> int:
        """Index of the one with most points; of several the first."""
        return self.points.index(max(self.points))

    @property
    def tied(self) -> bool:
        """Whether another one has as many points."""
        return self.points.count(max(self.points)) > 1


def is_wanted(request: str, blocks: list[Block]) -> bool:
    """Whether the request is to choose, and there are at least two texts to choose from."""
    return len(alternatives(blocks)) > 1 and _JUDGES.search(request) is not None


def alternatives(blocks: list[Block]) -> list[Block]:
    """What is to be compared: those labelled so, or else every text."""
    texts = [block for block in blocks if not block.code and block.text.strip() and block.label != "input"]
    named = [
        block
        for block in texts
        if re.search(r"(?i)alternative|option|variant|vorschlag|ansatz|approach|proposal", block.label)
    ]
    return named if len(named) > 1 else texts


def compare(request: str, blocks: list[Block]) -> Comparison:
    """Count, and give for each criterion as many points as there are alternatives that have less of it."""
    counts = tuple(_counts(request, block.text) for block in blocks)
    points = tuple(
        sum(other[criterion] < own[criterion] for criterion in range(len(CRITERIA)) for other in counts)
        for own in counts
    )
    labels = tuple(block.label or str(number) for number, block in enumerate(blocks, start=1))
    return Comparison(labels, counts, points)


def _counts(request: str, text: str) -> tuple[int, ...]:
    asked, said = set(words(request)), set(words(text))
    length = max(1, len(text.split()))
    return (
        round(100 * len(asked & said) / max(1, len(asked))),
        round(100 * len(_CONCRETE.findall(text)) / length),
        min(30, len(_STRUCTURE.findall(text))),
        len(_CAUTION.findall(text)),
    )


def told(comparison: Comparison, language: Language) -> list[str]:
    """What was counted, as a table, and what that means, as lines."""
    header = ["", *(phrase(language, criterion) for criterion in CRITERIA), "Σ"]
    rows = [
        [quoted(label, 60), *map(str, counts), str(points)]
        for label, counts, points in zip(comparison.labels, comparison.counts, comparison.points, strict=True)
    ]
    table = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    reason = phrase(language, "reason") + (f" {phrase(language, 'tie')}" if comparison.tied else "")
    return [*table, "", reason]
