"""SQL of projects and repositories."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.projects.models import Project, Repository


def insert_project(connection: Connection, tenant_id: UUID, project: Project) -> None:
    """Keep a new project."""
    connection.execute(
        "insert into projects (tenant_id, id, name, created_at, updated_at) values (%s, %s, %s, %s, %s)",
        (tenant_id, project.id, project.name, project.created_at, project.updated_at),
    )


def get_project(connection: Connection, tenant_id: UUID, project_id: UUID) -> Project | None:
    """The project, or None."""
    row = connection.execute(
        "select id, name, created_at, updated_at from projects where tenant_id = %s and id = %s",
        (tenant_id, project_id),
    ).fetchone()
    return None if row is None else Project(**row)


def list_projects(
    connection: Connection, tenant_id: UUID, *, only: UUID | None, after: UUID | None, limit: int
) -> list[Project]:
    """Projects, newest first; `only` that one where it is given."""
    rows = connection.execute(
        "select id, name, created_at, updated_at from projects where tenant_id = %(tenant)s"
        " and (%(only)s::uuid is null or id = %(only)s)"
        " and (%(after)s::uuid is null or id < %(after)s) order by id desc limit %(limit)s",
        {"tenant": tenant_id, "only": only, "after": after, "limit": limit},
    ).fetchall()
    return [Project(**row) for row in rows]


def rename_project(
    connection: Connection, tenant_id: UUID, project_id: UUID, name: str, now: datetime
) -> Project | None:
    """The project under its new name, or None when there is none."""
    row = connection.execute(
        "update projects set name = %s, updated_at = %s where tenant_id = %s and id = %s"
        " returning id, name, created_at, updated_at",
        (name, now, tenant_id, project_id),
    ).fetchone()
    return None if row is None else Project(**row)


def lock_project(connection: Connection, tenant_id: UUID, project_id: UUID) -> bool:
    """Hold the project so that no run can be added to it meanwhile; whether it exists."""
    row = connection.execute(
        "select 1 from projects where tenant_id = %s and id = %s for update", (tenant_id, project_id)
    ).fetchone()
    return row is not None


def unfinished_run(connection: Connection, tenant_id: UUID, project_id: UUID) -> UUID | None:
    """A run of the project that is not finished, or None."""
    row = connection.execute(
        "select id from runs where tenant_id = %s and project_id = %s and finished_at is null limit 1",
        (tenant_id, project_id),
    ).fetchone()
    return None if row is None else UUID(str(row["id"]))


def delete_project(connection: Connection, tenant_id: UUID, project_id: UUID) -> None:
    """Remove the project and everything that hangs on it."""
    connection.execute("delete from projects where tenant_id = %s and id = %s", (tenant_id, project_id))


def insert_repository(connection: Connection, tenant_id: UUID, repository: Repository) -> None:
    """Keep a new repository."""
    connection.execute(
        "insert into repositories (tenant_id, id, project_id, source, name, ref, path, created_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tenant_id,
            repository.id,
            repository.project_id,
            repository.source,
            repository.name,
            repository.ref,
            repository.path,
            repository.created_at,
        ),
    )


def get_repository(connection: Connection, tenant_id: UUID, repository_id: UUID) -> Repository | None:
    """The repository, or None."""
    row = connection.execute(
        "select id, project_id, source, name, ref, path, archive_filename, created_at from repositories"
        " where tenant_id = %s and id = %s",
        (tenant_id, repository_id),
    ).fetchone()
    return None if row is None else Repository(**row)


def list_repositories(
    connection: Connection, tenant_id: UUID, project_id: UUID, *, after: UUID | None, limit: int
) -> list[Repository]:
    """The project's repositories, newest first."""
    rows = connection.execute(
        "select id, project_id, source, name, ref, path, archive_filename, created_at from repositories"
        " where tenant_id = %(tenant)s and project_id = %(project)s"
        " and (%(after)s::uuid is null or id < %(after)s) order by id desc limit %(limit)s",
        {"tenant": tenant_id, "project": project_id, "after": after, "limit": limit},
    ).fetchall()
    return [Repository(**row) for row in rows]


def set_archive(
    connection: Connection, tenant_id: UUID, repository_id: UUID, *, key: str, filename: str
) -> None:
    """Make this object the repository's newest archive; the next run pins it."""
    connection.execute(
        "update repositories set archive_key = %s, archive_filename = %s where tenant_id = %s and id = %s",
        (key, filename, tenant_id, repository_id),
    )
