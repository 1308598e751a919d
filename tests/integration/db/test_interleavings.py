"""Two connections, many tenants, everything that can go wrong in between: a transaction never sees a stale tenant."""

from __future__ import annotations

import collections
import random
from contextlib import AbstractContextManager
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from nyxcore.db.connection import Connection, Database
from nyxcore.errors import DatabaseUnavailable
from nyxcore.ids import uuid7

INTERLEAVINGS = 10_000
NOBODY = None


class Fault(Exception):
    """Raised inside a block, as a bug in a service would be."""


class Session:
    """One open transaction, and what its tenant may see."""

    def __init__(self, database: Database, tenant: UUID | None) -> None:
        self.tenant = tenant
        self._manager: AbstractContextManager[Connection] = (
            database.tenantless() if tenant is NOBODY else database.transaction(tenant)
        )
        self.connection = self._manager.__enter__()

    def end(self, error: BaseException | None = None) -> None:
        """Leave the block, by its end or by an error; the error is raised on unless the block eats it."""
        if error is None:
            self._manager.__exit__(None, None, None)
        elif not self._manager.__exit__(type(error), error, error.__traceback__):
            raise error

    def sees(self) -> tuple[str, list[str]]:
        row = self.connection.execute(
            "select current_setting('app.tenant_id', true) as tenant,"
            " (select coalesce(array_agg(name), '{}') from tenant_settings) as names"
        ).fetchone()
        assert row is not None
        return row["tenant"], row["names"]


def _look(session: Session, names: dict[UUID | None, list[str]]) -> None:
    expected = ("" if session.tenant is NOBODY else str(session.tenant), names[session.tenant])
    assert session.sees() == expected


def _commit(session: Session) -> None:
    session.end()


def _exception(session: Session) -> None:
    with pytest.raises(Fault):
        session.end(Fault())


def _aborted(session: Session) -> None:
    with pytest.raises(errors.DivisionByZero) as raised:
        session.connection.execute("select 1 / 0")
    with pytest.raises(errors.DivisionByZero):
        session.end(raised.value)


def _abort_that_is_swallowed(session: Session) -> None:
    """The block catches the error and ends as if nothing were wrong: the COMMIT becomes a rollback."""
    with pytest.raises(errors.DivisionByZero):
        session.connection.execute("select 1 / 0")
    session.end()


def _savepoint_rolled_back(session: Session) -> None:
    with pytest.raises(errors.UndefinedTable), session.connection.transaction():
        session.connection.execute("select set_config('app.tenant_id', %s, true)", (str(uuid7()),))
        session.connection.execute("select * from no_such_table")
    session.end()


def _timeout(session: Session) -> None:
    session.connection.execute("set local statement_timeout = '1ms'")
    with pytest.raises(errors.QueryCanceled) as raised:
        session.connection.execute("select pg_sleep(1)")
    with pytest.raises(errors.QueryCanceled):
        session.end(raised.value)


def _killed(session: Session) -> None:
    with pytest.raises(psycopg.OperationalError) as raised:
        session.connection.execute("select pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(DatabaseUnavailable, match="connection was lost"):
        session.end(raised.value)


def _session_setting(session: Session) -> None:
    """What nothing here may do, and a careless query does: a setting that outlives the transaction."""
    session.connection.execute("select set_config('app.tenant_id', %s, false)", (str(uuid7()),))
    session.end()


def _ended_by_hand(session: Session) -> None:
    """COMMIT as a statement: what follows has no transaction, and so no tenant."""
    session.connection.execute("commit")
    assert session.sees()[1] == []
    session.end()


# outcome -> how often, in a thousand
OUTCOMES = {
    _commit: 500,
    _exception: 140,
    _aborted: 140,
    _abort_that_is_swallowed: 60,
    _savepoint_rolled_back: 100,
    _session_setting: 30,
    _ended_by_hand: 15,
    _timeout: 8,
    _killed: 7,
}


@pytest.fixture
def tenants(database_urls) -> dict[UUID | None, list[str]]:
    """Tenant -> the names that its transactions see."""
    names: dict[UUID | None, list[str]] = {uuid7(): [f"tenant {number}"] for number in range(5)}
    with psycopg.connect(database_urls.owner_url) as connection:
        for tenant, (name,) in names.items():
            connection.execute("insert into tenants (id) values (%s)", (tenant,))
            connection.execute("select set_config('app.tenant_id', %s, true)", (str(tenant),))
            connection.execute(
                "insert into tenant_settings (tenant_id, name) values (%s, %s)", (tenant, name)
            )
    return names | {NOBODY: []}


def test_random_interleavings_over_two_connections_show_no_stale_tenant(
    postgres, database_urls, tenants
) -> None:
    chance = random.Random(20261123)
    database = Database(database_urls.app_url, pool_size=2)
    open_: list[Session] = []
    happened: collections.Counter[str] = collections.Counter()
    backends: set[int] = set()
    try:
        while happened.total() < INTERLEAVINGS or open_:
            if len(open_) < 2 and happened.total() + len(open_) < INTERLEAVINGS and chance.random() < 0.6:
                open_.append(Session(database, chance.choice(list(tenants))))
                backends.add(open_[-1].connection.info.backend_pid)
            elif open_:
                session = chance.choice(open_)
                _look(session, tenants)
                if chance.random() < 0.8:
                    open_.remove(session)
                    outcome = chance.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
                    happened[outcome.__name__] += 1
                    outcome(session)
    finally:
        for session in open_:
            session.connection.close()
        database.close()
    assert happened.total() == INTERLEAVINGS
    assert happened.keys() == {outcome.__name__ for outcome in OUTCOMES}
    assert len(backends) == 2 + happened["_killed"], "every connection but the killed ones was used again"
