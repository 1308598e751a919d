"""What the encoder writes, two parsers read back, and nothing in it can start a line of its own."""

from __future__ import annotations

import json

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import given
from hypothesis import strategies as st

from nyx.sse_parser import EventParser
from nyxcore.runs import sse

LINE_ENDS = "\r\n\0\u2028\u2029\u0085\ufeff\x0b\x0c"
text = (
    st.text()
    | st.text(alphabet=LINE_ENDS + "a: ")
    | st.sampled_from(["id: 9", "\n\ndata: x", "\r\nevent: y"])
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
names = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
ids = st.integers(min_value=0, max_value=1 << 62)
documents = st.lists(st.tuples(ids, names, values, st.booleans()), min_size=1, max_size=5)


def read_by_httpx_sse(body: bytes) -> list[tuple[str, str, str]]:
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    return [(event.id, event.event, event.data) for event in EventSource(response).iter_sse()]


def read_by_ours(body: bytes, *, every: int) -> list[tuple[str, str, str]]:
    parser = EventParser()
    pieces = [body[start : start + every] for start in range(0, len(body), every)]
    return [(event.id, event.type, event.data) for piece in pieces for event in parser.feed(piece)]


@given(documents)
def test_two_parsers_read_back_what_was_encoded_however_it_is_cut(
    events: list[tuple[int, str, object, bool]],
) -> None:
    body = b"".join(
        sse.encode(number, name, json.dumps(value, ensure_ascii=ascii_only, indent=None if ascii_only else 1))
        for number, name, value, ascii_only in events
    )
    by_httpx = read_by_httpx_sse(body)
    assert by_httpx == read_by_ours(body, every=1) == read_by_ours(body, every=7)
    assert [(int(number), name) for number, name, _ in by_httpx] == [event[:2] for event in events]
    assert [json.loads(data) for _, _, data in by_httpx] == [event[2] for event in events]


@given(documents)
def test_the_bytes_are_ascii_with_no_control_character_but_the_line_feeds_of_the_form(
    events: list[tuple[int, str, object, bool]],
) -> None:
    for number, name, value, _ in events:
        body = sse.encode(number, name, json.dumps(value, ensure_ascii=False))
        assert body.count(b"\n") == 4 and body.endswith(b"\n\n")
        assert all(byte == 0x0A or 0x20 <= byte <= 0x7E for byte in body)


@pytest.mark.parametrize("end", LINE_ENDS)
def test_no_line_end_of_any_kind_comes_through_in_the_name(end: str) -> None:
    for name in (f"log{end}", f"{end}log", f"log{end}id: 1", end, ""):
        with pytest.raises(ValueError, match="name of an event"):
            sse.encode(1, name, "{}")


def test_data_that_is_no_json_and_a_negative_id_are_refused() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        sse.encode(1, "log", "{\n")
    with pytest.raises(ValueError, match="negative"):
        sse.encode(-1, "log", "{}")


def test_comments_and_retry_are_no_events_wherever_they_stand() -> None:
    event = sse.encode(1, "log", "{}")
    body = sse.retry(1500) + event + sse.comment() + sse.comment() + event + sse.comment()
    assert read_by_httpx_sse(body) == read_by_ours(body, every=1) == [("1", "log", "{}")] * 2
    parser = EventParser()
    assert list(parser.feed(sse.retry(1500))) == []
    assert parser.retry_ms == 1500
