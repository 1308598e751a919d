"""/runs/{runId}/steps."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from api.caller import RunsReader, RunsWriter
from api.openapi import problems
from api.parameters import RunId
from api.routers.runs import visible_run
from nyxcore.db.connection import database
from nyxcore.runs import dispatch
from nyxcore.steps import reviews, service
from nyxcore.steps.models import Decision, RunStep
from nyxcore.wire import A_NUMBER, RequestModel, WireModel

router = APIRouter(prefix="/runs/{runId}/steps", tags=["workflows"])

StepKey = Annotated[str, Path(alias="key", examples=["analyse"], max_length=100)]


class Steps(WireModel):
    """The steps of a run; a workflow has at most 1,000."""

    items: list[RunStep]


class DecisionDraft(RequestModel):
    """What was decided. `content` goes with `edit`: it becomes the step's output."""

    decision: Decision
    content: str | None = Field(default=None, max_length=2_000_000)
    alternative: Annotated[int, Field(ge=1, le=5), A_NUMBER] | None = Field(
        default=None, description="which of a step's answers is picked, counted from 1; with `approve`"
    )


@router.get("", operation_id="listSteps", summary="List the steps of a workflow's run")
def list_steps(caller: RunsReader, run_id: RunId) -> Steps:
    """Every step in the order of the definition; none before the run has begun, or for a run of another kind."""
    with database().transaction(caller.tenant_id) as connection:
        run = visible_run(connection, caller, run_id)
        return Steps(items=service.steps_of(connection, caller.tenant_id, run))


@router.get("/{key}", operation_id="getStep", summary="Get a step")
def get_step(caller: RunsReader, run_id: RunId, key: StepKey) -> RunStep:
    """Its resolved prompt and where the parts came from, its output, its calls with tokens and cost."""
    with database().transaction(caller.tenant_id) as connection:
        run = visible_run(connection, caller, run_id)
        return service.step_of(connection, caller.tenant_id, run, key)


@router.post(
    "/{key}/decision",
    operation_id="decideStep",
    summary="Decide a waiting review, or pick an answer",
    responses=problems(409),
)
def decide_step(caller: RunsWriter, run_id: RunId, key: StepKey, body: DecisionDraft) -> RunStep:
    """What waits for it goes on. The same decision again changes nothing; another one is 409."""
    with database().transaction(caller.tenant_id) as connection:
        visible_run(connection, caller, run_id)
        changed = reviews.decide(
            connection,
            caller.tenant_id,
            run_id,
            key,
            decision=body.decision,
            content=body.content,
            alternative=body.alternative,
            actor=caller.actor,
        )
    if changed:
        dispatch.dispatch(database(), [caller.tenant_id])
    with database().transaction(caller.tenant_id) as connection:
        run = visible_run(connection, caller, run_id)
        return service.step_of(connection, caller.tenant_id, run, key)
