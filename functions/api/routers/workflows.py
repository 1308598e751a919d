"""/workflows."""

from __future__ import annotations

import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, HTTPException, Request
from fastapi.responses import Response
from pydantic import Field, JsonValue, WithJsonSchema

from api.caller import RunsReader, WorkflowsWriter
from api.creating import IdempotencyKey, create, created
from api.openapi import problems
from api.parameters import PageOf, PageParameters, WorkflowId, page_of
from nyxcore.db.connection import Connection, database
from nyxcore.idempotency.service import Answer
from nyxcore.steps import previewing
from nyxcore.wire import RequestModel, WireModel
from nyxcore.workflows import exchange, service, templates
from nyxcore.workflows.definition import MAX_DOCUMENT_BYTES, Workflow
from nyxcore.workflows.models import StoredWorkflow, WorkflowSummary, WorkflowVersion
from nyxcore.workflows.preview import WorkflowPreview

router = APIRouter(prefix="/workflows", tags=["workflows"])

_EXAMPLE: dict[str, JsonValue] = {
    "name": "Summary",
    "goal": "Say what matters.",
    "steps": [{"key": "summarise", "prompt": "Summarise this:\n\n{{input}}"}],
}
_YAML = "application/yaml"

# checked by our own linter, which finds everything that is wrong at once, with its place and the nearest right name
Definition = Annotated[
    dict[str, JsonValue],
    Body(
        description="See docs/workflow.schema.json",
        examples=[_EXAMPLE],
    ),
    WithJsonSchema({"$ref": "#/components/schemas/Workflow"}),
]


class Versions(WireModel):
    """The newest versions, at most 100."""

    items: list[WorkflowVersion]


class Templates(WireModel):
    """The workflows that come with the service."""

    items: dict[str, Workflow] = Field(
        description="definition by name; POST one to /workflows to make it yours"
    )


class PreviewDraft(RequestModel):
    """What a run would be given."""

    input: str | dict[str, JsonValue] | None = None


class DraftPreview(PreviewDraft):
    """A workflow that is not kept, and what a run of it would be given."""

    workflow: Annotated[
        dict[str, JsonValue],
        Field(description="See docs/workflow.schema.json", examples=[_EXAMPLE]),
        WithJsonSchema({"allOf": [{"$ref": "#/components/schemas/Workflow"}]}),
    ]


class ImportDraft(RequestModel):
    """A file that `GET /workflows/{workflowId}/export` has written."""

    file: str = Field(
        max_length=MAX_DOCUMENT_BYTES,
        description="its text, YAML or JSON",
        examples=[f"format: 1\nworkflow: {json.dumps(_EXAMPLE)}\npersonas: []\n"],
    )
    workflow_id: UUID | None = Field(
        default=None, description="the workflow of which this is the next version; null makes a new one"
    )


@router.post(
    "",
    operation_id="createWorkflow",
    summary="Make a workflow",
    status_code=201,
    response_model=StoredWorkflow,
)
def create_workflow(
    request: Request, caller: WorkflowsWriter, body: Definition, key: IdempotencyKey = None
) -> Response:
    """Everything is checked before it is kept: 422 `workflow_refused` names each flaw and its place."""
    with database().transaction(caller.tenant_id) as connection:
        workflow = service.accept(connection, caller.tenant_id, body)

    def effect(connection: Connection) -> Answer:
        stored = service.create(connection, caller, workflow)
        return created(stored, path=f"/workflows/{stored.id}", as_given=True)

    return create(request, caller, key, workflow, effect)


@router.get("", operation_id="listWorkflows", summary="List workflows")
def list_workflows(caller: RunsReader, page: PageParameters) -> PageOf[WorkflowSummary]:
    """The tenant's workflows, newest first, without their definitions."""
    with database().transaction(caller.tenant_id) as connection:
        return page_of(service.listed(connection, caller.tenant_id, page))


@router.get(
    "/templates",
    operation_id="listWorkflowTemplates",
    summary="List the workflows that come along",
    response_model_exclude_unset=True,
)
def list_templates(_caller: RunsReader) -> Templates:
    """Analyse → review → prompt, deep project analysis, security review, compliance analysis, expert team."""
    return Templates(items={name: templates.template(name) for name in templates.names()})


