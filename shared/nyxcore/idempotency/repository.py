"""SQL of idempotency keys."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection


def try_lock(connection: Connection, tenant_id: UUID, key: str) -> bool:
    """Hold the key until the transaction ends; False when another transaction holds it."""
    row = connection.execute(
        "select pg_try_advisory_xact_lock(hashtextextended(%s, 0)) as held",
        (f"idempotency:{tenant_id}:{key}",),
    ).fetchone()
    return row is not None and bool(row["held"])


def get(connection: Connection, tenant_id: UUID, key: str) -> dict[str, Any] | None:
    """`{request_sha256, status, headers, body, created_at}` of the key, or None."""
    return connection.execute(
        "select request_sha256, status, headers, body, created_at from idempotency_keys"
        " where tenant_id = %s and key = %s",
        (tenant_id, key),
    ).fetchone()


def put(
    connection: Connection,
    tenant_id: UUID,
    key: str,
    *,
    request_sha256: bytes,
    status: int,
    headers: dict[str, str],
    body: dict[str, str],
    now: datetime,
) -> None:
    """Keep an answer, over one that is too old to count."""
    connection.execute(
        "insert into idempotency_keys (tenant_id, key, request_sha256, status, headers, body, created_at)"
        " values (%s, %s, %s, %s, %s::jsonb, %s::jsonb, %s) on conflict (tenant_id, key) do update set"
        " request_sha256 = excluded.request_sha256, status = excluded.status, headers = excluded.headers,"
        " body = excluded.body, created_at = excluded.created_at",
        (tenant_id, key, request_sha256, status, json.dumps(headers), json.dumps(body), now),
    )


def delete_before(connection: Connection, tenant_id: UUID, moment: datetime) -> int:
    """Forget the answers that were given before `moment`; how many."""
    return connection.execute(
        "delete from idempotency_keys where tenant_id = %s and created_at < %s", (tenant_id, moment)
    ).rowcount
