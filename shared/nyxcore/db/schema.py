"""The schema that this code needs, told by the names of its migrations alone.

Apart from the runner, because every function asks this and none of them migrates: reading and judging the files
costs each cold start 10 to 20 ms of CPU.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import tuple_row

from nyxcore.errors import InvalidInput, SchemaOutdated

DIRECTORY = Path(__file__).with_name("migrations")

_NAME = re.compile(r"(?P<version>\d{4})_[a-z0-9_]+\.sql")
_verified: set[tuple[str, int, str]] = set()


def names(directory: Path = DIRECTORY) -> dict[int, str]:
    """Number to name of every migration, in order; opens no file.

    Raises
    ------
    InvalidInput : a name that is none of a migration, a number twice, or a gap.
    """
    found: dict[int, str] = {}
    for path in sorted(directory.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise InvalidInput(f"{path.name} is no name of a migration: NNNN_lower_case_words.sql")
        version = int(match["version"])
        if version in found:
            raise InvalidInput(f"two migrations have the number {version:04d}: {found[version]}, {path.stem}")
        found[version] = path.stem
    for expected, version in enumerate(found, start=1):
        if version != expected:
            raise InvalidInput(f"migration {expected:04d} is missing: {found[version]} follows a gap")
    return found


def require_schema(connection: psycopg.Connection[Any], *, directory: Path = DIRECTORY) -> None:
    """Refuse to go on with a schema older than this code: one query, asked once a database and process.

    A newer schema is fine: migrations come first, code follows (expand, deploy, contract).

    Raises
    ------
    SchemaOutdated : names the first migration that is missing.
    """
    database = (connection.info.host, connection.info.port, connection.info.dbname)
    if database in _verified:
        return
    wanted = names(directory)
    try:
        with connection.cursor(row_factory=tuple_row) as cursor:
            present = {row[0] for row in cursor.execute("select version from schema_migrations")}
    except (errors.UndefinedTable, errors.InsufficientPrivilege):
        present = set()
    missing = [name for version, name in wanted.items() if version not in present]
    if missing:
        raise SchemaOutdated(
            f"the database's schema lacks the migration {missing[0]} ({len(missing)} in all):"
            " run `nyx db migrate` before this version of the code",
            missing=missing,
        )
    _verified.add(database)
