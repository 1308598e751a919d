"""Migration files are judged before anything touches a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from nyxcore.db.migration_files import read
from nyxcore.db.schema import DIRECTORY, names
from nyxcore.errors import InvalidInput


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name.removeprefix('m')}.sql").write_text(text)
    return tmp_path


def test_the_migrations_of_this_project_are_in_order() -> None:
    assert [migration.version for migration in read(DIRECTORY)] == list(range(1, len(names()) + 1))


def test_a_file_is_read_with_its_number_name_and_text(tmp_path) -> None:
    (migration,) = read(folder(tmp_path, m0001_first="create table a ();"))
    assert (migration.version, migration.name, migration.sql) == (1, "0001_first", "create table a ();")
    assert migration.statement_timeout is None
    assert migration.concurrent_index is None


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"m0002_second": "select 1"}, "migration 0001 is missing: 0002_second follows a gap"),
        ({"m0001_a": "select 1", "m0003_c": "select 1"}, "migration 0002 is missing: 0003_c follows a gap"),
        (
            {"m0001_a": "select 1", "m0001_b": "select 1"},
            "two migrations have the number 0001: 0001_a, 0001_b",
        ),
        ({"m1_a": "select 1"}, "1_a.sql is no name of a migration"),
        ({"m0001_A": "select 1"}, "0001_A.sql is no name of a migration"),
        ({"m0001_a": "-- nothing yet\n"}, "0001_a holds no statement"),
        ({"m0001_a": "select 1;\ndrop table a;"}, "0001_a line 2: DROP TABLE is destructive"),
        ({"m0001_a": "select 1;\n\ncommit;"}, "0001_a line 3: COMMIT is the runner's business"),
        ({"m0001_a": "select 'open"}, "migration 0001_a: line 1: the quote"),
        ({"m0001_a": "create index concurrently i on t (x)"}, "CONCURRENTLY needs the header"),
        ({"m0001_a": "-- no-transaction\ncreate index i on t (x)"}, "holds one CREATE INDEX CONCURRENTLY"),
        ({"m0001_a": "-- no-transaction\ncreate index concurrently on t (x)"}, "with a name"),
        (
            {"m0001_a": "-- no-transaction\ncreate index concurrently i on t (x); select 1"},
            "holds one CREATE INDEX CONCURRENTLY",
        ),
    ],
)
def test_a_file_that_cannot_be_a_migration_is_refused_with_its_name(tmp_path, files, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(folder(tmp_path, **files))


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("create index concurrently slow on t (x)", "slow"),
        ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS slow ON t (x)", "slow"),
        ('create index concurrently "Slow one" on t (x)', '"Slow one"'),
    ],
)
def test_a_concurrent_index_is_known_by_its_name(tmp_path, statement: str, index: str) -> None:
    (migration,) = read(
        folder(tmp_path, m0001_a=f"-- no-transaction\n-- statement-timeout: 2h\n{statement};\n")
    )
    assert migration.concurrent_index == index
    assert migration.statement_timeout == "2h"


def test_a_header_after_the_first_statement_is_only_a_remark(tmp_path) -> None:
    (migration,) = read(folder(tmp_path, m0001_a="select 1;\n-- statement-timeout: 2h\nselect 2;"))
    assert migration.statement_timeout is None
