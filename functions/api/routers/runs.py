"""/runs."""

from __future__ import annotations

import math
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field
from pydantic.json_schema import SkipJsonSchema

from api.caller import RunsReader, RunsWriter
from api.creating import IdempotencyKey, create, created
from api.openapi import problems
from api.parameters import EXAMPLE_ID, PageOf, PageParameters, RunId, page_of
from nyxcore.credentials import service as credentials
from nyxcore.db.connection import Connection, database
from nyxcore.errors import InvalidInput, NotFound
from nyxcore.idempotency.service import Answer
from nyxcore.paging import Page, cut
from nyxcore.runs import dispatch, service
from nyxcore.runs.models import PipelineKind, Run, RunKind, RunOptions, RunStatus
from nyxcore.steps import service as steps
from nyxcore.tenancy.models import Principal
from nyxcore.wire import RequestModel
from nyxcore.workflows import service as workflows
from nyxcore.workflows.inputs import take_input

router = APIRouter(prefix="/runs", tags=["runs"])

_DEEPEST = 64


def _keepable[Value](value: Value, depth: int = 0) -> Value:
    """`value` as it is, if jsonb and every reader of JSON can take it; Python reads 1e999 as infinite."""
    if depth > _DEEPEST:
        raise ValueError(f"nest objects and lists at most {_DEEPEST} deep")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("give finite numbers, up to 1.79e308")
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            _keepable(each, depth + 1)
    return value


class RunDraft(RequestModel):
    """A run that is asked for."""

    kind: PipelineKind = Field(examples=["auto-fix"])
    project_id: UUID
    repository_id: UUID | None = Field(
        default=None,
        description="what `auto-fix`, `refactor` and `code-analysis` work on",
        examples=[EXAMPLE_ID],
    )
    workflow_id: UUID | None = Field(default=None, description="what kind `workflow` runs")
    input: Annotated[str | dict[str, Any] | None, AfterValidator(_keepable)] = Field(
        default=None, description="input of a workflow"
    )
    options: RunOptions = Field(default_factory=RunOptions)


def visible_run(connection: Connection, caller: Principal, run_id: UUID) -> Run:
    """The run. Raises NotFound, for a run outside the project that a token is pinned to as well."""
    run = service.get_run(connection, caller.tenant_id, run_id, with_links=_reads_reports(caller))
    if not caller.sees(run.project_id):
        raise NotFound(f"there is no run {run_id}")
    return run


def _reads_reports(caller: Principal) -> bool:
    return "reports:read" in caller.scopes


def _workflow(connection: Connection, caller: Principal, body: RunDraft) -> tuple[UUID, int] | None:
    """Id and version of the workflow that is to run, its input checked; None for the other kinds."""
    if body.kind != "workflow":
        if body.workflow_id is not None:
            raise InvalidInput(f"workflowId is for runs of kind workflow, not {body.kind}")
        if body.input is not None:
            raise InvalidInput(f"input is for runs of kind workflow, not {body.kind}")
        return None
    if body.workflow_id is None:
        raise InvalidInput("a run of kind workflow needs workflowId")
    stored = workflows.get(connection, caller.tenant_id, body.workflow_id)
    take_input(stored, body.input)
    if any(step.type == "analysis" for step in stored.steps) and body.repository_id is None:
        raise InvalidInput("the workflow analyses a repository: give repositoryId")
    credentials.require(connection, caller.tenant_id, workflows.models_of(stored))
    return stored.id, stored.version


@router.post(
    "",
    operation_id="createRun",
    summary="Start a run",
    status_code=202,
    response_model=Run,
    responses=problems(404),
)
def create_run(request: Request, caller: RunsWriter, body: RunDraft, key: IdempotencyKey = None) -> Response:
    """The run is queued and starts as soon as the tenant's limit of running runs allows; follow its events.

    The newest archive of the repository is pinned; 409 `archive_missing` when it was not uploaded yet. A workflow is
    started only if every model that it names can be called; else 422 `credentials_missing` names what is missing.
    """

    def effect(connection: Connection) -> Answer:
        if not caller.sees(body.project_id):
            raise NotFound(f"there is no project {body.project_id}")
        workflow = _workflow(connection, caller, body)
        run = service.create_run(
            connection,
            caller.tenant_id,
            kind=body.kind,
            project_id=body.project_id,
            repository_id=body.repository_id,
            options=body.options,
            input=body.input,
            workflow=workflow,
            actor=caller.actor,
        )
        return created(run, status=202, path=f"/runs/{run.id}")

    answer = create(request, caller, key, body, effect)
    dispatch.dispatch(database(), [caller.tenant_id])
    return answer


@router.get("", operation_id="listRuns", summary="List runs")
def list_runs(
    caller: RunsReader,
    page: PageParameters,
    kind: Annotated[RunKind | SkipJsonSchema[None], Query()] = None,
    status: Annotated[RunStatus | SkipJsonSchema[None], Query()] = None,
    project_id: Annotated[UUID | SkipJsonSchema[None], Query(alias="projectId")] = None,
) -> PageOf[Run]:
    """The tenant's runs, newest first."""
    after = page.after_id("runs")
    wanted = project_id or caller.project_id
    if not caller.sees(wanted):
        return page_of(Page([], None))
    with database().transaction(caller.tenant_id) as connection:
        rows = service.list_runs(
            connection,
            caller.tenant_id,
            kind=kind,
            status=status,
            project_id=wanted,
            after=after,
            limit=page.limit + 1,
            with_links=_reads_reports(caller),
        )
    return page_of(cut(rows, page.limit, "runs", lambda run: run.id))


@router.get("/{runId}", operation_id="getRun", summary="Get a run")
def get_run(caller: RunsReader, run_id: RunId) -> Run:
    """Status, phase, progress, counts and cost of one run."""
    with database().transaction(caller.tenant_id) as connection:
        return visible_run(connection, caller, run_id)


@router.post("/{runId}/cancel", operation_id="cancelRun", summary="Cancel a run", responses=problems(409))
def cancel_run(caller: RunsWriter, run_id: RunId) -> Run:
    """Ends the run as `cancelled`, at once; repeating it changes nothing. 409 when it has ended otherwise."""
    with database().transaction(caller.tenant_id) as connection:
        visible_run(connection, caller, run_id)
        run = service.cancel_run(connection, caller.tenant_id, run_id, actor=caller.actor)
        tasks = steps.executions_of(connection, caller.tenant_id, run_id)
        children = service.unfinished_children(connection, caller.tenant_id, run_id)
    for child_id in children:
        with database().transaction(caller.tenant_id) as connection:
            child = service.finish_run(connection, caller.tenant_id, child_id, "cancelled")
        if child is not None:
            dispatch.stop_execution(child)
    dispatch.stop_tasks(tasks)
    dispatch.stop_execution(run)
    dispatch.dispatch(database(), [caller.tenant_id])
    return run


@router.post(
    "/{runId}/retry", operation_id="retryRun", summary="Retry a run", status_code=202, response_model=Run
)
def retry_run(request: Request, caller: RunsWriter, run_id: RunId, key: IdempotencyKey = None) -> Response:
    """A new run with the same source, input and options, and `retryOf`. 409 while the run has not finished."""

    def effect(connection: Connection) -> Answer:
        visible_run(connection, caller, run_id)
        run = service.retry_run(connection, caller.tenant_id, run_id, actor=caller.actor)
        return created(run, status=202, path=f"/runs/{run.id}")

    answer = create(request, caller, key, None, effect)
    dispatch.dispatch(database(), [caller.tenant_id])
    return answer
