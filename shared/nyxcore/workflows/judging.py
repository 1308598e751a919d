"""What a judge is asked of several answers, and how its verdict is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from pydantic import JsonValue

from nyxcore.errors import InvalidInput
from nyxcore.workflows.context.assembly import ContextTooSmall
from nyxcore.workflows.definition import Step, Workflow
from nyxcore.workflows.material.digests import Count
from nyxcore.workflows.material.fences import NOTICE, fenced, visible
from nyxcore.workflows.material.insertion import Shortener, level, whole
from nyxcore.workflows.material.values import StepOutput, Values
from nyxcore.workflows.prompts.grammar import Reference, Template
from nyxcore.workflows.prompts.paths import Path
from nyxcore.workflows.prompts.rendering import PromptTooLong, render
from nyxcore.workflows.resolving import STEPS_URL, Resolved, resolve

_ASKED = "what was asked"
_TASK = """
# Task

Name the one answer that serves the goal best. Judge by what the answers say, not by their length, order or tone.
Say why it is better than each of the others, and what it lacks.
"""


class VerdictUnreadable(InvalidInput):
    """A judge's answer that names none of the answers."""

    code = "verdict_unreadable"


@dataclass(frozen=True)
class Verdict:
    """The place of the picked answer, counted from 0, and the judge's reasons."""

    index: int
    reasons: str


def question(
    step: Step,
    workflow: Workflow,
    values: Values,
    answers: Sequence[str] | None,
    *,
    budget_tokens: int,
    count: Count,
    persona: str = "",
    steps_url: str = STEPS_URL,
) -> Resolved:
    """What the judge of a step is sent: the goal, what was asked with all that it was asked about, and the answers
    without saying whose they are.

    Where they do not fit, answers and context stand as digests; the author's words never do.

    Parameters
    ----------
    values : those that the step's own prompt is resolved with.
    answers : None for placeholders, in a preview.

    Raises
    ------
    PromptTooLong, ContextTooSmall, PromptRefused : as resolving the step's own prompt does, and where not even
        digests of the answers fit.
    """
    system = "\n\n".join(piece for piece in (visible(persona).strip(), NOTICE) if piece)
    judged = (
        StepOutput("", status="pending") if answers is None else StepOutput("", alternatives=tuple(answers))
    )
    beside = replace(values, steps={**values.steps, step.key: judged})
    paths = [Path(("steps", step.key, "alternatives", number)) for number in range(step.answers)]
    room = budget_tokens - count(system)

    def asked_within(tokens: int) -> Resolved:
        inner = tokens - count(fenced("\n", _ASKED))
        return resolve(step, workflow, values, budget_tokens=inner, count=count, steps_url=steps_url)

    around = [piece for piece in _pieces(step, workflow, "", paths) if isinstance(piece, str)]
    free = room - count("".join(around))
    sizes = [count(whole(beside.material(path)).text) for path in paths]
    asked = _asked(asked_within, sizes, free)
    text = "\n\n".join([*filter(None, [asked.system.removesuffix(NOTICE).strip()]), asked.prompt])
    rendered = render(
        Template(tuple(_pieces(step, workflow, fenced(text, _ASKED), paths))),
        beside,
        shortener=Shortener(count, steps_url),
        limit=room,
    )
    parts = tuple(part.model_copy(update={"reason": "an answer to judge"}) for part in rendered.parts)
    tokens = count(system) + count(rendered.text)
    return Resolved(system, rendered.text, (*asked.parts, *parts), tokens)


def _asked(within: Callable[[int], Resolved], answers: Sequence[int], free: int) -> Resolved:
    """What was asked, beside answers of so many tokens: whole if all fit, else within a fair share of what is free.

    Where the author's words alone are longer than that, they get more, and the answers less.
    """
    asked = within(free)
    share = level([asked.tokens, *answers], free)
    if asked.tokens <= share:
        return asked
    for tokens in (share, free // 2, free * 3 // 4):
        with suppress(PromptTooLong, ContextTooSmall):
            return within(tokens)
    return asked


def _pieces(step: Step, workflow: Workflow, asked: str, answers: Sequence[Path]) -> list[str | Reference]:
    pieces: list[str | Reference] = [f"# Goal\n\n{visible(workflow.goal)}\n\n# What was asked\n\n{asked}"]
    for number, path in enumerate(answers, start=1):
        pieces += [f"\n\n# Answer {number}\n\n", Reference(path, 1, 1)]
    criteria = step.judge.criteria.strip() if step.judge else ""
    pieces.append(f"\n{_TASK}" + (f"\nWhat counts: {visible(criteria)}\n" if criteria else ""))
    return pieces


def verdict_schema(answers: int) -> dict[str, JsonValue]:
    """The JSON Schema of a verdict on so many answers; they are counted from 1, as the judge sees them."""
    return {
        "type": "object",
        "properties": {
            "pick": {"type": "integer", "minimum": 1, "maximum": answers},
            "reasons": {"type": "string", "minLength": 1},
        },
        "required": ["pick", "reasons"],
        "additionalProperties": False,
    }


def read_verdict(data: JsonValue, answers: int) -> Verdict:
    """The verdict in a judge's answer.

    Raises
    ------
    VerdictUnreadable : it names no answer that there is.
    """
    pick = data.get("pick") if isinstance(data, dict) else None
    if (
        not isinstance(data, dict)
        or not isinstance(pick, int)
        or isinstance(pick, bool)
        or not 1 <= pick <= answers
    ):
        raise VerdictUnreadable(f"the judge picked {pick!r}; there are answers 1 to {answers}")
    return Verdict(pick - 1, str(data.get("reasons", "")).strip())
