"""SQL of the table `files`: the content hashes of what a repository held at its last scan."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.sources.models import Entry


def replace_files(
    connection: Connection, tenant_id: UUID, repository_id: UUID, entries: Sequence[Entry]
) -> None:
    """Make the repository's files those of `entries`; rows that did not change are not written."""
    columns = (
        [entry.path for entry in entries],
        [bytes.fromhex(entry.sha256) for entry in entries],
        [entry.size for entry in entries],
        [str(entry.language or entry.kind) for entry in entries],
    )
    connection.execute(
        """
        with scanned as (
            select * from unnest(%s::text[], %s::bytea[], %s::bigint[], %s::text[]) as t (path, sha256, bytes, language)
        ), gone as (
            delete from files
            where tenant_id = %s and repository_id = %s and path not in (select path from scanned)
        )
        insert into files (tenant_id, repository_id, path, sha256, bytes, language)
        select %s, %s, path, sha256, bytes, language from scanned
        on conflict (tenant_id, repository_id, path) do update
        set sha256 = excluded.sha256, bytes = excluded.bytes, language = excluded.language
        where files.sha256 <> excluded.sha256 or files.language <> excluded.language
        """,
        (*columns, tenant_id, repository_id, tenant_id, repository_id),
    )
