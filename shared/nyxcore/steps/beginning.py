"""How a step begins: what its type makes of it, and which calls it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import NyxError
from nyxcore.llm import tokens
from nyxcore.runs import service as runs
from nyxcore.runs.models import Event, RunOptions
from nyxcore.settings import settings
from nyxcore.steps import completing, repository
from nyxcore.steps.calls import repository as call_rows
from nyxcore.steps.completing import enter
from nyxcore.steps.pinned import Pinned
from nyxcore.steps.values import provenance, steps_url, values_for
from nyxcore.workflows.conditions import holds, parse_condition
from nyxcore.workflows.definition import Step
from nyxcore.workflows.dependencies import step_needs
from nyxcore.workflows.fan_out import items
from nyxcore.workflows.material.values import Values
from nyxcore.workflows.resolving import ask_person

REVIEW_LIFETIME = timedelta(days=7)
"""How long a review waits that says nothing else."""


def write_steps(connection: Connection, tenant_id: UUID, run: Pinned) -> None:
    """The rows of the run's steps; what the run that it retries has finished is finished here too."""
    rows = [
        {"key": step.key, "position": position, "type": step.type}
        for position, step in enumerate(run.workflow.steps)
    ]
    repository.insert_steps(connection, tenant_id, run.id, rows)
    if run.row["retry_of"] is not None:
        # a retry that ended before it began has nothing to take over from: the one that it retried has
        earlier = repository.begun_before(connection, tenant_id, run.id)
        if earlier is not None:
            repository.take_over(connection, tenant_id, earlier, run.id)


def begin(connection: Connection, tenant_id: UUID, run: Pinned, step: Step) -> list[Event]:
    """Begin a step all of whose needs are finished; the events that tell of it.

    What is wrong with its condition, its list or its source ends the step as failed, with the reason.
    """
    try:
        # whose prompt is resolved later, call by call, needs its outputs only for a condition or a list
        read = step.when is not None or isinstance(step.for_each, str) or not step.asks_model
        values = values_for(connection, tenant_id, run, run.needs[step.key] if read else ())
        if step.when is not None and not holds(parse_condition(step.when), values.value):
            return enter(connection, tenant_id, run, step, "skipped")
        return _BEGIN[step.type](connection, tenant_id, run, step, values)
    except NyxError as error:
        failure = {"code": error.code, "message": error.message}
        return enter(connection, tenant_id, run, step, "failed", error=failure)


def _begin_llm(
    connection: Connection, tenant_id: UUID, run: Pinned, step: Step, values: Values
) -> list[Event]:
    calls = calls_of(step, values)
    call_rows.insert_calls(connection, tenant_id, run.id, step.key, calls)
    begun = enter(connection, tenant_id, run, step, "running")
    if calls and run.row["retry_of"] is None:
        return begun
    # an empty list, or calls that an earlier run has finished: there is nothing to wait for
    return [*begun, *completing.complete(connection, tenant_id, run, step)]


def calls_of(step: Step, values: Values) -> list[dict[str, Any]]:
    """The calls of a step: one, or one for each item, alternative or model."""
    answers = step.asks_for(settings().default_model)
    if step.for_each is None:
        return [_call(number, each.label, None, each.model) for number, each in enumerate(answers)]
    return [
        _call(number, item.title or f"item {number + 1}", item.text, answers[0].model)
        for number, item in enumerate(items(step, values))
    ]


def _call(part: int, label: str, item: str | None, model: str) -> dict[str, Any]:
    return {"part": part, "label": label[:200], "item": item, "model": model}


def _begin_review(
    connection: Connection, tenant_id: UUID, run: Pinned, step: Step, values: Values
) -> list[Event]:
    lifetime = timedelta(seconds=step.timeout) if step.timeout else REVIEW_LIFETIME
    output, until = reviewed(step, values), clock.now() + lifetime
    asked: dict[str, Any] = {}
    if step.prompt is not None:
        count = partial(tokens.count, model=settings().default_model)
        made = ask_person(step, values, count, steps_url(run.id))
        asked = {"prompt": made.text, "provenance": provenance(made.parts, count(made.text))}
    return enter(connection, tenant_id, run, step, "waiting", output=output, expires_at=until, **asked)


def reviewed(step: Step, values: Values) -> str:
    """What a person looks at: the output of what the step needs; of several, each under its key."""
    outputs = [(key, values.steps[key].content) for key in step_needs(step) if key in values.steps]
    if len(outputs) == 1:
        return outputs[0][1]
    return "\n\n".join(f"## {key}\n\n{content}" for key, content in outputs)


def _begin_report(
    connection: Connection, tenant_id: UUID, run: Pinned, step: Step, values: Values
) -> list[Event]:
    if step.asks_model:
        return _begin_llm(connection, tenant_id, run, step, values)
    return completing.write_report(connection, tenant_id, run, step, reviewed(step, values))


def _begin_analysis(
    connection: Connection, tenant_id: UUID, run: Pinned, step: Step, _values: Values
) -> list[Event]:
    """An analysis is a run of its own on the run's repository, which wakes this one at its end."""
    child = runs.create_run(
        connection,
        tenant_id,
        kind="auto-fix",
        project_id=run.row["project_id"],
        repository_id=run.row["repository_id"],
        options=RunOptions(categories=list(step.categories) or None),
        parent_run_id=run.id,
        actor=run.row["created_by"],
    )
    return enter(connection, tenant_id, run, step, "running", child_run_id=child.id)


_BEGIN = {
    "llm": _begin_llm,
    "review": _begin_review,
    "report": _begin_report,
    "analysis": _begin_analysis,
}


def settle_children(
    connection: Connection, tenant_id: UUID, run: Pinned, states: Sequence[Mapping[str, Any]]
) -> list[Event]:
    """End every analysis whose run has ended."""
    events: list[Event] = []
    for state in states:
        if state["status"] == "running" and state["type"] == "analysis":
            step = run.step(state["key"])
            events += completing.complete_analysis(connection, tenant_id, run, step, state["child_run_id"])
    return events
