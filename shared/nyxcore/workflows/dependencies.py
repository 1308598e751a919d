"""What a step waits for: what it says that it needs, and what its texts name."""

from __future__ import annotations

from nyxcore.workflows.conditions import ConditionUnreadable, parse_condition, paths
from nyxcore.workflows.definition import Step, Workflow
from nyxcore.workflows.prompts.grammar import parse
from nyxcore.workflows.prompts.paths import Path, parse_path


def needs_of(workflow: Workflow) -> dict[str, list[str]]:
    """The graph of a workflow, as `nyxcore.workflows.graph` takes it."""
    return {step.key: step_needs(step) for step in workflow.steps}


def step_needs(step: Step) -> list[str]:
    """The steps in `needs`, then those that prompts, `forEach` and `when` name, each once."""
    named = [*step.needs]
    for text in (step.prompt, step.system):
        named += parse(text).steps if text is not None else ()
    elsewhere = [parse_path(step.for_each)] if isinstance(step.for_each, str) else []
    named += [
        path.step for path in [*elsewhere, *_in_condition(step)] if path is not None and path.step is not None
    ]
    return list(dict.fromkeys(named))


def _in_condition(step: Step) -> list[Path]:
    """The paths in `when`; none where it cannot be read, which is a flaw of its own."""
    try:
        return list(paths(parse_condition(step.when))) if step.when is not None else []
    except ConditionUnreadable:
        return []
