"""Follows a run to its end, through every cut of the connection, without losing an event.

The server may close a stream whenever it likes; the client comes back with the number of the last event
that it has seen. Waits between attempts that fail are drawn from the whole of a growing range ("full
jitter"), so that clients that lost the same server do not come back in step.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import httpx

from nyx.errors import LocalError
from nyx.sse_parser import EventParser, ParsedEvent

EVENT_TYPES = frozenset(
    [
        "snapshot",
        "reset",
        "status",
        "phase",
        "progress",
        "findings",
        "fixes",
        "step",
        "usage",
        "report",
        "log",
        "done",
    ]
)
"""Every type of event that is delivered; others may come one day, and are passed over."""

_EVENT_STREAM = "text/event-stream"
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_TIMEOUT = httpx.Timeout(10.0, read=40.0)  # the server is never silent for more than 15 s
_PASSES = {408, 425, 429, 500, 502, 503, 504}  # statuses of a gateway or a limit, not of the stream


@dataclass(frozen=True)
class StreamEvent:
    """One event of a run: its number (0 for `reset`), its type, and its data as §6 of the contract says."""

    id: int
    type: str
    data: dict[str, Any]


class StreamRefused(LocalError):
    """The server will not give this stream, now or later: no such run, no right to it, or a bad request.

    `answer` is the status that it answered with.
    """

    code: ClassVar[str] = "stream_refused"

    def __init__(self, answer: int, message: str) -> None:
        super().__init__(message)
        self.answer = answer


class _Garbled(Exception):
    """No stream, or an event that cannot be read: something on the way is busy, or has changed, cut or replaced it."""


class StreamLost(LocalError):
    """There was no stream to be had for so long that waiting on makes no sense; the message says what was instead."""

    code, retryable = "stream_lost", True


def follow(
    url: str,
    token: str | Callable[[], str],
    run_id: UUID | str,
    *,
    after: int | None = None,
    on_reconnect: Callable[[str], None] | None = None,
    client: httpx.Client | None = None,
    patience_seconds: float = 120.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[StreamEvent]:
    """The run's events up to and including `done`; an iterator that blocks while nothing happens.

    Parameters
    ----------
    url : origin of the API, without a path.
    token : of the API; a function is asked before every attempt, for tokens that expire sooner than runs end.
    after : number of the last event that is known; 0 for the whole history. Without it an unfinished run
        begins with a `snapshot`.
    on_reconnect : called before each further attempt with the reason, in words.
    client : used instead of one of its own.
    patience_seconds : how long there may be no stream before StreamLost is raised.

    Raises
    ------
    StreamRefused : the server answered that there is nothing to follow.
    StreamLost : for `patience_seconds` it did not answer, or with something else than the stream.
    """
    following = _Following(f"{url.rstrip('/')}/api/v1/events/runs/{run_id}", token, after)
    failures, since = 0, time.monotonic()
    with nullcontext(client) if client else httpx.Client(timeout=_TIMEOUT, trust_env=False) as http:
        while True:
            try:
                opened = yield from following.connect(http)
                reason = "the server closed the stream"
            except httpx.DecodingError as error:
                opened, reason = False, f"the stream cannot be unpacked: {error}"
            except httpx.HTTPError as error:
                opened, reason = following.opened, f"the connection broke: {error or type(error).__name__}"
            except _Garbled as error:
                opened, reason = False, str(error)
            if following.over:
                return
            if opened or not failures:
                since = time.monotonic()
            wait = following.retry_seconds if opened else _backoff(failures)
            failures = 0 if opened else failures + 1
            if time.monotonic() + wait - since > patience_seconds:
                raise StreamLost(
                    f"{url} has given no stream for {patience_seconds:g} s: {reason}; run the command again"
                )
            if on_reconnect is not None:
                on_reconnect(reason)
            sleep(wait)


def _backoff(failures: int) -> float:
    return random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**failures))  # noqa: S311 - no secret


class _Following:
    """What outlives a connection: the cursor, the wait that the server asked for, whether it is over."""

    def __init__(self, url: str, token: str | Callable[[], str], after: int | None) -> None:
        self._url = url
        self._token = token
        self._last_event_id = "" if after is None else str(after)
        self.retry_seconds = 1.0
        self.opened = False
        self.over = False

    def connect(self, http: httpx.Client) -> Generator[StreamEvent, None, bool]:
        """The events of one connection; returns (to `yield from`) whether the server gave a stream at all."""
        self.opened = False
        token = self._token if isinstance(self._token, str) else self._token()
        # a proxy that compresses may keep events back until it has enough of them
        headers = {
            "Authorization": f"Bearer {token}", "Accept": _EVENT_STREAM, "Accept-Encoding": "identity",
        }  # fmt: skip
        if self._last_event_id:
            headers["Last-Event-ID"] = self._last_event_id
        with http.stream("GET", self._url, headers=headers) as response:
            self.over = response.status_code == 204
            if self.over:
                return False
            if response.status_code in _PASSES:
                raise _Garbled(
                    f"the server answered {response.status_code} {response.reason_phrase}".rstrip()
                )
            if response.status_code != 200:
                raise StreamRefused(response.status_code, _words(response))
            _require_stream(response)
            self.opened = True
            yield from self._events(response)
        return True

    def _events(self, response: httpx.Response) -> Iterator[StreamEvent]:
        parser = EventParser(self._last_event_id)
        for piece in response.iter_bytes():  # unpacked, where it was compressed all the same
            for event in parser.feed(piece):
                if event.type not in EVENT_TYPES or self._repeats(event):
                    continue
                told = _read(event)
                self._last_event_id = event.id
                self.over = event.type == "done"
                yield told
                if self.over:
                    return
            if parser.retry_ms is not None:
                self.retry_seconds = parser.retry_ms / 1000

    def _repeats(self, event: ParsedEvent) -> bool:
        """Whether the event was there before; a snapshot repeats a number, and a `reset` begins anew."""
        if event.type in {"snapshot", "reset"} or not self._last_event_id:
            return False
        return event.id.isdecimal() and int(event.id) <= int(self._last_event_id)


def _require_stream(response: httpx.Response) -> None:
    """Raises _Garbled for a page in the stream's place: of a login, or of an application that answers any path."""
    kind = response.headers.get("Content-Type", "")
    if kind.partition(";")[0].strip().lower() != _EVENT_STREAM:
        raise _Garbled(f"the answer was no event stream but {kind[:80]!r}")


def _read(event: ParsedEvent) -> StreamEvent:
    try:
        return StreamEvent(int(event.id), event.type, json.loads(event.data))
    except ValueError:
        raise _Garbled(f"the event {event.id[:40]!r} cannot be read: {event.data[:40]!r}") from None


def _words(response: httpx.Response) -> str:
    """What the problem details (RFC 9457) of an answer say."""
    response.read()
    try:
        problem = response.json()
        return str(problem.get("detail") or problem["title"])
    except (ValueError, KeyError, AttributeError):
        return f"the server answered {response.status_code} {response.reason_phrase}"
