"""The client that follows a run, against servers that cut, refuse, stall and come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from nyx.events import StreamLost, StreamRefused, follow

SNAPSHOT = b"retry: 250\nid: 2\nevent: snapshot\ndata: {}\n\n"
LOG = b'id: 3\nevent: log\ndata: {"message":"x"}\n\n'
DONE = b'id: 4\nevent: done\ndata: {"run":{}}\n\n'

type Answer = Callable[[], httpx.Response]


class Pieces(httpx.SyncByteStream):
    """A body in these pieces, after which the connection breaks if it is to."""

    def __init__(self, *pieces: bytes, breaks: bool = False) -> None:
        self._pieces, self._breaks = pieces, breaks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        if self._breaks:
            raise httpx.ReadError("connection reset")


class Server:
    """Answers one request after the other as scripted, and keeps what was asked and how long was waited."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = iter(answers)
        self.cursors: list[str | None] = []
        self.waits: list[float] = []
        self.client = httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url == "http://nyx.example/api/v1/events/runs/r1"
        assert request.headers["authorization"] == "Bearer nyx_t"
        assert request.headers["accept-encoding"] == "identity"
        self.cursors.append(request.headers.get("last-event-id"))
        return next(self._answers)()

    def follow(self, **options: object) -> list[tuple[int, str]]:
        found = follow(
            "http://nyx.example/",
            "nyx_t",
            "r1",
            client=self.client,
            sleep=self.waits.append,
            **options,  # type: ignore[arg-type]
        )
        return [(event.id, event.type) for event in found]


def stream(*pieces: bytes, breaks: bool = False, **headers: str) -> Answer:
    headers = {"content-type": "text/event-stream; charset=utf-8"} | headers
    return lambda: httpx.Response(200, headers=headers, stream=Pieces(*pieces, breaks=breaks))


def status(code: int, **content: object) -> Answer:
    return lambda: httpx.Response(code, json=content)


def unreachable() -> httpx.Response:
    raise httpx.ConnectError("refused")


def test_every_connection_goes_on_after_the_last_event_that_was_whole() -> None:
    half = len(LOG) // 2
    server = Server(stream(SNAPSHOT, LOG[:half], breaks=True), stream(LOG, DONE[:5]), stream(DONE))
    assert server.follow() == [(2, "snapshot"), (3, "log"), (4, "done")]
    assert server.cursors == [None, "2", "3"]
    assert server.waits == [0.25, 0.25]


def test_done_ends_it_without_asking_again_and_so_does_204() -> None:
    assert Server(stream(LOG + DONE)).follow(after=2) == [(3, "log"), (4, "done")]
    server = Server(status(204))
    assert (server.follow(after=4), server.cursors) == ([], ["4"])


def test_after_a_reset_the_cursor_begins_anew() -> None:
    reset = b"id: 0\nevent: reset\ndata: {}\n\n"
    server = Server(stream(reset, breaks=True), stream(DONE))
    assert server.follow(after=9) == [(0, "reset"), (4, "done")]
    assert server.cursors == ["9", "0"]


def test_waits_between_failures_grow_are_random_and_begin_anew_after_a_stream() -> None:
    failures = [status(503), unreachable, status(429), status(502)] * 3
    server = Server(*failures, stream(SNAPSHOT), status(503), stream(DONE))
    reasons: list[str] = []
    server.follow(on_reconnect=reasons.append)
    growing, after_stream, again = server.waits[:12], server.waits[12], server.waits[13]
    assert all(0 <= wait <= min(30.0, 0.5 * 2**number) for number, wait in enumerate(growing))
    assert len(set(growing)) == 12
    assert after_stream == 0.25 and 0 <= again <= 0.5
    assert len(reasons) == 14 and "refused" in reasons[1]


def test_a_function_is_asked_for_the_token_before_every_attempt() -> None:
    tokens = iter(["nyx_t", "nyx_t", "nyx_t"])
    server = Server(stream(SNAPSHOT), status(503), stream(DONE))
    found = follow(
        "http://nyx.example", lambda: next(tokens), "r1", client=server.client, sleep=server.waits.append
    )
    assert [event.type for event in found] == ["snapshot", "done"]
    assert next(tokens, None) is None


def test_an_event_that_never_can_be_read_is_given_up_in_the_end() -> None:
    server = Server(*[stream(b"id: 3\nevent: log\ndata: {\n\n")] * 3)
    with pytest.raises(StreamLost, match=r"the event '3' cannot be read: '\{'"):
        server.follow(patience_seconds=0.0)


def test_patience_begins_with_the_first_failure_and_not_before_a_long_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("nyx.events.time.monotonic", lambda: now[0])

    def garbled_after_a_window() -> httpx.Response:
        now[0] += 500
        return stream(b"id: 3\nevent: log\ndata: {\n\n")()

    server = Server(garbled_after_a_window, stream(LOG + DONE))
    assert server.follow(patience_seconds=120.0) == [(3, "log"), (4, "done")]


def test_who_is_turned_away_for_now_is_told_how() -> None:
    reasons: list[str] = []
    Server(status(503), stream(DONE)).follow(on_reconnect=reasons.append)
    assert reasons == ["the server answered 503 Service Unavailable"]


def test_a_compressed_stream_that_cannot_be_unpacked_is_given_up_in_the_end() -> None:
    server = Server(*[stream(SNAPSHOT, **{"content-encoding": "gzip"})] * 3)
    with pytest.raises(StreamLost, match=r"the stream cannot be unpacked: .*incorrect header"):
        server.follow(patience_seconds=0.0)


def test_a_page_in_place_of_the_stream_is_a_failure_that_is_given_up_in_the_end() -> None:
    page = stream(b"<!doctype html>", **{"content-type": "text/html; charset=utf-8"})
    server = Server(page, page, page, stream(SNAPSHOT, DONE))
    reasons: list[str] = []
    assert server.follow(on_reconnect=reasons.append) == [(2, "snapshot"), (4, "done")]
    assert reasons == ["the answer was no event stream but 'text/html; charset=utf-8'"] * 3
    assert all(0 <= wait <= 0.5 * 2**number for number, wait in enumerate(server.waits))
    with pytest.raises(StreamLost, match=r"no event stream but 'text/html; charset=utf-8'"):
        Server(page).follow(patience_seconds=0.0)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 500 + 1])
def test_a_refusal_is_final_and_told_in_the_servers_words(code: int) -> None:
    with pytest.raises(StreamRefused, match="there is no run r1") as caught:
        Server(status(code, detail="there is no run r1")).follow()
    assert caught.value.answer == code


def test_a_refusal_without_problem_details_is_told_too() -> None:
    with pytest.raises(StreamRefused, match="403 Forbidden"):
        Server(lambda: httpx.Response(403, content=b"<html>")).follow()


def test_a_server_that_stays_away_is_given_up_in_the_end() -> None:
    server = Server(*[unreachable] * 50)
    with pytest.raises(StreamLost, match=r"has given no stream for 0 s: the connection broke: refused"):
        server.follow(patience_seconds=0.0)
