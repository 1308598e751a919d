"""A run's stream: who may read it, where it begins, and what goes out until it closes.

The core is synchronous and knows neither asyncio nor a web framework: `serve` gives an iterator of bytes for
the Lambda function, `serve_async` an async one for an ASGI server. Both take their rows from the process's
`StreamHub`. Trouble that may pass (too many streams, a database that does not answer) is answered with 200,
`retry:` and the end of the stream, because EventSource gives up for good on any other status.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cache
from uuid import UUID

import psycopg
from psycopg.errors import ForeignKeyViolation

from nyxcore.db.connection import Connection, Database, answered_by, database, impatient
from nyxcore.errors import DatabaseUnavailable, Forbidden, NotFound, SchemaOutdated, Unauthenticated
from nyxcore.ids import uuid7
from nyxcore.leases import repository as leases
from nyxcore.runs import cursor as cursors
from nyxcore.runs import repository, sse
from nyxcore.runs.hub import (
    ANSWER_SECONDS,
    MAX_BYTES,
    MAX_EVENTS,
    Message,
    Over,
    StoredEvent,
    StreamHub,
    Watch,
    is_full,
)
from nyxcore.runs.models import RunKind, kind_of_path, links, run_of, without_link
from nyxcore.settings import settings
from nyxcore.tenancy import service as tenancy
from nyxcore.tenancy.models import Principal

HEARTBEAT_SECONDS = 12.0
"""Silence after which a comment is sent: below the 15 s that clients may count on."""

_RETRY_MS = 1000
_PATIENCE_SECONDS = 2.0  # for a connection; an open tab is better told to come back
_LEASE_SECONDS = 10.0  # beyond the window: the last events on their way
_SETTLE_SECONDS = 1.0
_HEADERS = {"Content-Type": sse.MEDIA_TYPE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True)
class StreamRequest:
    """What a request for a stream says.

    Attributes
    ----------
    path : the word between `/events/` and the id: `auto-fix`, `workflows`, ..., or `runs` for any kind.
    run_id : the id as it was written.
    authorization, ticket : header and query parameter; the header counts where both are there.
    last_event_id, query_cursor : the header `Last-Event-ID` and the query's `lastEventId`.
    """

    path: str
    run_id: str
    authorization: str | None = field(default=None, repr=False)
    ticket: str | None = field(default=None, repr=False)
    last_event_id: str | None = None
    query_cursor: str | None = None


@dataclass(frozen=True)
class StreamResponse[Chunks]:
    """Status, headers and the body in pieces."""

    status: int
    headers: Mapping[str, str]
    chunks: Chunks


@dataclass(frozen=True)
class Opening:
    """What a stream begins with, and from where it goes on.

    Attributes
    ----------
    first : the bytes that are there at once.
    over : nothing follows them.
    more : whether further rows are waiting already.
    quiet : seconds since the run wrote last.
    lease_id : its place among the open streams, when something follows.
    """

    first: bytes
    over: bool
    status: int = 200
    principal: Principal | None = None
    run_id: UUID | None = None
    cursor: int = 0
    contiguous: bool = True
    more: bool = False
    quiet: float = 0.0
    lease_id: UUID = field(default_factory=uuid7)


def serve(
    request: StreamRequest, *, db: Database, hub: StreamHub, window_seconds: float
) -> StreamResponse[Iterator[bytes]]:
    """The stream as an iterator that blocks while it waits. It closes after `window_seconds` at the latest.

    Raises
    ------
    Unauthenticated, Forbidden : neither header nor ticket opens this run.
    NotFound : the tenant has no such run, or it is not of the kind that the path names.
    BadCursor : the cursor is no number.
    """
    opening = _open(request, db, window_seconds, _deadline())
    return StreamResponse(opening.status, _headers(opening), _chunks(opening, hub, window_seconds))


async def serve_async(
    request: StreamRequest, *, db: Database, hub: StreamHub, window_seconds: float
) -> StreamResponse[AsyncIterator[bytes]]:
    """The stream as an async iterator; for the rest as `serve`.

    A server that stops cancels what it cannot wait for. A stream that is still being opened then is told to come back:
    left alone, the server would answer 500.
    """
    try:
        opening = await asyncio.to_thread(_open, request, db, window_seconds, _deadline())
    except asyncio.CancelledError:
        opening = _come_back(3_000)
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
    return StreamResponse(opening.status, _headers(opening), _async_chunks(opening, hub, window_seconds))


@cache
def stream_hub() -> StreamHub:
    """The poller of this process, on the process's database."""
    return StreamHub(database().connect)


