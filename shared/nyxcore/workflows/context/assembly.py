"""Auto-context: the goal, what the workflow selected, and the outputs that a step needs, within a budget.

It is for prompts that name no step. The order is the order of what matters: the goal, which is never cut; the
outputs of what the step needs, directly or through others and never of a sibling, nearest first; the run's input;
then whatever else the workflow selected. Each stands whole where it fits beside a short digest of each that comes
after it, else as a digest that names its whole: nothing is starved by what is long and matters less. A need that came
to nothing is a line that says why. What is left out is said in the text, as far as that fits, and always in the
provenance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from nyxcore.errors import InvalidInput
from nyxcore.workflows.definition import Step, Workflow
from nyxcore.workflows.dependencies import needs_of
from nyxcore.workflows.graph import ancestors
from nyxcore.workflows.material.digests import Count
from nyxcore.workflows.material.fences import fenced, visible
from nyxcore.workflows.material.insertion import Form, Insertion, Shortener, whole
from nyxcore.workflows.material.values import Material, Values
from nyxcore.workflows.prompts.paths import Path, parse_path
from nyxcore.workflows.prompts.rendering import Provenance

_HEADING = "# Context"
_NAMED_AS_LEFT_OUT = 10
_SHORT_DIGEST = 25  # tokens, without what stands around it


class ContextTooSmall(InvalidInput):
    """The budget has no room for the goal alone."""

    code = "context_too_small"


@dataclass(frozen=True)
class Context:
    """The text that stands before a prompt, and what it holds and leaves out."""

    text: str
    parts: tuple[Provenance, ...]
    tokens: int


@dataclass(frozen=True)
class _Candidate:
    """Something that may be put in, in the order of what matters."""

    material: Material
    heading: str
    reason: str

    @property
    def empty(self) -> bool:
        """Whether there is nothing to put in."""
        return not self.material.text.strip()


@dataclass(frozen=True)
class _Block:
    """A candidate as it was put in; without text where it was not."""

    candidate: _Candidate
    text: str
    form: Form
    note: str | None = None


def assemble(
    step: Step,
    workflow: Workflow,
    values: Values,
    *,
    budget_tokens: int,
    shortener: Shortener,
    unless_named: Iterable[Path] = (),
) -> Context:
    """The context of a step whose prompt names no step.

    Parameters
    ----------
    budget_tokens : the most that the text may have, by `shortener.count`.
    unless_named : paths that the prompt names itself; they are not given twice.

    Raises
    ------
    ContextTooSmall : not even the goal fits.
    PathUnknown : the output of a step that it needs is missing in the values, or a document that is selected.
    """
    goal = f"# Goal\n\n{visible(values.goal.strip())}"
    count = shortener.count
    if count(goal) > budget_tokens:
        raise ContextTooSmall(
            f'the goal alone has {count(goal):,} tokens, and "{step.key}" has {budget_tokens:,} left for its context; '
            "shorten the goal or the prompt, or take a model with a larger window"
        )
    candidates = list(_candidates(step, workflow, values, set(unless_named)))
    blocks = [_whole_block(candidate) for candidate in candidates]
    text = _text(goal, blocks)
    if count(text) > budget_tokens:
        blocks = _chosen(candidates, budget_tokens - count(goal), shortener)
        blocks, text = _within(goal, blocks, budget_tokens, count)
    return Context(text, (_goal_part(values, goal, count), *_told(blocks, count)), count(text))


def _candidates(step: Step, workflow: Workflow, values: Values, named: set[Path]) -> Iterator[_Candidate]:
    for ancestor in ancestors(needs_of(workflow), step.key):
        reason = (
            "needed directly"
            if ancestor.distance == 1
            else f"needed through others, {ancestor.distance} steps away"
        )
        path = Path(("steps", ancestor.key, "content"))
        yield _Candidate(values.material(path), f'Output of the step "{ancestor.key}"', reason)
    selected = [path for path in map(parse_path, workflow.context) if path is not None and path not in named]
    selected.sort(key=lambda path: path.parts[0] != "input")  # sorting is stable
    yield from (_selected(path, values) for path in selected)


def _selected(path: Path, values: Values) -> _Candidate:
    material = values.material(path)
    return _Candidate(material, str(path)[:1].upper() + str(path)[1:], "selected by the workflow")


def _whole_block(candidate: _Candidate) -> _Block:
    return _block(candidate, whole(candidate.material))


def _block(candidate: _Candidate, insertion: Insertion) -> _Block:
    text = f"## {candidate.heading}\n\n{insertion.text}"
    if insertion.form == "empty":  # of a need it is said: the prompt was written with it in mind
        text = insertion.text if candidate.material.step else ""
    return _Block(candidate, text, insertion.form, insertion.note)


def _chosen(candidates: list[_Candidate], room: int, shortener: Shortener) -> list[_Block]:
    """Each whole if it fits beside a short digest of each after it, else a digest of what those leave.

    At most half of the room is kept free for what comes after.
    """
    room -= shortener.count(f"\n\n{_HEADING}\n\n{_left_out_note([], len(candidates))}") + 1
    wholes = [_whole_block(candidate) for candidate in candidates]
    sizes = [_size(block, shortener) for block in wholes]
    short = [min(size, _short_size(each, shortener)) for each, size in zip(candidates, sizes, strict=True)]
    blocks: list[_Block] = []
    for place, whole_block in enumerate(wholes):
        if sizes[place] <= room - _kept_free(short[place + 1 :], room // 2):
            blocks.append(whole_block)
        else:
            share = room - min(sum(sizes[place + 1 :]), room // 2)
            blocks.append(_digest_block(candidates[place], share, shortener))
        room -= _size(blocks[-1], shortener)
    return blocks


def _kept_free(sizes: Iterable[int], room: int) -> int:
    """The size of as many of the first as have a place in the room."""
    return max((total for total in accumulate(sizes) if total <= room), default=0)


def _size(block: _Block, shortener: Shortener) -> int:
    return shortener.count(f"\n\n{block.text}") if block.text else 0


def _short_size(candidate: _Candidate, shortener: Shortener) -> int:
    """Of a digest of a few lines, with all that stands around it."""
    material = candidate.material
    around = f"\n\n## {candidate.heading}\n\nDigest {shortener.way_back(material)}\n{fenced(chr(10), material.path)}"
    return shortener.count(around) + _SHORT_DIGEST


def _digest_block(candidate: _Candidate, room: int, shortener: Shortener) -> _Block:
    head = shortener.count(f"\n\n## {candidate.heading}\n\n")
    fits = room > head and not candidate.empty
    short = shortener.shorten(candidate.material, room - head) if fits else None
    return _left_out(candidate) if short is None else _block(candidate, short)


def _left_out(candidate: _Candidate) -> _Block:
    if candidate.empty:
        return _Block(candidate, "", "empty", candidate.material.note)
    return _Block(candidate, "", "left-out", "no room was left for it")


def _within(goal: str, blocks: list[_Block], budget: int, count: Count) -> tuple[list[_Block], str]:
    """The text within the budget whatever the counter does: what matters least goes first."""
    blocks = list(blocks)
    while True:
        for note in _notes(blocks):
            text = _text(goal, blocks, note)
            if count(text) <= budget:
                return blocks, text
        last = max(index for index, block in enumerate(blocks) if block.text)
        blocks[last] = _left_out(blocks[last].candidate)


def _notes(blocks: list[_Block]) -> list[str]:
    """What may be said of what is left out: with its paths, then only how many, then nothing."""
    missing = [block.candidate.material.path for block in blocks if block.form == "left-out"]
    return [_left_out_note(missing, len(missing)), _left_out_note([], len(missing)), ""] if missing else [""]


def _left_out_note(paths: list[str], count: int) -> str:
    named = ", ".join(paths[:_NAMED_AS_LEFT_OUT]) + (", …" if len(paths) > _NAMED_AS_LEFT_OUT else "")
    return f"({count} more left out for want of room{': ' if named else ''}{named})"


def _text(goal: str, blocks: list[_Block], note: str = "") -> str:
    pieces = [block.text for block in blocks if block.text]
    if pieces or note:
        pieces.insert(0, _HEADING)
    return "\n\n".join([goal, *pieces, *([note] if note else [])])


def _goal_part(values: Values, goal: str, count: Count) -> Provenance:
    size = len(values.goal.encode("utf-8", "surrogatepass"))
    return Provenance(
        path="goal", reason="every prompt that names no step", form="whole", tokens=count(goal), bytes=size
    )


def _told(blocks: list[_Block], count: Count) -> Iterator[Provenance]:
    for block in blocks:
        material = block.candidate.material
        yield Provenance(
            path=material.path,
            reason=block.candidate.reason,
            form=block.form,
            tokens=count(block.text) if block.text else 0,
            bytes=len(material.text.encode("utf-8", "surrogatepass")),
            note=block.note,
        )
