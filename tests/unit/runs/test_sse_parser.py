"""The parser against the cases of the WHATWG standard (section 9.2.6), written from its text."""

from __future__ import annotations

import pytest

from nyx.sse_parser import EventParser

Expected = list[tuple[str, str]]


def read(body: bytes, *, every: int | None = None) -> Expected:
    parser = EventParser()
    step = every or max(len(body), 1)
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    return [(event.type, event.data) for piece in pieces for event in parser.feed(piece)]


CASES: dict[str, tuple[bytes, Expected]] = {
    "a byte order mark at the start is dropped": (b"\xef\xbb\xbfdata:1\n\n", [("message", "1")]),
    "only one, and only there": (
        b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\n\xef\xbb\xbfdata:3\n\n",
        [("message", "2")],
    ),
    "comments are skipped": (b"data:1\r:\0\n:\r\ndata:2\n:x\n\n", [("message", "1\n2")]),
    "what the end of the stream cuts off is no event": (b"data:1\n\ndata:2\n", [("message", "1")]),
    "empty data is an event, no data is none": (
        b"data:\n\ndata\ndata\n\nevent:x\n\ndata:test\n\n",
        [("message", ""), ("message", "\n"), ("message", "test")],
    ),
    "the type holds for one event": (b"event:a\ndata:1\n\ndata:2\n\n", [("a", "1"), ("message", "2")]),
    "an empty type is the default": (b"event: \ndata:1\n\n", [("message", "1")]),
    "one space after the colon is dropped": (b"data:  x\ndata:\ty\n\n", [("message", " x\n\ty")]),
    "fields that nobody knows and other spellings are skipped": (
        b"data:1\n data:2\nData:3\ndata :4\nfoo: 5\n\n",
        [("message", "1")],
    ),
    "lines end in CR, LF or CRLF": (b"data:1\rdata:2\r\ndata:3\n\r\n", [("message", "1\n2\n3")]),
    "lines end in nothing else": (
        "data:a\u2028b\u2029c\u0085d\x0be\x0cf\n\n".encode(),
        [("message", "a\u2028b\u2029c\u0085d\x0be\x0cf")],
    ),
    "data may hold a NUL": (b"data:\0\n\n", [("message", "\0")]),
    "text is UTF-8, and what is not becomes U+FFFD": (
        b"data:ok \xe2\x82\xac\n\ndata:\xff!\n\n",
        [("message", "ok €"), ("message", "\ufffd!")],
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("every", [None, 1, 2])
def test_the_standard_is_followed(name: str, every: int | None) -> None:
    body, expected = CASES[name]
    assert read(body, every=every) == expected


def after(body: bytes, start: str = "") -> EventParser:
    parser = EventParser(start)
    list(parser.feed(body))
    return parser


@pytest.mark.parametrize(
    ("body", "last_event_id"),
    [
        (b"id: 1\ndata: x\n\n", "1"),
        (b"id: 1\ndata: x\n\ndata: y\n\n", "1"),
        (b"id: 1\n\n", "1"),  # no data, no event, and yet it counts
        (b"id: 1\ndata: x\n\nid: 2\ndata: y\n", "1"),  # the blank line has not come
        (b"id: 1\ndata: x\n\nid\ndata: y\n\n", ""),
        (b"id: 1\ndata: x\n\nid: 2\0\ndata: y\n\n", "1"),
        (b"data: x\n\n", "7"),
    ],
)
def test_the_last_id_is_what_a_reconnect_sends(body: bytes, last_event_id: str) -> None:
    assert after(body, "7" if last_event_id == "7" else "").last_event_id == last_event_id


@pytest.mark.parametrize(
    ("body", "retry"),
    [(b"retry: 30\n", 30), (b"retry:3x\n", None), (b"retry\n", None), ("retry: \u0663\n".encode(), None)],
)
def test_retry_counts_when_it_is_digits_alone(body: bytes, retry: int | None) -> None:
    assert after(body).retry_ms == retry
