"""The one poller of a process: however many streams are open, one round trip a tick serves them all.

Every tick asks for all streams that are due, a read-only transaction a tenant under its row-level security,
all of them in one pipeline. A stream is due often while its run writes (every `FAST` seconds) and seldom
while it is quiet (every `SLOW`); what is due at the same pace is due at the same instants, so that quiet
streams share their round trips. A stream that is opened waits for the next of them, since its opening has just read
what there is. A stream that has not taken its last rows is not asked for, so that a slow
client costs one batch of memory and no more. What streams that have ended held (`nyxcore.leases`) is given back
on the same way, at the latest with the next half second's.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

import psycopg
from psycopg.errors import QueryCanceled

from nyxcore import clock
from nyxcore.db.connection import Connection, answered_by, begin_for, end_of
from nyxcore.errors import DatabaseUnavailable
from nyxcore.leases import repository as leases_repository
from nyxcore.runs import repository
from nyxcore.tenancy.models import Principal

FAST, SLOW = 0.25, 2.0
MAX_EVENTS, MAX_BYTES = 500, 1 << 20
"""Most events, and about most bytes, of one batch of one stream."""

ANSWER_SECONDS = 3.0
"""How long the database is waited for, here and where a stream is opened."""

_STATEMENT_SECONDS = 2.5  # what the server itself gives one statement: less, so that it is the one to say so
_GIVE_BACK = 0.5  # seconds, twice a second at most: a client that comes back after its second finds room
_QUIET_FOR_SLOWER = 3.0  # seconds of silence after which a stream is asked for half as often
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of a run's log; `data` is JSON text."""

    seq: int
    type: str
    data: str


class Over(Enum):
    """Why a stream gets no more rows."""

    GONE = "the run, or the right to read it, is gone, or the rows have a hole: come back and be told"
    TROUBLE = "the database does not answer"


type Message = tuple[StoredEvent, ...] | Over


