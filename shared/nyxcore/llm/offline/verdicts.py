"""The verdict on several answers, as `nyxcore.workflows.judging` asks for it: by what can be counted, with what was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from nyxcore.llm.offline import comparing
from nyxcore.llm.offline.comparing import Comparison
from nyxcore.llm.offline.phrases import Language, phrase
from nyxcore.llm.offline.reading import Reading

_WORDS: Final = 12
_ASKED, _TASK, _CRITERIA = "# What was asked", "# Task", "What counts: "
_FENCE, _TAG, _TAG_END = "what was asked", "<untrusted-", "</untrusted-"


@dataclass(frozen=True)
class Verdict:
    """The place of the best answer, counted from 0, and why, as Markdown."""

    best: int
    reasons: str


def verdict(reading: Reading, language: Language) -> Verdict | None:
    """The verdict, or None where the prompt does not ask for a choice between at least two texts."""
    if not comparing.is_wanted(reading.asked.text, reading.blocks):
        return None
    blocks = comparing.alternatives(reading.blocks)
    labels = tuple(f"{phrase(language, 'answer')} {number}" for number in range(1, len(blocks) + 1))
    result = replace(comparing.compare(judged_by(reading), blocks), labels=labels)
    *table, _, reason = comparing.told(result, language)
    picked = f"{labels[result.best]}: {result.points[result.best]} / 100. {reason}"
    words = [_of(result, number, language) for number in range(len(blocks))]
    return Verdict(result.best, "\n".join([picked, "", *words, "", *table]))


def _of(result: Comparison, number: int, language: Language) -> str:
    taken, left = (
        ", ".join(found[number][:_WORDS]) or phrase(language, "none") for found in (result.taken, result.left)
    )
    return f"- {result.labels[number]} {phrase(language, 'takes_up')} {taken}. {phrase(language, 'leaves_out')} {left}."


def judged_by(reading: Reading) -> str:
    """Goal, question and criteria of a judge's prompt, without the words that all have; else all that is asked."""
    lines = reading.asked.lines
    if _ASKED not in lines:
        return reading.asked.text
    question = [line for block in reading.blocks if block.label == _FENCE for line in block.lines]
    task = max((number for number, line in enumerate(lines) if line == _TASK), default=len(lines))
    criteria = [number for number in range(task, len(lines)) if lines[number].startswith(_CRITERIA)]
    counts = lines[criteria[0] :] if criteria else []
    kept = [*lines[: lines.index(_ASKED)], *question, *counts]
    return "\n".join(
        line.removeprefix(_CRITERIA) for line in kept if not line.startswith(("# ", _TAG, _TAG_END))
    )
