"""/projects."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.caller import RunsReader, RunsWriter
from api.creating import IdempotencyKey, create_one
from api.openapi import problems
from api.parameters import PageOf, PageParameters, ProjectId, page_of
from nyxcore.db.connection import database
from nyxcore.projects import service
from nyxcore.projects.models import Project, ProjectDraft

router = APIRouter(prefix="/projects", tags=["projects"])


@router.post(
    "", operation_id="createProject", summary="Create a project", status_code=201, response_model=Project
)
def create_project(
    request: Request, caller: RunsWriter, body: ProjectDraft, key: IdempotencyKey = None
) -> Response:
    """A project gathers repositories, runs and reports. A token that is pinned to a project cannot make one."""
    return create_one(
        request,
        caller,
        key,
        body,
        lambda connection: service.create_project(connection, caller, body.name),
        collection="/projects",
    )


@router.get("", operation_id="listProjects", summary="List projects")
def list_projects(caller: RunsReader, page: PageParameters) -> PageOf[Project]:
    """The tenant's projects, newest first."""
    with database().transaction(caller.tenant_id) as connection:
        return page_of(service.list_projects(connection, caller, page))


@router.get("/{projectId}", operation_id="getProject", summary="Get a project")
def get_project(caller: RunsReader, project_id: ProjectId) -> Project:
    """One project."""
    with database().transaction(caller.tenant_id) as connection:
        return service.get_project(connection, caller, project_id)


@router.patch("/{projectId}", operation_id="renameProject", summary="Rename a project")
def rename_project(caller: RunsWriter, project_id: ProjectId, body: ProjectDraft) -> Project:
    """The project under its new name."""
    with database().transaction(caller.tenant_id) as connection:
        return service.rename_project(connection, caller, project_id, body.name)


@router.delete(
    "/{projectId}",
    operation_id="deleteProject",
    summary="Delete a project",
    status_code=204,
    responses=problems(409),
)
def delete_project(caller: RunsWriter, project_id: ProjectId) -> None:
    """Removes the project with its repositories, runs, findings, reports and pinned tokens, for good.

    409 while a run of it has not finished: cancel it first.
    """
    with database().transaction(caller.tenant_id) as connection:
        service.delete_project(connection, caller, project_id)
