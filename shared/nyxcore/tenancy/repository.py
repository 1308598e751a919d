"""SQL of tenants, members, tokens, tickets and the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.tenancy.models import ApiToken


def insert_tenant(connection: Connection, tenant_id: UUID, name: str) -> None:
    """A tenant and its settings; needs the right to insert into `tenants`, which nyx_app does not have."""
    connection.execute("insert into tenants (id) values (%s)", (tenant_id,))
    connection.execute("select set_config('app.tenant_id', %s, true)", (str(tenant_id),))
    connection.execute("insert into tenant_settings (tenant_id, name) values (%s, %s)", (tenant_id, name))


def insert_token(connection: Connection, tenant_id: UUID, token: ApiToken, secret_sha256: bytes) -> None:
    """Keep a token by the hash of its secret."""
    connection.execute(
        "insert into api_tokens (tenant_id, id, name, secret_sha256, scopes, project_id, created_by,"
        " created_at, expires_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tenant_id,
            token.id,
            token.name,
            secret_sha256,
            list(token.scopes),
            token.project_id,
            token.created_by,
            token.created_at,
            token.expires_at,
        ),
    )


def token_by_secret(
    connection: Connection, tenant_id: UUID, secret_sha256: bytes
) -> tuple[ApiToken, bytes] | None:
    """The token that has this secret and the hash that is stored for it, expired or not."""
    row = connection.execute(
        "select id, name, scopes, project_id, created_by, created_at, expires_at, secret_sha256"
        " from api_tokens where tenant_id = %s and secret_sha256 = %s",
        (tenant_id, secret_sha256),
    ).fetchone()
    if row is None:
        return None
    stored = bytes(row.pop("secret_sha256"))
    return ApiToken(**row), stored


def list_tokens(
    connection: Connection, tenant_id: UUID, *, project_id: UUID | None, after: UUID | None, limit: int
) -> list[ApiToken]:
    """Tokens, newest first; only those pinned to `project_id` where it is given."""
    rows = connection.execute(
        "select id, name, scopes, project_id, created_by, created_at, expires_at"
        " from api_tokens where tenant_id = %(tenant)s"
        " and (%(project)s::uuid is null or project_id = %(project)s)"
        " and (%(after)s::uuid is null or id < %(after)s) order by id desc limit %(limit)s",
        {"tenant": tenant_id, "project": project_id, "after": after, "limit": limit},
    ).fetchall()
    return [ApiToken(**row) for row in rows]


def delete_token(
    connection: Connection, tenant_id: UUID, token_id: UUID, project_id: UUID | None
) -> str | None:
    """Remove the token, and with it the tickets that hang on it. Its name, or None when there is none."""
    row = connection.execute(
        "delete from api_tokens where tenant_id = %(tenant)s and id = %(id)s"
        " and (%(project)s::uuid is null or project_id = %(project)s) returning name",
        {"tenant": tenant_id, "id": token_id, "project": project_id},
    ).fetchone()
    return None if row is None else str(row["name"])


def role_of(connection: Connection, tenant_id: UUID, subject: str) -> str | None:
    """Role of the member that the user pool calls `subject`, or None."""
    row = connection.execute(
        "select role from members where tenant_id = %s and subject = %s", (tenant_id, subject)
    ).fetchone()
    return None if row is None else str(row["role"])


def run_for_ticket(connection: Connection, tenant_id: UUID, run_id: UUID) -> dict[str, Any] | None:
    """`{project_id, finished_at}` of the run, or None."""
    return connection.execute(
        "select project_id, finished_at from runs where tenant_id = %s and id = %s", (tenant_id, run_id)
    ).fetchone()


def insert_ticket(
    connection: Connection,
    tenant_id: UUID,
    *,
    secret_sha256: bytes,
    run_id: UUID,
    token_id: UUID | None,
    subject: str | None,
    expires_at: datetime,
) -> None:
    """Keep a ticket by the hash of its secret; it goes with the token, or the member, that asked for it."""
    connection.execute(
        "insert into stream_tickets (tenant_id, secret_sha256, run_id, token_id, subject, expires_at)"
        " values (%s, %s, %s, %s, %s, %s)",
        (tenant_id, secret_sha256, run_id, token_id, subject, expires_at),
    )


def ticket_by_secret(connection: Connection, tenant_id: UUID, secret_sha256: bytes) -> dict[str, Any] | None:
    """`{run_id, token_id, subject, expires_at, secret_sha256, project_id, finished_at, token_expires_at}`, or None."""
    return connection.execute(
        "select t.run_id, t.token_id, t.subject, t.expires_at, t.secret_sha256, r.project_id, r.finished_at,"
        " a.expires_at as token_expires_at from stream_tickets t"
        " join runs r on r.tenant_id = t.tenant_id and r.id = t.run_id"
        " left join api_tokens a on a.tenant_id = t.tenant_id and a.id = t.token_id"
        " where t.tenant_id = %s and t.secret_sha256 = %s",
        (tenant_id, secret_sha256),
    ).fetchone()


def insert_audit(
    connection: Connection,
    tenant_id: UUID,
    *,
    entry_id: UUID,
    actor: str,
    action: str,
    target: str,
    details: Mapping[str, object],
    created_at: datetime,
) -> None:
    """Append to the audit log."""
    connection.execute(
        "insert into audit_log (tenant_id, id, actor, action, target, details, created_at)"
        " values (%s, %s, %s, %s, %s, %s::jsonb, %s)",
        (tenant_id, entry_id, actor, action, target, json.dumps(details), created_at),
    )


def delete_expired_tickets(connection: Connection, tenant_id: UUID, now: datetime) -> int:
    """Remove the tickets that have expired; how many."""
    return connection.execute(
        "delete from stream_tickets where tenant_id = %s and expires_at < %s", (tenant_id, now)
    ).rowcount
