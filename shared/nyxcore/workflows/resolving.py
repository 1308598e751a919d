"""What a model is sent for a step: system and prompt, within its window, with the origin of every part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from nyxcore.workflows.context.assembly import assemble
from nyxcore.workflows.definition import STRATEGIES, Step, Workflow
from nyxcore.workflows.material.digests import Count
from nyxcore.workflows.material.fences import NOTICE, visible
from nyxcore.workflows.material.insertion import Shortener
from nyxcore.workflows.material.values import Values
from nyxcore.workflows.prompts.grammar import Template, parse
from nyxcore.workflows.prompts.rendering import PromptTooLong, Provenance, Rendered, render

STEPS_URL = "/api/v1/runs/{id}/steps"

_TASK = "# Task"


@dataclass(frozen=True)
class Resolved:
    """What is sent. `tokens` are those of both texts; `parts` stand in their order, those of the system first."""

    system: str
    prompt: str
    parts: tuple[Provenance, ...]
    tokens: int


def resolve(
    step: Step,
    workflow: Workflow,
    values: Values,
    *,
    budget_tokens: int,
    count: Count,
    persona: str = "",
    strategy: str | None = None,
    steps_url: str = STEPS_URL,
) -> Resolved:
    """System and prompt of a step.

    A prompt that names a step, there or in `system`, is sent as it was written; any other, and a step without
    one, is given its context.

    Parameters
    ----------
    budget_tokens : the most that both may have together: the model's window less its answer.
    persona : text that stands first in the system prompt; it is inserted as it is and never read for references.
    strategy : which alternative is asked for, of `STRATEGIES`; None where there is but one.

    Raises
    ------
    PromptRefused, PromptTooLong, PathUnknown, ContextTooSmall : as rendering and assembly do.
    """
    count = cache(count)  # outputs and whole prompts are asked for more than once
    shortener = Shortener(count, steps_url)
    template, instructions = parse(step.prompt or ""), parse(step.system or "")
    ending = f"\n\n{STRATEGIES[strategy]}" if strategy is not None else ""
    system = _system(instructions, values, persona, shortener, budget_tokens)

    def prompt_within(room: int) -> tuple[str, tuple[Provenance, ...]]:
        if template.steps or instructions.steps:
            rendered = render(template, values, shortener=shortener, limit=room - count(ending))
            return rendered.text + ending, rendered.parts
        return _with_context(step, workflow, values, template, ending=ending, room=room, shortener=shortener)

    prompt, parts = _fitting(prompt_within, count, budget_tokens - count(system.text))
    return Resolved(system.text, prompt, (*system.parts, *parts), count(system.text) + count(prompt))


def ask_person(step: Step, values: Values, count: Count, steps_url: str = STEPS_URL) -> Rendered:
    """The prompt of a review: as it was written, with whole values, and without the context that a model is given.

    What it is about is shown beside it. Raises PromptRefused.
    """
    return render(step.prompt or "", values, shortener=Shortener(count, steps_url))


def _system(
    instructions: Template, values: Values, persona: str, shortener: Shortener, budget: int
) -> Rendered:
    rendered = render(instructions, values, shortener=shortener, limit=budget // 2, name="system prompt")
    pieces = [visible(persona).strip(), rendered.text.strip(), NOTICE]
    return Rendered("\n\n".join(piece for piece in pieces if piece), rendered.parts)


def _with_context(
    step: Step,
    workflow: Workflow,
    values: Values,
    template: Template,
    *,
    ending: str,
    room: int,
    shortener: Shortener,
) -> tuple[str, tuple[Provenance, ...]]:
    count = shortener.count
    task = f"\n\n{_TASK}\n\n" if template.pieces else ""
    around = count(task) + count(ending)
    limit = room - around - count(f"# Goal\n\n{values.goal}") - 2
    rendered = render(template, values, shortener=shortener, limit=limit)
    context = assemble(
        step,
        workflow,
        values,
        budget_tokens=room - around - count(rendered.text),
        shortener=shortener,
        unless_named=[reference.path for reference in template.references],
    )
    return f"{context.text}{task}{rendered.text}{ending}", (*context.parts, *rendered.parts)


def _fitting(
    prompt_within: Callable[[int], tuple[str, tuple[Provenance, ...]]], count: Count, room: int
) -> tuple[str, tuple[Provenance, ...]]:
    """The prompt within the room; tried with less where the pieces have more tokens together than one by one."""
    within = room
    for _ in range(4):
        prompt, parts = prompt_within(within)
        over = count(prompt) - room
        if over <= 0:
            return prompt, parts
        within -= over
    raise PromptTooLong(f"the prompt does not fit the {room:,} tokens that are left for it; shorten it")