@dataclass(eq=False, slots=True)
class Watch:
    """One open stream, as the poller sees it.

    Attributes
    ----------
    cursor : number of the newest event that was handed over.
    contiguous : whether a hole in the numbers ends the stream; not after a `reset`, which announced it.
    notify : called from the poller's thread when there is something to take.
    lease_id : its place among the open streams of the tenant, given back when it leaves.
    more : whether rows are waiting behind those that were handed over, so that the next are asked for at once.
    last_event : when the run wrote last, on `time.monotonic`'s clock.
    needs : what must still be there for the stream to go on, as `repository.still_there` names it: the run, and
        whoever reads it.
    """

    principal: Principal
    run_id: UUID
    cursor: int
    contiguous: bool
    notify: Callable[[], None]
    lease_id: UUID
    message: Message | None = None
    more: bool = False
    due: float = 0.0
    last_event: float = field(default_factory=time.monotonic)
    needs: frozenset[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.needs = frozenset(_needs(self.principal, self.run_id))

    @property
    def tenant_id(self) -> UUID:
        """The tenant in whose transaction the rows are read."""
        return self.principal.tenant_id


@dataclass(frozen=True)
class _Answer:
    """What one tenant's transaction said."""

    rows: dict[tuple[UUID, int], list[StoredEvent]]
    alive: set[tuple[str, str]]


class StreamHub:
    """Keeps the open streams of a process supplied, from one thread with one connection of its own."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._changed = threading.Condition()
        self._watches: set[Watch] = set()
        self._left: set[Watch] = set()  # whose leases are to be given back
        self._left_due = 0.0
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._closed = False
        self.ticks = 0

    def join(self, watch: Watch) -> None:
        """Begin to supply this stream; once the hub is closed, it is over at once."""
        with self._changed:
            if self._closed:
                _hand_over(watch, Over.GONE)
                return
            now = time.monotonic()
            watch.due = now if watch.more else _next_due(now, now - watch.last_event)
            watch.more = False
            self._watches.add(watch)
            self._wake()

    def leave(self, watch: Watch) -> None:
        """The stream is over, joined or not: its lease is given back. `settle` waits for that.

        It is given back at once when no other stream is open: in Lambda the process is about to be frozen. Once
        the hub is closed, a lease ends by its expiry.
        """
        with self._changed:
            self._watches.discard(watch)
            if not self._closed:
                self._left.add(watch)
                self._left_due = _instant(time.monotonic(), _GIVE_BACK) if self._watches else 0.0
                self._wake()

    def settle(self, seconds: float) -> None:
        """Wait, at most so long, until nothing is left to be given back."""
        with self._changed:
            self._changed.wait_for(lambda: not self._left, seconds)

    def take(self, watch: Watch) -> Message | None:
        """What came since the last call, or None; the next rows are asked for only after this."""
        with self._changed:
            message, watch.message = watch.message, None
            if message is not None:
                if watch.more:
                    watch.more, watch.due = False, 0.0
                self._changed.notify_all()  # the poller may be waiting for exactly this
            return message

    def end(self) -> None:
        """End every stream (its client comes back elsewhere); the poller ends when their places are given back."""
        with self._changed:
            self._closed = True
            for watch in self._watches:
                _hand_over(watch, Over.GONE)
            self._left |= self._watches
            self._changed.notify_all()

    def close(self) -> None:
        """`end`, and wait for the poller."""
        self.end()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=10)

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="stream-hub", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _work(self) -> None:
        while (work := self._wait_for_work()) is not None:
            due, left = work
            self.ticks += 1
            try:
                answers = self._ask(due, left)
                self._deliver(due, answers)
            except Exception as error:  # noqa: BLE001 - whatever it is, no stream may be left hanging on it
                self._drop_connection()
                self._send_away(due, error)
            with self._changed:
                self._left -= left  # in trouble too: a lease that is not given back expires
                self._changed.notify_all()
        self._drop_connection()

    def _send_away(self, due: Sequence[Watch], error: Exception) -> None:
        """End the streams that were asked for in vain; if the database is away, the others are told in turn."""
        _log.warning("polling failed; closing %d streams: %s", len(due), error, exc_info=error)
        with self._changed:
            for watch in due:
                if watch.message is None:
                    _hand_over(watch, Over.TROUBLE)

    def _wait_for_work(self) -> tuple[list[Watch], set[Watch]] | None:
        """The streams to ask for now and those that have left, waiting for the first; None after the end."""
        with self._changed:
            while True:
                now = time.monotonic()
                waiting = [watch for watch in self._watches if watch.message is None and not self._closed]
                due = [watch for watch in waiting if watch.due <= now]
                if due or (self._left and (self._closed or self._left_due <= now)):
                    return due, set(self._left)
                if self._closed:
                    return None
                instants = [watch.due for watch in waiting] + ([self._left_due] if self._left else [])
                self._changed.wait(min(instants) - now if instants else None)

    def _ask(self, due: Sequence[Watch], left: Iterable[Watch]) -> dict[UUID, _Answer]:
        """One round trip, within `ANSWER_SECONDS`. A connection that died while it was idle is made anew, once."""
        positions, leases = defaultdict[UUID, list[Watch]](list), defaultdict[UUID, list[UUID]](list)
        for watch in due:
            positions[watch.tenant_id].append(watch)
        for watch in left:
            leases[watch.tenant_id].append(watch.lease_id)
        with answered_by(time.monotonic() + ANSWER_SECONDS):
            try:
                return self._round_trip(positions, leases)
            except QueryCanceled:  # waited for long enough
                raise
            except (psycopg.Error, DatabaseUnavailable):
                self._drop_connection()
                return self._round_trip(positions, leases)

    def _round_trip(
        self, by_tenant: dict[UUID, list[Watch]], leases: dict[UUID, list[UUID]]
    ) -> dict[UUID, _Answer]:
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        asked = {}
        with connection.pipeline():
            for tenant_id, lease_ids in leases.items():
                begin_for(connection, tenant_id, "read write", _STATEMENT_SECONDS)
                leases_repository.give_back(connection, tenant_id, lease_ids)
                end_of(connection)
            for tenant_id, watches in by_tenant.items():
                begin_for(connection, tenant_id, "read only", _STATEMENT_SECONDS)
                asked[tenant_id] = (
                    repository.events_after(
                        connection,
                        tenant_id,
                        list({(watch.run_id, watch.cursor) for watch in watches}),
                        max_events=MAX_EVENTS,
                        max_bytes=MAX_BYTES,
                    ),
                    repository.still_there(
                        connection,
                        tenant_id,
                        run_ids=list({watch.run_id for watch in watches}),
                        token_ids=list({w.principal.token_id for w in watches if w.principal.token_id}),
                        subjects=list({w.principal.subject for w in watches if w.principal.subject}),
                    ),
                )
                end_of(connection)
        answers = {}
        for tenant_id, (events, alive) in asked.items():
            rows = defaultdict[tuple[UUID, int], list[StoredEvent]](list)
            for row in events.fetchall():
                rows[row["run_id"], row["cursor"]].append(StoredEvent(row["seq"], row["type"], row["data"]))
            answers[tenant_id] = _Answer(rows, {(row["what"], row["key"]) for row in alive.fetchall()})
        return answers

    def _deliver(self, due: Sequence[Watch], answers: dict[UUID, _Answer]) -> None:
        now, instant = time.monotonic(), clock.now()
        with self._changed:
            for watch in due:
                if watch.message is not None:  # it was ended meanwhile
                    continue
                answer = answers[watch.tenant_id]
                rows = answer.rows.get((watch.run_id, watch.cursor), [])
                expires_at = watch.principal.expires_at
                over = not answer.alive >= watch.needs or (expires_at and expires_at <= instant)
                hole = watch.contiguous and rows and rows[0].seq != watch.cursor + 1
                if over or hole:
                    _hand_over(watch, Over.GONE)
                elif rows:
                    watch.cursor, watch.last_event = rows[-1].seq, now
                    watch.more = is_full(rows)
                    _hand_over(watch, tuple(rows))
                watch.due = _next_due(now, now - watch.last_event)

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def is_full(rows: Sequence[StoredEvent]) -> bool:
    """Whether more rows may be waiting behind this batch."""
    return len(rows) >= MAX_EVENTS or sum(len(row.data) for row in rows) >= MAX_BYTES


def _needs(principal: Principal, run_id: UUID) -> Iterator[tuple[str, str]]:
    yield "run", str(run_id)
    if principal.token_id is not None:
        yield "token", str(principal.token_id)
    if principal.subject is not None:
        yield "member", principal.subject


def _hand_over(watch: Watch, message: Message) -> None:
    watch.message = message
    watch.notify()


def _next_due(now: float, quiet: float) -> float:
    """The next instant to ask at: on a grid of `FAST`, 2 x `FAST`, ... `SLOW`, the longer the quieter."""
    interval = FAST
    while interval < SLOW and quiet >= _QUIET_FOR_SLOWER * interval / FAST:
        interval *= 2
    return _instant(now, interval)


def _instant(now: float, interval: float) -> float:
    """The next multiple of `interval`: the same for all who ask, and for shorter intervals among theirs."""
    return (math.floor(now / interval) + 1) * interval
