"""Projects and repositories as one principal sees them; another tenant's are as unknown as none."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import Conflict, Forbidden, InvalidInput, NotFound
from nyxcore.ids import uuid7
from nyxcore.paging import Page, PageRequest, cut
from nyxcore.projects import repository
from nyxcore.projects.models import (
    ArchiveDraft,
    ArchiveDraftUpload,
    GithubDraft,
    PathDraft,
    Project,
    Repository,
)
from nyxcore.settings import settings
from nyxcore.storage import objects
from nyxcore.tenancy.models import Principal
from nyxcore.tenancy.service import audit

UPLOAD_LIFETIME = timedelta(hours=1)


def create_project(connection: Connection, principal: Principal, name: str) -> Project:
    """A new project. Raises Forbidden for a token that is pinned to another one."""
    if principal.project_id is not None:
        raise Forbidden(f"the token is pinned to project {principal.project_id} and cannot make another one")
    now = clock.now()
    project = Project(id=uuid7(), name=name, created_at=now, updated_at=now)
    repository.insert_project(connection, principal.tenant_id, project)
    _audit(connection, principal, "project.create", project.id, name=name)
    return project


def get_project(connection: Connection, principal: Principal, project_id: UUID) -> Project:
    """The project. Raises NotFound."""
    project = repository.get_project(connection, principal.tenant_id, project_id)
    if project is None or not principal.sees(project.id):
        raise _no_project(project_id)
    return project


def list_projects(connection: Connection, principal: Principal, page: PageRequest) -> Page[Project]:
    """Projects, newest first."""
    rows = repository.list_projects(
        connection,
        principal.tenant_id,
        only=principal.project_id,
        after=page.after_id("projects"),
        limit=page.limit + 1,
    )
    return cut(rows, page.limit, "projects", lambda project: project.id)


def rename_project(connection: Connection, principal: Principal, project_id: UUID, name: str) -> Project:
    """The project under its new name. Raises NotFound."""
    get_project(connection, principal, project_id)
    project = repository.rename_project(connection, principal.tenant_id, project_id, name, clock.now())
    if project is None:
        raise _no_project(project_id)
    _audit(connection, principal, "project.rename", project_id, name=name)
    return project


def delete_project(connection: Connection, principal: Principal, project_id: UUID) -> None:
    """Remove the project with its repositories, runs and reports.

    Raises
    ------
    NotFound : there is none.
    Conflict : a run of it has not finished; cancel it first.
    """
    if not principal.sees(project_id):
        raise _no_project(project_id)
    if not repository.lock_project(connection, principal.tenant_id, project_id):
        raise _no_project(project_id)
    run_id = repository.unfinished_run(connection, principal.tenant_id, project_id)
    if run_id is not None:
        raise Conflict(f"run {run_id} of the project has not finished: cancel it, then delete the project")
    repository.delete_project(connection, principal.tenant_id, project_id)
    _audit(connection, principal, "project.delete", project_id)


def create_repository(
    connection: Connection,
    principal: Principal,
    project_id: UUID,
    draft: GithubDraft | ArchiveDraft | PathDraft,
) -> Repository:
    """A new repository of the project.

    Raises
    ------
    NotFound : there is no such project.
    InvalidInput : a path outside the embedded stack, or one that is no folder.
    """
    get_project(connection, principal, project_id)
    if isinstance(draft, PathDraft):
        _check_path(draft.path)
    made = Repository(
        id=uuid7(),
        project_id=project_id,
        source=draft.source,
        name=draft.name,
        ref=draft.ref,
        path=draft.path,
        archive_filename=None,
        created_at=clock.now(),
    )
    try:
        repository.insert_repository(connection, principal.tenant_id, made)
    except ForeignKeyViolation as error:  # the project was deleted since it was read
        raise _no_project(project_id) from error
    audit(
        connection,
        principal.tenant_id,
        actor=principal.actor,
        action="repository.create",
        target=f"repository:{made.id}",
        source=made.source,
        name=made.name,
    )
    return made


def get_repository(connection: Connection, principal: Principal, repository_id: UUID) -> Repository:
    """The repository. Raises NotFound."""
    found = repository.get_repository(connection, principal.tenant_id, repository_id)
    if found is None or not principal.sees(found.project_id):
        raise NotFound(f"there is no repository {repository_id}")
    return found


def list_repositories(
    connection: Connection, principal: Principal, project_id: UUID, page: PageRequest
) -> Page[Repository]:
    """The project's repositories, newest first. Raises NotFound when there is no such project."""
    get_project(connection, principal, project_id)
    rows = repository.list_repositories(
        connection,
        principal.tenant_id,
        project_id,
        after=page.after_id("repositories"),
        limit=page.limit + 1,
    )
    return cut(rows, page.limit, "repositories", lambda found: found.id)


def offer_archive(
    connection: Connection, principal: Principal, repository_id: UUID, draft: ArchiveDraftUpload
) -> objects.PresignedRequest:
    """A link to upload an archive under a new key, which becomes the repository's newest archive.

    Raises
    ------
    NotFound : there is no such repository.
    Conflict : its files come from elsewhere.
    """
    found = get_repository(connection, principal, repository_id)
    if found.source != "archive":
        raise Conflict(f"repository {repository_id} is a {found.source}: only an archive is uploaded")
    extension = ".zip" if draft.filename.lower().endswith(".zip") else ".tar"
    key = objects.repository_key(principal.tenant_id, repository_id, f"archives/{uuid7()}{extension}")
    signed: dict[str, object] = {}
    headers: dict[str, str] = {}
    if draft.bytes is not None:
        signed["ContentLength"] = draft.bytes
        headers["Content-Length"] = str(draft.bytes)
    if draft.sha256 is not None:
        checksum = base64.b64encode(bytes.fromhex(draft.sha256)).decode()
        signed["ChecksumSHA256"] = checksum
        headers["x-amz-checksum-sha256"] = checksum
    link = objects.presign_put(key, lifetime=UPLOAD_LIFETIME, headers=headers, **signed)
    repository.set_archive(connection, principal.tenant_id, repository_id, key=key, filename=draft.filename)
    audit(
        connection,
        principal.tenant_id,
        actor=principal.actor,
        action="repository.archive",
        target=f"repository:{repository_id}",
        filename=draft.filename,
    )
    return link


def _check_path(path: str) -> None:
    """Whether the API may be told of a folder, and of this one."""
    if settings().deployment != "embedded":
        raise InvalidInput(
            "source 'path' works only where the embedded stack runs (`nyx dev`): use github or archive here"
        )
    try:
        is_folder = Path(path).is_absolute() and Path(path).is_dir()
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        raise InvalidInput(f"path {path!r} is no folder on this machine: give the absolute path of one")


def _no_project(project_id: UUID) -> NotFound:
    return NotFound(f"there is no project {project_id}")


def _audit(
    connection: Connection, principal: Principal, action: str, project_id: UUID, **details: object
) -> None:
    target = f"project:{project_id}"
    audit(connection, principal.tenant_id, actor=principal.actor, action=action, target=target, **details)
