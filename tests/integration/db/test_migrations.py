"""The runner: upgrades, interruptions, two at once, files that were tampered with."""

from __future__ import annotations

import hashlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from nyxcore.db import catalog
from nyxcore.db import migrate as runner
from nyxcore.db.migrate import MigrationFailed, MigrationRefused, migrate, status
from nyxcore.db.roles import bootstrap
from nyxcore.db.schema import DIRECTORY, names, require_schema
from nyxcore.errors import DatabaseUnavailable, SchemaOutdated

NAMES = list(names().values())


@pytest.fixture
def folder(tmp_path) -> Path:
    """A copy of the migrations, to add to and to tamper with."""
    return Path(shutil.copytree(DIRECTORY, tmp_path / "migrations"))


def add(folder: Path, sql: str, name: str = "more") -> str:
    number = len(list(folder.glob("*.sql"))) + 1
    (folder / f"{number:04d}_{name}.sql").write_text(sql)
    return f"{number:04d}_{name}"


def recorded(url: str) -> list[str]:
    return [row.name for row in status(url) if row.applied_at is not None]


def wait_for_blocked_runner(superuser: psycopg.Connection) -> int:
    """The process id of a runner's backend that waits for a lock."""
    for _ in range(500):
        superuser.execute("select pg_stat_clear_snapshot(), pg_sleep(0.02)")
        row = superuser.execute(
            "select pid from pg_stat_activity where application_name = 'nyxcore migrate'"
            " and datname = current_database() and wait_event_type = 'Lock'"
        ).fetchone()
        if row:
            return row[0]
    raise AssertionError("no runner came to wait for a lock")


def test_an_empty_database_gets_every_migration_once_and_is_as_the_snapshot_says(empty_urls) -> None:
    assert migrate(empty_urls.owner_url) == NAMES
    assert migrate(empty_urls.owner_url) == []
    assert catalog.check(empty_urls.owner_url) == []
    with psycopg.connect(empty_urls.app_url) as connection:
        rows = connection.execute("select name, sha256 from schema_migrations order by version").fetchall()
    assert rows == [
        (name, hashlib.sha256((DIRECTORY / f"{name}.sql").read_bytes()).hexdigest()) for name in NAMES
    ]


@pytest.mark.parametrize("earlier", range(1, len(NAMES)))
def test_a_database_of_any_earlier_version_is_upgraded_to_the_same_schema(
    empty_urls, folder: Path, earlier: int
) -> None:
    for name in NAMES[earlier:]:
        (folder / f"{name}.sql").rename(folder / f"{name}.later")
    assert migrate(empty_urls.owner_url, directory=folder) == NAMES[:earlier]
    assert migrate(empty_urls.owner_url) == NAMES[earlier:]
    assert catalog.check(empty_urls.owner_url) == []


def test_a_failing_migration_leaves_nothing_of_itself_and_all_of_the_earlier_ones(
    database_urls, folder: Path
) -> None:
    good = add(folder, "create table good ();")
    add(folder, "create table bad ();\n\nselect no_such_column\nfrom runs;")
    with pytest.raises(
        MigrationFailed, match=r"more line 3: column \"no_such_column\" does not exist \(42703\)"
    ):
        migrate(database_urls.owner_url, directory=folder)
    assert recorded(database_urls.owner_url) == [*NAMES, good]
    assert {found.table for found in catalog.check(database_urls.owner_url)} == {"good"}


def test_a_migration_whose_connection_is_killed_is_undone_and_can_be_run_again(
    database_urls, folder: Path, superuser
) -> None:
    name = add(folder, "create table half (); lock table runs; create table whole ();")
    with ThreadPoolExecutor(1) as pool, superuser.transaction():
        superuser.execute("lock table runs in access share mode")
        running = pool.submit(migrate, database_urls.owner_url, directory=folder)
        superuser.execute("select pg_terminate_backend(%s)", (wait_for_blocked_runner(superuser),))
        with pytest.raises(MigrationFailed, match=name):
            running.result()
    assert recorded(database_urls.owner_url) == NAMES
    assert catalog.check(database_urls.owner_url) == []
    assert migrate(database_urls.owner_url, directory=folder) == [name]


def test_a_migration_does_not_queue_before_a_busy_table(
    database_urls, folder: Path, superuser, monkeypatch
) -> None:
    monkeypatch.setattr(runner, "_LOCK_TIMEOUT", "50ms")
    add(folder, "alter table runs add note text;")
    with superuser.transaction():
        superuser.execute("lock table runs in access share mode")
        with pytest.raises(MigrationFailed, match=r"lock timeout \(55P03\)"):
            migrate(database_urls.owner_url, directory=folder)