@router.post("/preview", operation_id="previewDraft", summary="See what a run of a draft would send")
def preview_draft(caller: RunsReader, body: DraftPreview) -> WorkflowPreview:
    """As `POST /workflows/{workflowId}/preview`, for a definition that is not kept."""
    with database().transaction(caller.tenant_id) as connection:
        workflow = service.accept(connection, caller.tenant_id, body.workflow)
        return previewing.preview_of(connection, caller.tenant_id, workflow, body.input)


@router.post(
    "/import",
    operation_id="importWorkflow",
    summary="Take in a workflow with its personas",
    status_code=201,
    response_model=exchange.Imported,
    responses=problems(404, 409),
)
def import_workflow(
    request: Request, caller: WorkflowsWriter, body: ImportDraft, key: IdempotencyKey = None
) -> Response:
    """Nothing that is here changes: a persona whose key is another's here is taken in under a key of its own.

    422 `workflow_refused` names each flaw of the file and its place.
    """

    def effect(connection: Connection) -> Answer:
        taken = exchange.take_in(connection, caller, body.file, workflow_id=body.workflow_id)
        return created(taken, path=f"/workflows/{taken.workflow.id}", as_given=True)

    return create(request, caller, key, body, effect)


def _refuse_other_methods() -> None:
    """Without it these paths would be taken for those of workflows with such ids."""
    raise HTTPException(405)


for _path, _methods in (
    ("/templates", ["PUT", "DELETE"]),
    ("/preview", ["GET", "PUT", "DELETE"]),
    ("/import", ["GET", "PUT", "DELETE"]),
):
    router.add_api_route(_path, _refuse_other_methods, methods=_methods, include_in_schema=False)


@router.get(
    "/{workflowId}", operation_id="getWorkflow", summary="Get a workflow", response_model_exclude_unset=True
)
def get_workflow(caller: RunsReader, workflow_id: WorkflowId) -> StoredWorkflow:
    """The newest version."""
    with database().transaction(caller.tenant_id) as connection:
        return service.get(connection, caller.tenant_id, workflow_id)


@router.put(
    "/{workflowId}",
    operation_id="changeWorkflow",
    summary="Change a workflow",
    responses=problems(404),
    response_model_exclude_unset=True,
)
def change_workflow(caller: WorkflowsWriter, workflow_id: WorkflowId, body: Definition) -> StoredWorkflow:
    """A new version; runs that have begun keep theirs. What GET answers may be sent back as it is."""
    with database().transaction(caller.tenant_id) as connection:
        workflow = service.accept(connection, caller.tenant_id, body)
        return service.change(connection, caller, workflow_id, workflow)


@router.delete("/{workflowId}", operation_id="deleteWorkflow", summary="Delete a workflow", status_code=204)
def delete_workflow(caller: WorkflowsWriter, workflow_id: WorkflowId) -> None:
    """It is listed and started no more; its runs go on."""
    with database().transaction(caller.tenant_id) as connection:
        service.delete(connection, caller, workflow_id)


@router.get(
    "/{workflowId}/versions",
    operation_id="listWorkflowVersions",
    summary="List its versions",
    response_model_exclude_unset=True,
)
def list_versions(caller: RunsReader, workflow_id: WorkflowId) -> Versions:
    """Newest first."""
    with database().transaction(caller.tenant_id) as connection:
        return Versions(items=service.versions(connection, caller.tenant_id, workflow_id))


@router.get(
    "/{workflowId}/export",
    operation_id="exportWorkflow",
    summary="Get a workflow with its personas as one file",
    response_class=Response,
    responses={
        200: {
            "description": "YAML that `POST /workflows/import` takes, here or in another service",
            "content": {_YAML: {"schema": {"type": "object"}, "example": "format: 1\nworkflow: {}\n"}},
        }
    },
)
def export_workflow(caller: RunsReader, workflow_id: WorkflowId) -> Response:
    """The newest version, and each persona of the tenant's own that it names."""
    with database().transaction(caller.tenant_id) as connection:
        text = exchange.export(connection, caller.tenant_id, workflow_id)
    return Response(text, media_type=_YAML)


@router.post("/{workflowId}/preview", operation_id="previewWorkflow", summary="See what a run would send")
def preview_workflow(caller: RunsReader, workflow_id: WorkflowId, body: PreviewDraft) -> WorkflowPreview:
    """Every prompt, what was put into it and why, tokens and cost; no model is called."""
    with database().transaction(caller.tenant_id) as connection:
        stored = service.get(connection, caller.tenant_id, workflow_id)
        return previewing.preview_of(connection, caller.tenant_id, service.definition(stored), body.input)
