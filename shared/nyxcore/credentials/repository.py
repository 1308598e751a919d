"""SQL of credentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.runs.repository import json_text

type Row = dict[str, Any]

_PUT = """
insert into credentials (tenant_id, name, protocol, base_url, sealed_secret, key_id, last_four, prices, updated_by,
                         updated_at)
values (%(tenant)s, %(name)s, %(protocol)s, %(base_url)s, %(sealed_secret)s, %(key_id)s, %(last_four)s, %(prices)s,
        %(updated_by)s, %(updated_at)s)
on conflict (tenant_id, name) do update set
    protocol = excluded.protocol, base_url = excluded.base_url, sealed_secret = excluded.sealed_secret,
    key_id = excluded.key_id, last_four = excluded.last_four, prices = excluded.prices,
    updated_by = excluded.updated_by, updated_at = excluded.updated_at
"""


def put(connection: Connection, tenant_id: UUID, row: Row) -> None:
    """Keep a credential, over the one of its name."""
    connection.execute(_PUT, {**row, "tenant": tenant_id, "prices": json_text(row["prices"])})


def find(connection: Connection, tenant_id: UUID, names: Sequence[str] | None = None) -> list[Row]:
    """The credentials of these names, or all, by name."""
    return connection.execute(
        "select * from credentials where tenant_id = %s and (%s::text[] is null or name = any(%s)) order by name",
        (tenant_id, names, names),
    ).fetchall()


def delete(connection: Connection, tenant_id: UUID, name: str) -> bool:
    """Whether there was one to remove."""
    return bool(
        connection.execute(
            "delete from credentials where tenant_id = %s and name = %s", (tenant_id, name)
        ).rowcount
    )


def lock_outdated(connection: Connection, tenant_id: UUID, key_id: str) -> list[Row]:
    """Those that hang on another key than this one, locked; what somebody else has locked is left out."""
    return connection.execute(
        "select name, sealed_secret from credentials where tenant_id = %s and key_id <> %s"
        " order by name for update skip locked",
        (tenant_id, key_id),
    ).fetchall()


def set_sealed(connection: Connection, tenant_id: UUID, name: str, sealed: str, key_id: str) -> None:
    """The same secret under another key."""
    connection.execute(
        "update credentials set sealed_secret = %s, key_id = %s where tenant_id = %s and name = %s",
        (sealed, key_id, tenant_id, name),
    )


def keys_in_use(connection: Connection, tenant_id: UUID) -> set[str]:
    """Ids of the keys that this tenant's secrets hang on."""
    rows = connection.execute(
        "select distinct key_id from credentials where tenant_id = %s and key_id is not null", (tenant_id,)
    ).fetchall()
    return {row["key_id"] for row in rows}
