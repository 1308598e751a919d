"""What a judge is asked of several answers, and how its verdict is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from nyxcore.errors import InvalidInput
from nyxcore.workflows.definition import Step, Workflow
from nyxcore.workflows.material.digests import Count
from nyxcore.workflows.material.fences import NOTICE, visible
from nyxcore.workflows.material.insertion import Shortener
from nyxcore.workflows.material.values import StepOutput, Values
from nyxcore.workflows.prompts.grammar import Reference, Template
from nyxcore.workflows.prompts.paths import Path
from nyxcore.workflows.prompts.rendering import render
from nyxcore.workflows.resolving import STEPS_URL, Resolved

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
    answers: Sequence[str],
    *,
    budget_tokens: int,
    count: Count,
    persona: str = "",
    steps_url: str = STEPS_URL,
) -> Resolved:
    """What the judge of a step is sent: the goal, what was asked, and the answers without saying whose they are.

    Raises
    ------
    PromptTooLong : not even digests of the answers fit.
    """
    system = "\n\n".join(piece for piece in (visible(persona).strip(), NOTICE) if piece)
    head = f"# Goal\n\n{visible(workflow.goal)}\n\n# What was asked\n\n{visible(step.prompt or '')}"
    pieces: list[str | Reference] = [head]
    for number in range(len(answers)):
        path = Path(("steps", step.key, "alternatives", number))
        pieces += [f"\n\n# Answer {number + 1}\n\n", Reference(path, 1, 1)]
    criteria = step.judge.criteria.strip() if step.judge else ""
    pieces.append(f"\n{_TASK}" + (f"\nWhat counts: {visible(criteria)}\n" if criteria else ""))
    values = Values(workflow.goal, steps={step.key: StepOutput("", alternatives=tuple(answers))})
    rendered = render(
        Template(tuple(pieces)),
        values,
        shortener=Shortener(count, steps_url),
        limit=budget_tokens - count(system),
    )
    parts = tuple(part.model_copy(update={"reason": "an answer to judge"}) for part in rendered.parts)
    return Resolved(system, rendered.text, parts, count(system) + count(rendered.text))


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
