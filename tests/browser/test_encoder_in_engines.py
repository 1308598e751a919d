"""What the encoder writes is read alike by three parsers that know nothing of each other, ours and httpx-sse."""

from __future__ import annotations

import itertools
import json

import httpx
from engines import Engine
from httpx_sse import EventSource
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_server import Answer, Asked, WireServer

from nyx.sse_parser import EventParser
from nyxcore.runs import sse

text = (
    st.text()
    | st.text(alphabet="\r\n\0\u2028\u2029\u0085\ufeff\x0b\x0c: adt")
    | st.just("\r\nid: 9\n\ndata: x")
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(["log", "snapshot", "done", "a-b_c9"])
ids = st.integers(min_value=0, max_value=1 << 62)
documents = st.lists(st.tuples(ids, names, values), min_size=1, max_size=20)
_numbers = itertools.count()


@given(events=documents, ascii_only=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_parser_reads_back_what_was_encoded(
    wire: WireServer, engine: Engine, events: list[tuple[int, str, object]], ascii_only: bool
) -> None:
    pieces = [sse.retry(5)]
    for number, name, value in events:
        pieces += [sse.encode(number, name, json.dumps(value, ensure_ascii=ascii_only)), sse.comment()]
    body = b"".join(pieces)
    expected = [[str(number), name, value] for number, name, value in events]

    ours = [[event.id, event.type, event.data] for event in EventParser().feed(body)]
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    by_httpx_sse = [[event.id, event.event, event.data] for event in EventSource(response).iter_sse()]
    by_engine = read(wire, engine, body)

    assert ours == by_httpx_sse == by_engine
    assert [[number, name, json.loads(data)] for number, name, data in ours] == expected


def read(wire: WireServer, engine: Engine, body: bytes) -> object:
    path = f"/encoded/{next(_numbers)}"

    def answer(_: Asked) -> Answer:
        return Answer(pieces=(body,))

    wire.routes[path] = answer
    types = ["log", "snapshot", "done", "a-b_c9", "message"]
    result = engine.call("readStream", {"url": wire.origin + path, "types": types, "comesBack": False})
    return result["events"]
