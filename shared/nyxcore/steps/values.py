"""What the paths of a run's prompts and conditions lead to, read from its rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.steps import repository
from nyxcore.steps.calls import repository as call_rows
from nyxcore.steps.pinned import Pinned
from nyxcore.workflows.definition import Step
from nyxcore.workflows.inputs import take_input
from nyxcore.workflows.material.sections import OutputPart
from nyxcore.workflows.material.values import StepOutput, Values
from nyxcore.workflows.prompts.rendering import Provenance

JUDGE = "judge"
"""Label of the call that picks one of a step's answers; an item of a list may be called so too."""


def is_judge(step: Step, part: int) -> bool:
    """Whether this part of a step's calls is the judge's: it comes after the answers."""
    return step.pick == "judge" and step.for_each is None and part == step.answers


def steps_url(run_id: UUID) -> str:
    """Where the API has the run's steps: the way back from a digest to its whole."""
    return f"/api/v1/runs/{run_id}/steps"


def provenance(parts: Iterable[Provenance], tokens: int, *, system: str = "") -> dict[str, Any]:
    """What is kept beside a prompt: where its parts came from, its tokens, and the system prompt that it went with."""
    return {
        "system": system,
        "tokens": tokens,
        "parts": [part.model_dump(mode="json", by_alias=True) for part in parts],
    }


def values_for(connection: Connection, tenant_id: UUID, run: Pinned, keys: Iterable[str]) -> Values:
    """Goal and input of the run, and what these steps have come to."""
    given = take_input(run.workflow, run.row["input"])
    rows = repository.outputs(connection, tenant_id, run.id, list(keys))
    # `parts` and `alternatives`: the answers one by one
    several = [key for key in rows if _has_parts(run.step(key))]
    calls: dict[str, list[dict[str, Any]]] = {key: [] for key in several}
    for call in call_rows.answers(connection, tenant_id, run.id, several) if several else ():
        if not is_judge(run.step(call["key"]), call["part"]):
            calls[call["key"]].append(call)
    return Values(
        goal=run.workflow.goal,
        input=given.text,
        inputs=given.named,
        steps={
            key: _output(run.step(key), row, calls.get(key, []))
            for key, row in rows.items()
            if row["status"] in {"succeeded", "skipped"}
        },
    )


def _has_parts(step: Step) -> bool:
    return step.for_each is not None or step.answers > 1


def _output(step: Step, row: dict[str, Any], calls: list[dict[str, Any]]) -> StepOutput:
    return StepOutput(
        content=row["output"] or "",
        status=row["status"],
        decision=row["decision"],
        alternatives=tuple(call["output"] or "" for call in calls) if step.answers > 1 else (),
        parts=tuple(OutputPart(call["label"], call["output"] or "") for call in calls)
        if step.for_each is not None
        else (),
        data=row["data"],
    )
