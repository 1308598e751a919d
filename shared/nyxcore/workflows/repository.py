"""SQL of workflows and their versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.ids import uuid7

type Row = dict[str, Any]

_SUMMARY = "id, name, version, created_by, created_at, updated_at"


def insert(
    connection: Connection, tenant_id: UUID, *, name: str, definition: Mapping[str, Any], actor: str
) -> UUID:
    """A new workflow with its first version; its id."""
    workflow_id = uuid7()
    connection.execute(
        "insert into workflows (tenant_id, id, name, version, created_by) values (%s, %s, %s, 1, %s)",
        (tenant_id, workflow_id, name, actor),
    )
    _insert_version(connection, tenant_id, workflow_id, 1, definition, actor)
    return workflow_id


def add_version(
    connection: Connection,
    tenant_id: UUID,
    workflow_id: UUID,
    *,
    name: str,
    definition: Mapping[str, Any],
    actor: str,
) -> int | None:
    """The number of a new version; None when there is no such workflow. Two at once take turns."""
    row = connection.execute(
        "update workflows set version = version + 1, name = %s, updated_at = clock_timestamp()"
        " where tenant_id = %s and id = %s and deleted_at is null returning version",
        (name, tenant_id, workflow_id),
    ).fetchone()
    if row is None:
        return None
    version = int(row["version"])
    _insert_version(connection, tenant_id, workflow_id, version, definition, actor)
    return version


def _insert_version(  # noqa: PLR0917 - the columns of one row
    connection: Connection,
    tenant_id: UUID,
    workflow_id: UUID,
    version: int,
    definition: Mapping[str, Any],
    actor: str,
) -> None:
    connection.execute(
        "insert into workflow_versions (tenant_id, workflow_id, version, definition, created_by)"
        " values (%s, %s, %s, %s::jsonb, %s)",
        (tenant_id, workflow_id, version, json.dumps(definition), actor),
    )


def get(connection: Connection, tenant_id: UUID, workflow_id: UUID) -> Row | None:
    """The workflow with the definition of its newest version, deleted or not; or None."""
    return connection.execute(
        f"select w.{_SUMMARY.replace(', ', ', w.')}, w.deleted_at, v.definition from workflows w"  # noqa: S608
        " join workflow_versions v on v.tenant_id = w.tenant_id and v.workflow_id = w.id and v.version = w.version"
        " where w.tenant_id = %s and w.id = %s",
        (tenant_id, workflow_id),
    ).fetchone()


def find(connection: Connection, tenant_id: UUID, *, after: UUID | None, limit: int) -> list[Row]:
    """Workflows that are not deleted, newest first, without definitions."""
    return connection.execute(
        f"select {_SUMMARY} from workflows where tenant_id = %(tenant)s and deleted_at is null"  # noqa: S608
        " and (%(after)s::uuid is null or id < %(after)s) order by id desc limit %(limit)s",
        {"tenant": tenant_id, "after": after, "limit": limit},
    ).fetchall()


def versions(
    connection: Connection, tenant_id: UUID, workflow_id: UUID, *, before: int | None, limit: int
) -> list[Row]:
    """Versions with their definitions, newest first."""
    return connection.execute(
        "select version, definition, created_by, created_at from workflow_versions"
        " where tenant_id = %(tenant)s and workflow_id = %(workflow)s"
        " and (%(before)s::integer is null or version < %(before)s) order by version desc limit %(limit)s",
        {"tenant": tenant_id, "workflow": workflow_id, "before": before, "limit": limit},
    ).fetchall()


def definition_of(connection: Connection, tenant_id: UUID, workflow_id: UUID, version: int) -> Row | None:
    """The definition of one version, or None."""
    row = connection.execute(
        "select definition from workflow_versions where tenant_id = %s and workflow_id = %s and version = %s",
        (tenant_id, workflow_id, version),
    ).fetchone()
    return None if row is None else row["definition"]


def set_deleted(connection: Connection, tenant_id: UUID, workflow_id: UUID) -> bool:
    """Hide the workflow; False when there is none."""
    return (
        connection.execute(
            "update workflows set deleted_at = clock_timestamp() where tenant_id = %s and id = %s"
            " and deleted_at is null",
            (tenant_id, workflow_id),
        ).rowcount
        == 1
    )