def end_streams() -> None:
    """End every open stream of this process between two events, without waiting: the server begins to stop."""
    if stream_hub.cache_info().currsize:
        stream_hub().end()


def _deadline() -> float:
    """When a stream that is asked for now is told to come back: its turn for a thread is counted in."""
    return time.monotonic() + ANSWER_SECONDS


def _open(request: StreamRequest, db: Database, window_seconds: float, deadline: float) -> Opening:
    kind = kind_of_path(request.path)
    if kind is None and request.path != "runs":
        raise NotFound(f"there is no stream /events/{request.path}/")
    try:
        run_id = UUID(request.run_id)
    except ValueError:
        raise NotFound(f"there is no run {request.run_id[:64]!r}") from None
    try:
        with answered_by(deadline), impatient(_PATIENCE_SECONDS):
            return _opening(request, db, window_seconds, run_id, kind)
    except (DatabaseUnavailable, SchemaOutdated, psycopg.OperationalError, psycopg.InternalError):
        # the last: a writer that has become a reader, or a session that the server has ended
        return _come_back(3_000)


def _come_back(milliseconds: int) -> Opening:
    """An end that may pass: 200, so that EventSource does not give up."""
    return Opening(sse.retry(_spread(milliseconds)), over=True)


def _opening(
    request: StreamRequest, db: Database, window_seconds: float, run_id: UUID, kind: RunKind | None
) -> Opening:
    principal = _authenticate(db, request, run_id)
    cursor = cursors.parse(request.last_event_id, request.query_cursor)
    with db.transaction(principal.tenant_id) as connection:
        opening = _begin(connection, principal, run_id, kind, cursor)
        if opening.over or _take_place(connection, principal.tenant_id, run_id, opening, window_seconds):
            return opening
    return _come_back(15_000)


def _take_place(
    connection: Connection, tenant_id: UUID, run_id: UUID, opening: Opening, window_seconds: float
) -> bool:
    """Take the stream's place; False when tenant or run have as many as they may. Raises NotFound."""
    try:
        return leases.take(
            connection,
            tenant_id,
            run_id,
            opening.lease_id,
            seconds=window_seconds + _LEASE_SECONDS,
            per_tenant=settings().streams_per_tenant,
            per_run=settings().streams_per_run,
        )
    except ForeignKeyViolation as error:
        raise NotFound(f"there is no run {run_id}") from error


def _authenticate(db: Database, request: StreamRequest, run_id: UUID) -> Principal:
    if request.authorization is None and request.ticket is not None:
        return tenancy.authenticate_ticket(db, request.ticket, run_id)
    if request.authorization is None:
        raise Unauthenticated(
            "the stream needs Authorization: Bearer nyx_..., or ?ticket= of POST /api/v1/events/tickets"
        )
    principal = tenancy.authenticate(db, request.authorization)
    if "runs:read" not in principal.scopes:
        raise Forbidden("the call needs the scope runs:read, which the token lacks", scope="runs:read")
    return principal


def _begin(
    connection: Connection, principal: Principal, run_id: UUID, kind: RunKind | None, cursor: int | None
) -> Opening:
    """Read the run and the first rows, the run first: rows that come in between are sent later, not lost."""
    row = repository.get_with_quiet(connection, principal.tenant_id, run_id)
    if row is None or not principal.sees(row["project_id"]) or kind not in {None, row["kind"]}:
        raise NotFound(f"there is no run {run_id}" + (f" of kind {kind}" if kind else ""))
    finished = row["finished_at"] is not None
    position = min(cursor or 0, cursors.BEYOND)
    rows = _rows(connection, principal.tenant_id, run_id, position)
    beginning = cursors.beginning(
        cursor, finished=finished, last_seq=row["last_seq"], next_seq=rows[0].seq if rows else None
    )
    if beginning == "ended":
        return Opening(b"", over=True, status=204)
    first = sse.retry(_RETRY_MS)
    if beginning == "reset":
        first += sse.encode(0, "reset", '{"reason":"the cursor is not of this run, or its events are gone"}')
        rows = _rows(connection, principal.tenant_id, run_id, 0) if finished else []
    if beginning == "snapshot" or (beginning == "reset" and not finished):
        snapshot = run_of(row, settings().public_base_url).model_dump_json(by_alias=True)
        first += sse.encode(row["last_seq"], "snapshot", snapshot)
        rows, position = [], row["last_seq"]
    return Opening(
        first + _encoded(rows),
        over=_ends(rows),
        principal=principal,
        run_id=run_id,
        cursor=rows[-1].seq if rows else position,
        contiguous=not (beginning == "reset" and finished),
        more=is_full(rows),
        quiet=row["quiet"],
    )


