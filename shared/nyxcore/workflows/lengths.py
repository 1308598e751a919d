"""How long outputs may get that do not exist yet: what a preview reckons with in the place of placeholders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from nyxcore.workflows.definition import DEFAULT_OUTPUT_TOKENS, Step, Workflow
from nyxcore.workflows.prompts.paths import Path, parse_path
from nyxcore.workflows.resolving import Resolved

_UNBOUNDED = 10**9  # tokens, of what nothing but the window of its reader limits
_FACTS = 4_096  # tokens that what an analysis has found usually has
_ITEMS = 5  # of an earlier output, usually
_MISCOUNTED = (
    1.4  # the estimate of a text exceeds what its model has counted by this at most (nyxcore.llm.tokens)
)
_AROUND = 100  # tokens of headings and fences around each answer


@dataclass(frozen=True)
class Length:
    """Tokens: how many there usually are, and at the most."""

    usual: int = 0
    most: int = 0

    def __add__(self, other: Length) -> Length:
        return Length(self.usual + other.usual, self.most + other.most).within(_UNBOUNDED)

    def within(self, room: int) -> Length:
        """What of it has a place where there is room for so many."""
        return Length(min(self.usual, max(0, room)), min(self.most, max(0, room)))


def content_length(step: Step, calls: int | None, needs: Sequence[Length]) -> Length:
    """The length of what a step comes to.

    A person who edits an answer may write more, which no preview knows.

    Parameters
    ----------
    calls : for how many items it runs (1 without forEach); None where an earlier output decides.
    needs : the lengths of what it needs, which a review and a report without a prompt pass on.
    """
    if step.type == "analysis":
        return Length(_FACTS, _UNBOUNDED)
    if not step.asks_model:
        return sum(needs, Length(0, _AROUND * (1 + len(needs))))
    if calls is None:
        return Length(step.output_tokens * _ITEMS, _UNBOUNDED)
    every = Length(step.output_tokens, _at_most(step.output_tokens))
    if step.pick is not None:
        reasons = _at_most(DEFAULT_OUTPUT_TOKENS) if step.pick == "judge" else 0
        # a pick that expires, where a condition handles that, leaves all answers
        return Length(every.usual, every.most * step.answers + reasons)
    return sum([every] * (calls * step.answers), Length())


def to_come(made: Resolved, workflow: Workflow, lengths: Mapping[str, Length]) -> Length:
    """What the outputs behind the placeholders of a prompt add to it; `lengths` has the contents of earlier steps."""
    if any(part.form in {"digest", "parts", "left-out"} for part in made.parts):
        return Length(0, _UNBOUNDED)  # its window is full already
    paths = [parse_path(part.path) for part in made.parts if part.form == "placeholder"]
    return sum((_at(path, workflow, lengths) for path in paths if path is not None), Length())


def _at(path: Path, workflow: Workflow, lengths: Mapping[str, Length]) -> Length:
    if path.step is None or path.parts[2:] in {("status",), ("decision",)}:
        return Length()
    if path.parts[2:] == ("content",):
        return lengths[path.step]
    tokens = workflow.step(path.step).output_tokens
    return Length(tokens, _at_most(tokens))


def _at_most(tokens: int) -> int:
    return ceil(tokens * _MISCOUNTED) + _AROUND
