"""/projects/{projectId}/repositories and /repositories."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.caller import RunsReader, RunsWriter
from api.creating import IdempotencyKey, create, create_one, created
from api.parameters import PageOf, PageParameters, ProjectId, RepositoryId, page_of
from nyxcore.db.connection import Connection, database
from nyxcore.idempotency.service import Answer
from nyxcore.projects import service
from nyxcore.projects.models import ArchiveDraftUpload, ArchiveLink, Repository, RepositoryDraft

router = APIRouter(tags=["repositories"])


@router.post(
    "/projects/{projectId}/repositories",
    operation_id="createRepository",
    summary="Add a repository to a project",
    status_code=201,
    response_model=Repository,
)
def create_repository(
    request: Request,
    caller: RunsWriter,
    project_id: ProjectId,
    body: RepositoryDraft,
    key: IdempotencyKey = None,
) -> Response:
    """Where the files come from: GitHub, an archive that is uploaded, or a folder.

    `path` works only where the embedded stack runs, and names an existing folder there; 422 otherwise.
    """
    return create_one(
        request,
        caller,
        key,
        body,
        lambda connection: service.create_repository(connection, caller, project_id, body),
        collection="/repositories",
    )


@router.get(
    "/projects/{projectId}/repositories",
    operation_id="listRepositories",
    summary="List a project's repositories",
)
def list_repositories(caller: RunsReader, project_id: ProjectId, page: PageParameters) -> PageOf[Repository]:
    """The project's repositories, newest first."""
    with database().transaction(caller.tenant_id) as connection:
        return page_of(service.list_repositories(connection, caller, project_id, page))


@router.get("/repositories/{repositoryId}", operation_id="getRepository", summary="Get a repository")
def get_repository(caller: RunsReader, repository_id: RepositoryId) -> Repository:
    """One repository."""
    with database().transaction(caller.tenant_id) as connection:
        return service.get_repository(connection, caller, repository_id)


@router.post(
    "/repositories/{repositoryId}/archive",
    operation_id="createArchiveLink",
    summary="Ask for a link to upload an archive",
    status_code=201,
    response_model=ArchiveLink,
)
def create_archive_link(
    request: Request,
    caller: RunsWriter,
    repository_id: RepositoryId,
    body: ArchiveDraftUpload,
    key: IdempotencyKey = None,
) -> Response:
    """A link for one upload: send the archive with `method` to `url`, with exactly the given headers.

    Each call gives a link to a new object, which becomes the repository's newest archive; a run pins the
    newest at its start. Size and checksum are part of the signature when they are given.
    """

    def effect(connection: Connection) -> Answer:
        link = service.offer_archive(connection, caller, repository_id, body)
        content = ArchiveLink(url=link.url, method="PUT", headers=link.headers, expires_at=link.expires_at)
        return created(content, secret=True)

    return create(request, caller, key, body, effect)
