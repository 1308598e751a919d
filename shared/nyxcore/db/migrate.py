"""The migration runner: numbered SQL files, forward only, each applied once and never changed afterwards.

A file is `NNNN_name.sql`, numbered from 0001 without a gap, and runs in one transaction together with its row in
`schema_migrations`. Comments in its first lines may say otherwise:

- `-- no-transaction`: a single CREATE INDEX CONCURRENTLY, with a time limit of its own. An invalid index that an
  interrupted attempt left is dropped first.
- `-- statement-timeout: 10min`: another limit than the default for each of its statements.

A statement that destroys something (see `statements.destruction`) needs a comment `-- destructive: <reason>`.
Two runners at once: the second waits, and finds nothing to do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.conninfo import make_conninfo

from nyxcore.db.connection import connect_once
from nyxcore.db.migration_files import Migration, read
from nyxcore.db.schema import DIRECTORY
from nyxcore.errors import NyxError

type Session = psycopg.Connection[Any]

_LOCK = 0x6E79_7802
_LOCK_SECONDS = 600.0
# no ALTER TABLE may queue longer than this before a busy table: every reader would queue behind it
_LOCK_TIMEOUT = "4s"
_STATEMENT_TIMEOUT = "5s"
_CONCURRENT_TIMEOUT = "30min"

_TABLE = """
create table if not exists schema_migrations (
    version integer primary key check (version > 0),
    name text not null,
    sha256 text not null check (length(sha256) = 64),
    applied_at timestamptz not null default now()
)"""


class MigrationRefused(NyxError):
    """The migration files and the database contradict each other, or another runner holds the lock."""

    code, status = "migration_refused", 409


class MigrationFailed(NyxError):
    """PostgreSQL refused a statement of a migration; nothing of that file was kept."""

    code = "migration_failed"


@dataclass(frozen=True)
class MigrationStatus:
    """One migration: known to the code, to the database, or to both.

    `state`: `applied`; `pending` (not in the database yet); `edited` (the file is not the one that was
    applied); `unknown` (applied by newer code than this).
    """

    version: int
    name: str
    state: Literal["applied", "pending", "edited", "unknown"]
    applied_at: datetime | None


def migrate(url: str, *, directory: Path = DIRECTORY) -> list[str]:
    """Bring the database up to the newest migration; returns the names of those applied now, in order.

    Parameters
    ----------
    url : libpq URL of the role `nyx_owner`, straight to the server (a proxy would pin the session).

    Raises
    ------
    MigrationRefused : a file was edited or renamed after it was applied, one is missing, or a runner has held
        the lock for ten minutes.
    MigrationFailed : a statement failed; earlier files stay applied.
    InvalidInput : a file is not numbered or written as a migration has to be.
    DatabaseUnavailable : no connection.
    """
    migrations = read(directory)
    applied: list[str] = []
    with _session(url) as session, _alone(session):
        session.execute(_TABLE)
        recorded = _recorded(session)
        _verify(migrations, recorded)
        for migration in migrations:
            if migration.version not in recorded:
                _apply(session, url, migration)
                applied.append(migration.name)
    return applied


def status(url: str, *, directory: Path = DIRECTORY) -> list[MigrationStatus]:
    """Every migration that the code or the database knows, by number. Changes nothing."""
    migrations = {migration.version: migration for migration in read(directory)}
    with _session(url) as session:
        exists = session.execute("select to_regclass('schema_migrations') is not null").fetchone()
        recorded = _recorded(session) if exists and exists[0] else {}
    return [
        _status_of(version, migrations.get(version), recorded.get(version))
        for version in sorted(migrations.keys() | recorded.keys())
    ]


def _status_of(version: int, migration: Migration | None, row: _Row | None) -> MigrationStatus:
    if row is None:
        return MigrationStatus(version, migration.name if migration else "", "pending", None)
    if migration is None:
        return MigrationStatus(version, row.name, "unknown", row.applied_at)
    same = (row.name, row.sha256) == (migration.name, migration.sha256)
    return MigrationStatus(version, migration.name, "applied" if same else "edited", row.applied_at)


@dataclass(frozen=True)
class _Row:
    name: str
    sha256: str
    applied_at: datetime


@contextmanager
def _session(
    url: str, *, lock_timeout: str | None = None, statement_timeout: str | None = None
) -> Iterator[Session]:
    options = (
        f"-c lock_timeout={lock_timeout or _LOCK_TIMEOUT}"
        f" -c statement_timeout={statement_timeout or _STATEMENT_TIMEOUT}"
    )
    with connect_once(make_conninfo(url, options=options, application_name="nyxcore migrate")) as session:
        yield session


@contextmanager
def _alone(session: Session) -> Iterator[None]:
    """Hold the lock of migrations.

    Asked for again and again instead of waited for: a waiting statement holds a snapshot, and CREATE INDEX
    CONCURRENTLY of the runner that has the lock would wait for that snapshot to end.
    """
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        row = session.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        if row is not None and row[0]:
            break
        if time.monotonic() > end:
            raise MigrationRefused(
                f"another migration has been running for {_LOCK_SECONDS:g} s: see pg_locks for who holds it"
            )
        time.sleep(0.1)
    try:
        yield
    finally:
        if not session.closed:
            session.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def _recorded(session: Session) -> dict[int, _Row]:
    rows = session.execute("select version, name, sha256, applied_at from schema_migrations order by version")
    return {version: _Row(name, sha256, applied_at) for version, name, sha256, applied_at in rows}


def _verify(migrations: Sequence[Migration], recorded: dict[int, _Row]) -> None:
    files = {migration.version: migration for migration in migrations}
    for version, row in recorded.items():
        found = files.get(version)
        if found is None and version <= len(files):
            raise MigrationRefused(f"migration {row.name} was applied, and its file is missing: put it back")
        if found is not None and found.name != row.name:
            raise MigrationRefused(
                f"migration {version:04d} was applied as {row.name}, and is called {found.name} now: "
                "give it its name back"
            )
        if found is not None and found.sha256 != row.sha256:
            raise MigrationRefused(
                f"migration {found.name} was edited after it was applied (SHA-256 {row.sha256[:12]}... then, "
                f"{found.sha256[:12]}... now): restore the file, and put the change in a new migration"
            )
    for version in range(1, max(recorded, default=0)):
        if version not in recorded:
            raise MigrationRefused(
                f"migration {version:04d} was never applied, though later ones were: a file was added in between, "
                "or rows of schema_migrations are lost"
            )


def _apply(session: Session, url: str, migration: Migration) -> None:
    if migration.concurrent_index is not None:
        _apply_concurrently(url, migration, migration.concurrent_index)
    with _naming(migration), session.transaction():
        if migration.statement_timeout:
            session.execute(
                "select set_config('statement_timeout', %s, true)", (migration.statement_timeout,)
            )
        if migration.concurrent_index is None:
            # without parameters the whole text goes as one simple query: PostgreSQL does the splitting
            session.execute(migration.sql.encode())
        session.execute(
            "insert into schema_migrations (version, name, sha256) values (%s, %s, %s)",
            (migration.version, migration.name, migration.sha256),
        )


def _apply_concurrently(url: str, migration: Migration, index: str) -> None:
    timeout = migration.statement_timeout or _CONCURRENT_TIMEOUT
    # what it waits for are the transactions that began before it, and those end by themselves
    with _session(url, lock_timeout=timeout, statement_timeout=timeout) as session:
        if _validity(session, index) is False:
            _drop_invalid(session, index)
        if _validity(session, index):
            return  # built by an attempt that was interrupted before it could be recorded
        try:
            with _naming(migration):
                session.execute(migration.sql.encode())
        except MigrationFailed:
            if not session.closed and _validity(session, index) is False:
                _drop_invalid(session, index)
            raise


def _validity(session: Session, index: str) -> bool | None:
    """Whether the index is valid; None when there is none."""
    row = session.execute(
        "select indisvalid from pg_index where indexrelid = to_regclass(%s)", (index,)
    ).fetchone()
    return bool(row[0]) if row else None


def _drop_invalid(session: Session, index: str) -> None:
    # the name stands in the file as an identifier already, quoted where it has to be
    session.execute(f"drop index concurrently if exists {index}".encode())


@contextmanager
def _naming(migration: Migration) -> Iterator[None]:
    """Say in which file, and where in it, a statement failed."""
    try:
        yield
    except psycopg.Error as error:
        where = ""
        if error.diag.statement_position and error.diag.internal_query is None:
            line = migration.sql.count("\n", 0, int(error.diag.statement_position) - 1) + 1
            where = f" line {line}"
        raise MigrationFailed(
            f"migration {migration.name}{where}: {error.diag.message_primary or error} "
            f"({error.sqlstate or 'connection lost'}); nothing of this file was kept"
        ) from error
