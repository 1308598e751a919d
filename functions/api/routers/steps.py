"""/runs/{runId}/steps."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import Field

from api.caller import RunsReader, RunsWriter
from api.delivery import deliver
from api.openapi import SEE_OTHER, problems
from api.parameters import PageOf, PageParameters, RunId, StepsPageParameters, page_of
from api.routers.runs import visible_run
from nyxcore.db.connection import database
from nyxcore.runs import dispatch
from nyxcore.steps import reviews
from nyxcore.steps.models import Decision, RunStep, StepCall
from nyxcore.steps.shown import service
from nyxcore.storage import objects
from nyxcore.tenancy.models import Principal
from nyxcore.wire import A_NUMBER, RequestModel

router = APIRouter(prefix="/runs/{runId}/steps", tags=["workflows"])

StepKey = Annotated[str, Path(alias="key", examples=["analyse"], max_length=100)]
Part = Annotated[int, Path(ge=0, lt=1 << 31, description="of `calls`", examples=[0])]


class DecisionDraft(RequestModel):
    """What was decided. `content` goes with `edit`: it becomes the step's output."""

    decision: Decision
    content: str | None = Field(default=None, max_length=2_000_000)
    alternative: Annotated[int, Field(ge=1, le=5), A_NUMBER] | None = Field(
        default=None, description="which of a step's answers is picked, counted from 1; with `approve`"
    )


@router.get("", operation_id="listSteps", summary="List the steps of a workflow's run")
def list_steps(caller: RunsReader, run_id: RunId, page: StepsPageParameters) -> PageOf[RunStep]:
    """In the order of the definition; none before the run has begun, or for a run of another kind.

    Long prompts and outputs make a page shorter than its limit; a step that no page can hold is `truncated`.
    """
    with database().transaction(caller.tenant_id) as connection:
        run = visible_run(connection, caller, run_id)
        return page_of(service.list_steps(connection, caller.tenant_id, run, page))


@router.get(
    "/{key}",
    operation_id="getStep",
    summary="Get a step",
    response_model=RunStep,
    responses={303: SEE_OTHER},
)
def get_step(caller: RunsReader, run_id: RunId, key: StepKey) -> Response:
    """Its resolved prompt and where the parts came from, its output, tokens and cost. Too long: 303 to a link."""
    with database().transaction(caller.tenant_id) as connection:
        run = visible_run(connection, caller, run_id)
        step = service.get_step(connection, caller.tenant_id, run, key)
    return _whole(caller, run_id, step, key)


@router.get("/{key}/calls", operation_id="listStepCalls", summary="List the calls of a step")
def list_calls(caller: RunsReader, run_id: RunId, key: StepKey, page: PageParameters) -> PageOf[StepCall]:
    """One for each item of a fan-out, alternative or model, and the judge's; with the prompt that was sent to it.

    Long texts make a page shorter than its limit; a call that no page can hold is `truncated`.
    """
    with database().transaction(caller.tenant_id) as connection:
        run = visible_run(connection, caller, run_id)
        return page_of(service.list_calls(connection, caller.tenant_id, run, key, page))


@router.get(
    "/{key}/calls/{part}",
    operation_id="getStepCall",
    summary="Get a call of a step",
    response_model=StepCall,
    responses={303: SEE_OTHER},
)
def get_call(caller: RunsReader, run_id: RunId, key: StepKey, part: Part) -> Response:
    """Its prompt, where the parts came from, its output, tokens and cost. Too long: 303 to a link."""
    with database().transaction(caller.tenant_id) as connection:
        run = visible_run(connection, caller, run_id)
        call = service.get_call(connection, caller.tenant_id, run, key, part)
    return _whole(caller, run_id, call, f"{key}-{part}")


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
        return service.as_listed(service.get_step(connection, caller.tenant_id, run, key))


def _whole(caller: Principal, run_id: UUID, shown: RunStep | StepCall, name: str) -> Response:
    """All of a step or a call, itself or by a link."""
    return deliver(
        shown.model_dump_json(by_alias=True).encode(),
        key=objects.run_key(caller.tenant_id, run_id, f"shown/{name}.json"),
        filename=f"{name}.json",
        content_type="application/json",
        limit=service.PAGE_BYTES,
    )