def _rows(connection: Connection, tenant_id: UUID, run_id: UUID, position: int) -> list[StoredEvent]:
    found = repository.events_after(
        connection, tenant_id, [(run_id, position)], max_events=MAX_EVENTS, max_bytes=MAX_BYTES
    )
    return [StoredEvent(row["seq"], row["type"], row["data"]) for row in found.fetchall()]


def _chunks(opening: Opening, hub: StreamHub, window_seconds: float) -> Iterator[bytes]:
    changed = threading.Event()
    try:
        with closing(_steps(opening, hub, window_seconds, changed.clear, changed.set)) as steps:
            for step in steps:
                if isinstance(step, bytes):
                    yield step
                else:
                    changed.wait(step)
    finally:
        hub.settle(_SETTLE_SECONDS)  # now: Lambda freezes the process when the response is over


async def _async_chunks(opening: Opening, hub: StreamHub, window_seconds: float) -> AsyncIterator[bytes]:
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def notify() -> None:
        with suppress(RuntimeError):  # the loop has closed, and with it the stream
            loop.call_soon_threadsafe(changed.set)

    with closing(_steps(opening, hub, window_seconds, changed.clear, notify)) as steps:
        for step in steps:
            if isinstance(step, bytes):
                yield step
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), step)


def _steps(
    opening: Opening,
    hub: StreamHub,
    window_seconds: float,
    forget: Callable[[], None],
    notify: Callable[[], None],
) -> Generator[bytes | float]:
    """What an open stream does next: bytes to send, or seconds to wait at most for `notify`.

    Both drivers above turn this crank; `forget` takes an earlier notice back. Closing it ends the stream.
    """
    now = time.monotonic()
    # spread, so that tabs opened together (after a restart, say) do not come back together for ever
    closes_at = now + window_seconds * random.uniform(0.9, 1.0)  # noqa: S311 - no secret
    beat_at = now + HEARTBEAT_SECONDS
    watch = _watch(opening, notify)
    if watch is None:
        if opening.first:
            yield opening.first
        return
    try:
        yield opening.first
        hub.join(watch)
        over = False
        while not over:
            forget()
            message, now = hub.take(watch), time.monotonic()
            chunk = _sent(message)
            if message is None and now >= beat_at:
                chunk = sse.comment()
            over = now >= closes_at or isinstance(message, Over) or (message is not None and _ends(message))
            if chunk:
                beat_at = now + HEARTBEAT_SECONDS
                yield chunk
            elif message is None and not over:
                yield max(0.0, min(beat_at, closes_at) - now)
    finally:
        hub.leave(watch)


def _sent(message: Message | None) -> bytes:
    """The bytes that tell the client of a message of the hub; none where there is nothing to tell."""
    if isinstance(message, Over):
        return sse.retry(_spread(3_000)) if message is Over.TROUBLE else b""
    return _encoded(message or ())


def _watch(opening: Opening, notify: Callable[[], None]) -> Watch | None:
    """The stream as the hub is to supply it; None when its opening was all of it."""
    if opening.over or opening.principal is None or opening.run_id is None:
        return None
    return Watch(
        opening.principal,
        opening.run_id,
        opening.cursor,
        opening.contiguous,
        notify,
        opening.lease_id,
        more=opening.more,
        last_event=time.monotonic() - opening.quiet,
    )


def _headers(opening: Opening) -> dict[str, str]:
    return dict(_HEADERS) if opening.status == 200 else {"Cache-Control": "no-store"}


def _encoded(rows: list[StoredEvent] | tuple[StoredEvent, ...]) -> bytes:
    return b"".join(
        sse.encode(row.seq, row.type, _with_links(row.data) if row.type == "done" else row.data)
        for row in rows
    )


def _ends(rows: list[StoredEvent] | tuple[StoredEvent, ...]) -> bool:
    return bool(rows) and rows[-1].type == "done"


def _with_links(done: str) -> str:
    """`done` as it was stored, its links made anew: the service may have another address by now."""
    data = json.loads(done)
    run = data["run"]
    run["links"] = links(run["id"], run["kind"], settings().public_base_url).model_dump()
    if run["kind"] == "pdf" and run["result"]:
        run["result"] = without_link(run["result"])
    return json.dumps(data, separators=(",", ":"))


def _spread(milliseconds: int) -> int:
    """Around `milliseconds`, so that those who were turned away together do not come back together."""
    return random.randint(milliseconds // 2, milliseconds * 3 // 2)  # noqa: S311 - no secret
