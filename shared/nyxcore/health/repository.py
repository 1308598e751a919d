"""SQL of the health check."""

from __future__ import annotations

from nyxcore.db.connection import Connection


def versions(connection: Connection) -> dict[str, str]:
    """Versions of the database and of the extensions that are in it."""
    rows = connection.execute(
        "select 'postgresql' as name, split_part(current_setting('server_version'), ' ', 1) as version"
        " union all select extname, extversion from pg_extension where extname = 'vector'"
    ).fetchall()
    return {row["name"]: row["version"] for row in rows}


def schema_version(connection: Connection) -> int:
    """Number of the newest migration that was applied."""
    row = connection.execute("select max(version) as version from schema_migrations").fetchone()
    return row["version"] if row and row["version"] else 0
