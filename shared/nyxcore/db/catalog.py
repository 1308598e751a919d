"""The drift check: what the live catalog holds, against the snapshot that is committed beside the migrations.

A schema tool that silently drops a vector column or its HNSW index, row-level security switched off for a moment
and never on again, a grant that was given by hand: each is a difference with a name here.

Not looked at: storage and compression of columns, statistics targets, casts, operators, collations, text search
configurations, foreign servers, and event triggers of a superuser (a managed service has some of its own).

After a new migration: `python -m nyxcore.db.catalog --write URL`, and read the diff of snapshot.json.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from nyxcore.db.connection import connect_once
from nyxcore.errors import NyxError

SNAPSHOT = Path(__file__).with_name("snapshot.json")
_QUERY = Path(__file__).with_name("catalog.sql")

# scope (a table, or "roles", "schemas", ...) -> object -> definition
type Catalog = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Difference:
    """One object that is not as the snapshot says.

    `table` is a table's name, or the kind of thing outside of tables (`roles`, `functions`, ...). `expected` is
    None for an object that should not be there, `actual` for one that is missing.
    """

    table: str
    object: str
    expected: str | None
    actual: str | None

    def __str__(self) -> str:
        expected = "nothing" if self.expected is None else self.expected
        actual = "it is missing" if self.actual is None else f"found {self.actual}"
        return f"{self.table}: {self.object}: expected {expected}; {actual}"


def read(url: str) -> Catalog:
    """The catalog of a live database, in the form of the snapshot.

    Raises
    ------
    DatabaseUnavailable : no connection.
    """
    with connect_once(url) as connection, connection.transaction():
        connection.execute("set transaction read only")
        return read_within(connection)


def read_within(connection: psycopg.Connection[Any]) -> Catalog:
    """The catalog as the open transaction of a connection sees it, uncommitted changes of its own included.

    Its `search_path` is `public` afterwards, to the end of the transaction.
    """
    catalog: Catalog = {}
    # names are written with their schema unless it is `public`, whatever the role's own search_path is
    connection.execute("select set_config('search_path', 'public', true)")
    with connection.cursor(row_factory=tuple_row) as cursor:
        for scope, name, definition in cursor.execute(_QUERY.read_bytes()):
            if catalog.setdefault(scope, {}).setdefault(name, definition) != definition:
                raise NyxError(f"the catalog query names {scope}: {name} twice; make the name unambiguous")
    return catalog


def snapshot(path: Path = SNAPSHOT) -> Catalog:
    """The committed catalog."""
    catalog: Catalog = json.loads(path.read_text(encoding="utf-8"))
    return catalog


def write(catalog: Catalog, path: Path = SNAPSHOT) -> None:
    """Write a catalog as the snapshot, ordered so that a change of one object is a change of one line."""
    path.write_text(
        json.dumps(catalog, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def compare(expected: Catalog, actual: Catalog) -> list[Difference]:
    """Every object that is missing, is too much or is otherwise defined, by scope and name.

    A table that is missing as a whole is one difference, not one for each of its columns.
    """
    differences = []
    for scope in sorted(expected.keys() | actual.keys()):
        wanted, found = expected.get(scope, {}), actual.get(scope, {})
        if "table" in wanted and not found:
            differences.append(Difference(scope, "table", wanted["table"], None))
            continue
        if "table" in found and not wanted:
            differences.append(Difference(scope, "table", None, found["table"]))
            continue
        differences += [
            Difference(scope, name, wanted.get(name), found.get(name))
            for name in sorted(wanted.keys() | found.keys())
            if wanted.get(name) != found.get(name)
        ]
    return differences


def check(url: str) -> list[Difference]:
    """What differs between the live database and the snapshot; empty when nothing does.

    Raises
    ------
    DatabaseUnavailable : no connection.
    """
    return compare(snapshot(), read(url))


def main(arguments: list[str]) -> int:
    """`python -m nyxcore.db.catalog --write URL`: take the snapshot from a database that was just migrated."""
    if len(arguments) != 2 or arguments[0] != "--write":
        sys.stderr.write("usage: python -m nyxcore.db.catalog --write URL-OF-A-FRESHLY-MIGRATED-DATABASE\n")
        return 2
    write(read(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
