"""Alternatives side by side, by what can be counted in them: no judgement, and the answer says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from nyxcore.llm.offline.findings import findings_of
from nyxcore.llm.offline.phrases import Language, is_own, phrase
from nyxcore.llm.offline.quoting import quoted
from nyxcore.llm.offline.ranking import gives_orders, terms, words
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
_ANSWER: Final = re.compile(r"\balternatives\[(\d{1,3})\]$")  # as a judge's prompt names what it is shown
WEIGHTS: Final[Mapping[str, int]] = {
    "coverage": 50, "finding_count": 15, "concrete": 15, "steps": 5, "caution": 10, "length": 5,
}  # fmt: skip
"""What is compared, and the points for having most of it; a length gives all or none of its."""
_ODD: Final = (
    5  # as many times longer or shorter than the others in the middle: no answer to the same question
)


@dataclass(frozen=True)
class Comparison:
    """The alternatives, what was counted in each (in the order of `WEIGHTS`), and their points, of 100.

    `taken` are the words of the request that each takes up, `left` those that it does not.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    points: tuple[int, ...]
    taken: tuple[tuple[str, ...], ...]
    left: tuple[tuple[str, ...], ...]

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
    """What is to be compared: what a judge is shown, else those labelled so, or else every text."""
    judged: dict[int, Block] = {}
    for block in blocks:
        if match := _ANSWER.search(block.label):
            judged.setdefault(int(match[1]), Block(block.label)).lines.extend(["", *block.lines])
    if judged:  # in its order, with an empty one where there was nothing to show
        return [judged.get(number, Block("")) for number in range(max(judged) + 1)]
    texts = [block for block in blocks if not block.code and block.text.strip() and block.label != "input"]
    named = [
        block
        for block in texts
        if re.search(r"(?i)alternative|option|variant|vorschlag|ansatz|approach|proposal", block.label)
    ]
    return named if len(named) > 1 else texts


def differ(request: str, blocks: list[Block]) -> bool:
    """Whether one of them says something that another does not: of texts that are the same none is the best."""
    return len({_own_words(request, block) for block in blocks}) > 1


def compare(request: str, blocks: list[Block]) -> Comparison:
    """Count, and give each as many of a criterion's points as it has of what the one with most of it has."""
    asked = terms(request)
    said = [set(words(_own_words(request, block))) for block in blocks]
    counts = [_counts(asked.keys(), own, block.text) for own, block in zip(said, blocks, strict=True)]
    middle = sorted(count[-1] for count in counts)[len(counts) // 2]
    most = [max(column) for column in zip(*counts, strict=True)]
    points = []
    for *count, length in counts:
        shares = [value / top if top else 0 for value, top in zip(count, most, strict=False)]
        shares.append(float(length > 0 and middle <= _ODD * length and length <= _ODD * middle))
        points.append(
            round(sum(share * weight for share, weight in zip(shares, WEIGHTS.values(), strict=True)))
        )
    labels = tuple(block.label or str(number) for number, block in enumerate(blocks, start=1))
    taken = tuple(tuple(word for stem, word in asked.items() if stem in own) for own in said)
    left = tuple(tuple(word for stem, word in asked.items() if stem not in own) for own in said)
    return Comparison(labels, tuple(counts), tuple(points), taken, left)


def _own_words(request: str, block: Block) -> str:
    """What the alternative says itself: without what it repeats of the request, and what is to steer whoever judges."""
    lines = [line for line in block.lines if not is_own(line) and not gives_orders(line)]
    repeated = {line.strip() for line in request.splitlines()}
    return "\n".join(line for line in lines if line.strip() not in repeated)


def _counts(asked: Set[str], said: Set[str], text: str) -> tuple[int, ...]:
    length = len(text.split())
    return (
        round(100 * len(asked & said) / max(1, len(asked))),
        len(findings_of([Block("", text.splitlines())])),
        round(100 * len(_CONCRETE.findall(text)) / max(1, length)),
        min(30, len(_STRUCTURE.findall(text))),
        len(_CAUTION.findall(text)),
        length,
    )


def told(comparison: Comparison, language: Language) -> list[str]:
    """What was counted, as a table, and what that means, as lines."""
    header = ["", *(phrase(language, criterion) for criterion in WEIGHTS), "Σ"]
    rows = [
        [quoted(label, 60), *map(str, counts), str(points)]
        for label, counts, points in zip(comparison.labels, comparison.counts, comparison.points, strict=True)
    ]
    table = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    reason = phrase(language, "tie" if comparison.tied else "reason")
    return [*table, "", reason]
