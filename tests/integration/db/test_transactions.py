"""Transactions of a tenant: what they see, and what happens when the connection, or the caller, misbehaves."""

from __future__ import annotations

import threading

import psycopg
import pytest
from psycopg import errors

from nyxcore.db.connection import Database
from nyxcore.errors import DatabaseUnavailable
from nyxcore.ids import uuid7

COUNT = "select count(*) as n from tenant_settings"


def pid(connection) -> int:
    return connection.info.backend_pid


@pytest.fixture(params=[0, 2], ids=["one connection", "pool"])
def either(request, database_urls):
    database = Database(database_urls.app_url, pool_size=request.param)
    yield database
    database.close()


def test_a_row_is_seen_by_its_own_tenant_and_by_no_other(either, new_tenant) -> None:
    mine, other = new_tenant(), new_tenant()
    for tenant in (mine, other):
        with either.transaction(tenant) as connection:
            rows = connection.execute("select tenant_id from tenant_settings").fetchall()
        assert rows == [{"tenant_id": tenant}]
    with either.tenantless() as connection:
        assert connection.execute(COUNT).fetchone() == {"n": 0}
        assert connection.execute("select count(*) as n from tenants").fetchone() == {"n": 2}


def test_a_block_that_ends_is_kept_and_one_that_raises_is_not(either, new_tenant) -> None:
    tenant = new_tenant()
    with either.transaction(tenant) as connection:
        connection.execute("update tenant_settings set name = 'kept'")
    with pytest.raises(ZeroDivisionError), either.transaction(tenant) as connection:
        connection.execute("update tenant_settings set name = 'undone'")
        raise ZeroDivisionError
    with either.transaction(tenant) as connection:
        assert connection.execute("select name from tenant_settings").fetchone() == {"name": "kept"}


def test_a_lost_connection_is_reported_as_unavailable_and_replaced(either, new_tenant, superuser) -> None:
    tenant = new_tenant()
    with (
        pytest.raises(DatabaseUnavailable, match="connection was lost"),
        either.transaction(tenant) as connection,
    ):
        superuser.execute("select pg_terminate_backend(%s, 10000)", (pid(connection),))
        connection.execute(COUNT)
    with either.transaction(tenant) as connection:
        assert connection.execute(COUNT).fetchone() == {"n": 1}


def test_a_connection_that_the_server_dropped_while_idle_is_replaced_unseen(
    either, new_tenant, superuser
) -> None:
    tenant = new_tenant()
    with either.transaction(tenant) as connection:
        before = pid(connection)
    superuser.execute("select pg_terminate_backend(%s, 10000)", (before,))
    with either.transaction(tenant) as connection:
        assert pid(connection) != before
        assert connection.execute(COUNT).fetchone() == {"n": 1}


def test_a_statement_that_takes_too_long_is_no_lost_connection(either, new_tenant) -> None:
    with pytest.raises(errors.QueryCanceled), either.transaction(new_tenant()) as connection:
        connection.execute("set local statement_timeout = '1ms'")
        connection.execute("select pg_sleep(5)")


def test_a_closed_database_opens_again(either, new_tenant) -> None:
    tenant = new_tenant()
    with either.transaction(tenant) as connection:
        before = pid(connection)
    either.close()
    with either.transaction(tenant) as connection:
        assert pid(connection) != before


def test_a_transaction_inside_another_one_is_refused(db, new_tenant) -> None:
    outer, inner = new_tenant(), new_tenant()
    with db.transaction(outer) as connection:
        with pytest.raises(RuntimeError, match="open in this thread already"), db.transaction(inner):
            pass
        rows = connection.execute("select tenant_id from tenant_settings").fetchall()
        assert rows == [{"tenant_id": outer}]


def test_threads_take_turns_on_the_one_connection(db, new_tenant) -> None:
    tenant, seen = new_tenant(), []

    def work() -> None:
        with db.transaction(tenant) as connection:
            seen.append((pid(connection), connection.execute(COUNT).fetchone()["n"]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert len({backend for backend, _ in seen}) == 1
    assert {count for _, count in seen} == {1}


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_database_that_lets_nobody_in_is_unavailable(database_urls, password: str) -> None:
    url = psycopg.conninfo.make_conninfo(database_urls.app_url, password=password)
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"), Database(url).tenantless():
        pass


def test_the_app_is_held_to_its_limits_without_any_session_setting(db) -> None:
    with db.transaction(uuid7()) as connection:
        row = connection.execute(
            "select current_setting('statement_timeout') as a,"
            " current_setting('idle_in_transaction_session_timeout') as b"
        ).fetchone()
    assert row == {"a": "30s", "b": "1min"}


@pytest.mark.parametrize(
    "statement",
    [
        "truncate runs",
        "create table mine (id int)",
        "create temporary table mine (id int)",
        "alter table runs disable row level security",
        "alter table runs no force row level security",
        "drop policy tenant_isolation on runs",
        "create policy all_of_it on runs using (true)",
        "set session authorization nyx_owner",
        "set role nyx_owner",
        "insert into tenants (id) values (gen_random_uuid())",
        "delete from tenants",
        "update schema_migrations set name = ''",
        "delete from schema_migrations",
    ],
)
def test_the_app_cannot_step_out_of_its_role(db, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege), db.transaction(uuid7()) as connection:
        connection.execute(statement)


def test_switching_row_security_off_is_an_error_and_no_way_out(db, new_tenant) -> None:
    new_tenant()
    with (
        pytest.raises(errors.InsufficientPrivilege, match="row-level security"),
        db.transaction(uuid7()) as connection,
    ):
        connection.execute("set local row_security = off")
        connection.execute("select * from tenant_settings")