def test_a_migration_may_take_only_as_long_as_its_header_says(database_urls, folder: Path) -> None:
    add(folder, "-- statement-timeout: 20ms\nselect pg_sleep(10);")
    with pytest.raises(MigrationFailed, match=r"statement timeout \(57014\)"):
        migrate(database_urls.owner_url, directory=folder)


def test_of_two_runners_at_once_one_does_everything_and_the_other_nothing(empty_urls) -> None:
    start = threading.Barrier(2)

    def run() -> list[str]:
        start.wait()
        return migrate(empty_urls.owner_url)

    with ThreadPoolExecutor(2) as pool:
        outcomes = [future.result() for future in [pool.submit(run), pool.submit(run)]]
    assert sorted(outcomes) == [[], NAMES]


def test_a_second_runner_gives_up_with_a_reason_when_the_first_never_ends(
    database_urls, monkeypatch, superuser
) -> None:
    monkeypatch.setattr(runner, "_LOCK_SECONDS", 0.0)
    superuser.execute("select pg_advisory_lock(%s)", (runner._LOCK,))
    with pytest.raises(MigrationRefused, match="another migration"):
        migrate(database_urls.owner_url)


CONCURRENT = "-- no-transaction\ncreate index concurrently runs_phase on runs (tenant_id, phase);\n"


def test_an_index_is_built_concurrently_while_a_second_runner_waits(
    database_urls, folder: Path, superuser
) -> None:
    name = add(folder, CONCURRENT)
    with ThreadPoolExecutor(2) as pool:
        with superuser.transaction():
            superuser.execute("lock table runs in row exclusive mode")
            runners = [pool.submit(migrate, database_urls.owner_url, directory=folder) for _ in range(2)]
            wait_for_blocked_runner(superuser)
        outcomes = [future.result() for future in runners]
    assert sorted(outcomes) == [[], [name]]
    assert [found.object for found in catalog.check(database_urls.owner_url)] == ["index runs_phase"]


def test_the_invalid_index_of_a_killed_build_is_dropped_and_built_again(
    database_urls, folder: Path, superuser
) -> None:
    name = add(folder, CONCURRENT)
    with ThreadPoolExecutor(1) as pool, superuser.transaction():
        superuser.execute("lock table runs in row exclusive mode")
        running = pool.submit(migrate, database_urls.owner_url, directory=folder)
        superuser.execute("select pg_terminate_backend(%s)", (wait_for_blocked_runner(superuser),))
        with pytest.raises(MigrationFailed, match=name):
            running.result()
    assert "invalid" in str(catalog.check(database_urls.owner_url))
    assert recorded(database_urls.owner_url) == NAMES
    assert migrate(database_urls.owner_url, directory=folder) == [name]
    assert "invalid" not in str(catalog.check(database_urls.owner_url))


def test_an_index_that_cannot_be_built_is_not_left_behind(database_urls, folder: Path, superuser) -> None:
    superuser.execute("insert into tenants (id) select gen_random_uuid() from generate_series(1, 2)")
    add(folder, "-- no-transaction\ncreate unique index concurrently one_only on tenants ((true));\n")
    with pytest.raises(MigrationFailed, match="could not create unique index"):
        migrate(database_urls.owner_url, directory=folder)
    assert catalog.check(database_urls.owner_url) == []


def test_an_index_that_was_built_but_never_recorded_is_taken_as_it_is(
    database_urls, folder: Path, superuser
) -> None:
    name = add(folder, CONCURRENT)
    superuser.execute("create index runs_phase on runs (tenant_id, phase)")
    assert migrate(database_urls.owner_url, directory=folder) == [name]


def test_an_edited_migration_is_refused_with_its_name(database_urls, folder: Path) -> None:
    path = folder / f"{NAMES[1]}.sql"
    path.write_text(path.read_text() + "\n-- one more remark\n")
    with pytest.raises(MigrationRefused, match=f"{NAMES[1]} was edited after it was applied"):
        migrate(database_urls.owner_url, directory=folder)
    assert [row.state for row in status(database_urls.owner_url, directory=folder)][:3] == [
        "applied",
        "edited",
        "applied",
    ]


