"""Connections, and transactions that belong to one tenant.

The tenant is a property of the transaction: `set_config('app.tenant_id', ..., true)` right after BEGIN.
Nothing ever writes a session setting, so that neither a pool nor RDS Proxy can hand one tenant's
context to another. Row-level security does the rest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from nyxcore.db.iam_token import with_token
from nyxcore.errors import DatabaseUnavailable
from nyxcore.settings import DatabaseAuth, settings

if TYPE_CHECKING:
    from psycopg.abc import RV, PQGen
    from psycopg_pool import ConnectionPool

type Connection = psycopg.Connection[DictRow]

# prepare_threshold=None: a prepared statement pins a session of RDS Proxy. tcp_user_timeout, in ms: a server that
# has vanished is noticed, which TCP by itself takes a quarter of an hour for.
_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": None,
    "row_factory": dict_row,
    "tcp_user_timeout": 10_000,
}
_TENANT = "select set_config('app.tenant_id', %s, true)"
_NOT_DURABLE = "set_config('synchronous_commit', 'off', true)"
_TIMEOUT = "set_config('statement_timeout', %s, true)"
_WAIT_SECONDS = 10.0
_CONNECT_SECONDS = 5
# on a new connection of the pool: whoever needs one next tries at once, not when a growing backoff says so
_GIVE_UP_SECONDS = 2.0

_patience: ContextVar[float] = ContextVar("patience", default=_WAIT_SECONDS)
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def impatient(seconds: float) -> Iterator[None]:
    """In this block a transaction waits at most about so long (2 s at least) for a connection, not 10 s."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


@contextmanager
def answered_by(deadline: float) -> Iterator[None]:
    """In this block a database that has not answered at `deadline`, of `time.monotonic`, is given up.

    A server that hangs refuses nothing, and answers no cancel either: the connection that waits for it is closed, and
    its transaction ends with DatabaseUnavailable. A statement that waits in the server (for a lock, say) is
    ended there as well, so that it does not outlive whoever asked.
    """
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


class _Connection(psycopg.Connection[DictRow]):
    """A connection that keeps the deadline of `answered_by`."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer, and at the deadline close the connection: it will never be of use again."""
        deadline = _deadline.get()
        if deadline is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, max(0.0, deadline - time.monotonic()))
        except psycopg.OperationalError:
            if time.monotonic() >= deadline:
                self.close()
            raise


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

        Raises DatabaseUnavailable.
        """
        return _connect(self._conninfo(), **_OPTIONS, connect_timeout=_seconds_to_connect())

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
        _time_left()
        with self._pooled() if self._pool_size else self._alone() as connection:
            try:
                with connection.transaction():
                    _set_up(connection, tenant, durable=durable)
                    yield connection
            except psycopg.OperationalError as error:
                if not connection.closed:
                    raise
                raise DatabaseUnavailable(f"the database connection was lost: {_words(error)}") from error

    @contextmanager
    def _pooled(self) -> Iterator[Connection]:
        from psycopg_pool import PoolTimeout

        pool, patience = self._open_pool(), _time_left()
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
                    connection_class=_Connection,
                    kwargs=_OPTIONS | {"connect_timeout": _CONNECT_SECONDS},
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
            seconds = _seconds_to_connect()
            self._connection = _connect(self._conninfo(), **_OPTIONS, connect_timeout=seconds)
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
    return _connected(psycopg.Connection[Any], url, options)


def _connect(url: str, **options: Any) -> Connection:
    """A connection for transactions of tenants, which keeps the deadline of `answered_by`."""
    return _connected(_Connection, url, options)


def _connected[C: psycopg.Connection[Any]](kind: type[C], url: str, options: dict[str, Any]) -> C:
    try:
        return kind.connect(url, **{"autocommit": True, "connect_timeout": _CONNECT_SECONDS, **options})
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"the database cannot be reached: {_words(error)}") from error


def begin_for(
    connection: Connection, tenant_id: UUID, mode: Literal["read only", "read write"], seconds: float
) -> None:
    """Open a tenant's transaction in a pipeline, where `Connection.transaction` would wait for answers.

    The server ends a statement of it that takes longer than `seconds`.
    """
    connection.execute(f"begin {mode}")
    connection.execute(f"{_TENANT}, {_TIMEOUT}", (str(tenant_id), f"{seconds * 1000:.0f}"))


def end_of(connection: Connection) -> None:
    """Close the transaction that `begin_for` opened."""
    connection.execute("commit")


def _set_up(connection: Connection, tenant: str, *, durable: bool) -> None:
    """Say whose the transaction is, and what else belongs to it; one round trip."""
    parts, values = [_TENANT], [tenant]
    if not durable:
        parts.append(_NOT_DURABLE)
    if (deadline := _deadline.get()) is not None:
        parts.append(_TIMEOUT)
        values.append(str(max(1, int((deadline - time.monotonic()) * 1000))))
    connection.execute(", ".join(parts), values)


def _time_left() -> float:
    """Seconds that may be waited for the database; raises DatabaseUnavailable when there are none."""
    deadline = _deadline.get()
    if deadline is None:
        return _patience.get()
    left = deadline - time.monotonic()
    if left <= 0:
        raise DatabaseUnavailable("the database has not answered in time")
    return min(_patience.get(), left)


def _seconds_to_connect() -> int:
    return min(_CONNECT_SECONDS, ceil(_time_left()))


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
