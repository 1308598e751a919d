"""Connections, and transactions that belong to one tenant.

The tenant is a property of the transaction: `set_config('app.tenant_id', ..., true)` right after BEGIN.
Nothing ever writes a session setting, so that neither a pool nor RDS Proxy can hand one tenant's
context to another. Row-level security does the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from nyxcore.db.iam_token import with_token
from nyxcore.errors import DatabaseUnavailable
from nyxcore.settings import DatabaseAuth, settings

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

type Connection = psycopg.Connection[DictRow]

# prepare_threshold=None: a prepared statement pins a session of RDS Proxy.
_OPTIONS: dict[str, Any] = {"autocommit": True, "prepare_threshold": None, "row_factory": dict_row}
_TENANT = "select set_config('app.tenant_id', %s, true)"
_NOT_DURABLE = "set_config('synchronous_commit', 'off', true)"
_WAIT_SECONDS = 10.0
_CONNECT_SECONDS = 5
# on a new connection of the pool: whoever needs one next tries at once, not when a growing backoff says so
_GIVE_UP_SECONDS = 2.0

_patience: ContextVar[float] = ContextVar("patience", default=_WAIT_SECONDS)


@contextmanager
def impatient(seconds: float) -> Iterator[None]:
    """In this block a transaction waits at most about so long (2 s at least) for a connection, not 10 s."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


class Database:
    """Hands out transactions; one lazy connection a process, or a pool where `pool_size` asks for one.

    With one connection, the threads of a process take turns, and a transaction inside another one is a
    mistake that is reported (it would go on with the inner one's tenant).

    Parameters
    ----------
    url : libpq URL.
    pool_size : 0 for the one connection, else how many the pool may have.
    auth : `password`, which the URL may hold; `iam`: a token that is signed for each new connection.
    """

    def __init__(self, url: str, *, pool_size: int = 0, auth: DatabaseAuth = "password") -> None:
        if not url:
            raise DatabaseUnavailable(
                "no database is configured: set NYX_DATABASE_URL to the URL of role nyx_app"
            )
        self._url = url
        self._auth = auth
        self._pool_size = pool_size
        # not re-entrant, and may be released by another thread than took it: an ASGI server does that
        self._turn = threading.Lock()
        self._holder: int | None = None
        self._connection: Connection | None = None
        self._opening = threading.Lock()
        self._pool: ConnectionPool[Connection] | None = None

    @contextmanager
    def transaction(self, tenant_id: UUID, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that sees and writes this tenant's rows only; commits at the end of the block.

        Parameters
        ----------
        durable : whether the commit waits for the disk. One that does not is lost if the server goes down within
            the next fraction of a second, unless a durable one has followed.

        Raises
        ------
        DatabaseUnavailable : no connection could be had, or it broke in the middle. In the second case
            nothing of the block is kept, unless it was the COMMIT itself that went unanswered.
        RuntimeError : the thread is in a transaction of this database already (one connection only).
        """
        with self._begin(str(tenant_id), durable=durable) as connection:
            yield connection

    @contextmanager
    def tenantless(self) -> Iterator[Connection]:
        """A transaction without a tenant: sees `tenants`, `schema_migrations` and no tenant's row."""
        with self._begin("") as connection:
            yield connection

    def connect(self) -> Connection:
        """A connection apart from the transactions, for a reader that pipelines; the caller closes it.

        A server that has vanished is noticed after 10 s. Raises DatabaseUnavailable.
        """
        return connect_once(self._conninfo(), **_OPTIONS, tcp_user_timeout=10_000)

    def close(self) -> None:
        """Close what is open; the next transaction opens it again."""
        with self._opening:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _begin(self, tenant: str, *, durable: bool = True) -> Iterator[Connection]:
        with self._pooled() if self._pool_size else self._alone() as connection:
            try:
                with connection.transaction():
                    connection.execute(_TENANT if durable else f"{_TENANT}, {_NOT_DURABLE}", (tenant,))
                    yield connection
            except psycopg.OperationalError as error:
                if not connection.closed:
                    raise
                raise DatabaseUnavailable(f"the database connection was lost: {_words(error)}") from error

    @contextmanager
    def _pooled(self) -> Iterator[Connection]:
        from psycopg_pool import PoolTimeout

        pool, patience = self._open_pool(), _patience.get()
        try:
            connection = pool.getconn(timeout=patience)
        except PoolTimeout as error:
            raise DatabaseUnavailable(
                f"no database connection was free or could be made within {patience:g} s: {error}"
            ) from error
        try:
            yield connection
        finally:
            pool.putconn(connection)

    def _open_pool(self) -> ConnectionPool[Connection]:
        from psycopg_pool import ConnectionPool

        with self._opening:
            if self._pool is None:
                self._pool = ConnectionPool(
                    self._conninfo,
                    kwargs=_OPTIONS,
                    min_size=1,
                    max_size=self._pool_size,
                    reconnect_timeout=_GIVE_UP_SECONDS,
                    open=True,
                    check=ConnectionPool.check_connection,
                )
            return self._pool

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        if self._holder == threading.get_ident():
            raise RuntimeError(
                "a transaction is open in this thread already: end it, or pass its connection on"
            )
        with self._turn:
            self._holder = threading.get_ident()
            try:
                yield self._usable()
            finally:
                self._holder = None

    def _usable(self) -> Connection:
        """The one connection: opened when there is none, and again when the server has dropped it meanwhile."""
        # a function that was frozen for hours learns of a restart only by using the connection
        if self._connection is not None and not _answers(self._connection):
            self._connection.close()
            self._connection = None
        if self._connection is None:
            seconds = min(_CONNECT_SECONDS, ceil(_patience.get()))
            self._connection = connect_once(self._conninfo(), **_OPTIONS, connect_timeout=seconds)
        return self._connection

    def _conninfo(self) -> str:
        """What the next new connection is made with."""
        return with_token(self._url) if self._auth == "iam" else self._url


def connect_once(url: str, **options: Any) -> psycopg.Connection[Any]:
    """A connection in autocommit mode, for whoever is no tenant: migrations, checks, the bootstrap.

    Raises
    ------
    DatabaseUnavailable : the database cannot be reached, or does not let this role in.
    """
    try:
        return psycopg.connect(url, **{"autocommit": True, "connect_timeout": _CONNECT_SECONDS, **options})
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"the database cannot be reached: {_words(error)}") from error


def _answers(connection: Connection) -> bool:
    if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
        return False
    try:
        connection.execute("")
    except psycopg.OperationalError:
        return False
    return True


def _words(error: Exception) -> str:
    return " ".join(str(error).split())


_database: Database | None = None
_database_lock = threading.Lock()


def database() -> Database:
    """The database of this process, made on first use from the settings."""
    global _database  # noqa: PLW0603 - the one connection of a Lambda process
    with _database_lock:
        if _database is None:
            found = settings()
            _database = Database(found.database_url, pool_size=found.pool_size, auth=found.database_auth)
        return _database