def test_other_line_ends_are_no_edit(database_urls, folder: Path) -> None:
    for path in folder.glob("*.sql"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(database_urls.owner_url, directory=folder) == []


def test_a_renamed_migration_is_refused_with_both_names(database_urls, folder: Path) -> None:
    (folder / f"{NAMES[1]}.sql").rename(folder / "0002_walks.sql")
    with pytest.raises(MigrationRefused, match=f"applied as {NAMES[1]}, and is called 0002_walks now"):
        migrate(database_urls.owner_url, directory=folder)


def test_a_row_that_is_lost_from_the_record_is_refused(database_urls, superuser) -> None:
    superuser.execute("delete from schema_migrations where version = 2")
    with pytest.raises(MigrationRefused, match="0002 was never applied, though later ones were"):
        migrate(database_urls.owner_url)


def test_code_that_is_older_than_the_schema_runs_on_it(database_urls, folder: Path) -> None:
    newer = add(folder, "create table later ();")
    migrate(database_urls.owner_url, directory=folder)
    assert migrate(database_urls.owner_url) == []
    assert [row.state for row in status(database_urls.owner_url)][-1] == "unknown"
    with psycopg.connect(database_urls.app_url) as connection:
        require_schema(connection)
    assert recorded(database_urls.owner_url)[-1] == newer


def test_code_refuses_a_schema_that_lacks_a_migration_and_names_it(database_urls, folder: Path) -> None:
    name = add(folder, "create table later ();")
    with psycopg.connect(database_urls.app_url) as connection:
        with pytest.raises(SchemaOutdated, match=f"lacks the migration {name} "):
            require_schema(connection, directory=folder)
        migrate(database_urls.owner_url, directory=folder)
        require_schema(connection, directory=folder)


def test_code_refuses_a_database_without_any_migration(empty_urls) -> None:
    with psycopg.connect(empty_urls.app_url) as connection, pytest.raises(SchemaOutdated, match=NAMES[0]):
        require_schema(connection)


def test_a_schema_that_was_found_good_is_not_asked_for_again(database_urls, superuser) -> None:
    with psycopg.connect(database_urls.app_url, autocommit=True) as connection:
        require_schema(connection)
        superuser.execute("drop table schema_migrations")
        require_schema(connection)


def test_the_status_lists_what_is_pending_and_changes_nothing(empty_urls) -> None:
    assert [(row.name, row.state) for row in status(empty_urls.owner_url)] == [
        (name, "pending") for name in NAMES
    ]
    with psycopg.connect(empty_urls.owner_url) as connection:
        assert connection.execute("select to_regclass('schema_migrations')").fetchone() == (None,)


def test_a_bootstrap_can_be_run_again_and_mends_the_roles(postgres, database_urls, superuser) -> None:
    database = superuser.info.dbname
    superuser.execute("alter role nyx_app bypassrls createdb")
    superuser.execute("grant create on schema public to public")
    assert len(catalog.check(database_urls.owner_url)) == 2
    bootstrap(postgres.server.superuser_url, owner_password="owner", app_password="app", database=database)
    assert catalog.check(database_urls.owner_url) == []


def test_a_bootstrap_needs_no_superuser_but_for_the_extension(postgres, superuser) -> None:
    superuser.execute("create role master login createrole createdb password 'master'")
    superuser.execute("grant nyx_owner, nyx_app to master with admin option")
    name = postgres.create(template="template0")
    url = psycopg.conninfo.make_conninfo(postgres.server.superuser_url, user="master", password="master")
    try:
        with psycopg.connect(postgres.urls(name).superuser_url, autocommit=True) as connection:
            connection.execute("create extension vector")  # RDS lets its master user do that
        bootstrap(url, owner_password="owner", app_password="app", database=name)
        assert migrate(postgres.urls(name).owner_url) == NAMES
        assert catalog.check(postgres.urls(name).owner_url) == []
    finally:
        postgres.drop(name)
        superuser.execute("revoke nyx_owner, nyx_app from master cascade")
        superuser.execute("drop owned by master; drop role master")


def test_no_password_goes_to_the_server_in_clear(postgres, superuser) -> None:
    row = superuser.execute("select rolpassword from pg_authid where rolname = 'nyx_app'").fetchone()
    assert row[0].startswith("SCRAM-SHA-256$")


def test_a_database_that_is_not_there_is_unavailable(database_urls) -> None:
    url = psycopg.conninfo.make_conninfo(database_urls.owner_url, dbname="no_such_database")
    with pytest.raises(DatabaseUnavailable, match="no_such_database"):
        migrate(url)
