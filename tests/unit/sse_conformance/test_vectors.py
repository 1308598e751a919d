"""The byte vectors of the WHATWG standard (vectors.json) through two parsers; tests/browser has two more.

`bytes` is text in which each character is a byte (Latin-1); `events` are id, type and data; `lastEventId` is what
a client sends when it comes back, `retry` the wait in milliseconds. `source` names the case of the WPT list
(`eventsource/`) or of LaunchDarkly's SSE contract list that the vector, written from the standard, stands for;
cases_of_others.json has both lists whole, with the reason of what is left out.
`httpxSseDiffers` says where that parser leaves the standard, `nodeDiffers` where Node does; nyxcore sends nothing
of the kind.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource

from nyx.sse_parser import EventParser

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
NAMES = [vector["name"] for vector in VECTORS]
STEPS = [None, 1, 2, 3, 7]


class Pieces(httpx.SyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Any:
        return iter(self._pieces)


def pieces_of(vector: dict[str, Any], step: int | None) -> list[bytes]:
    body = vector["bytes"].encode("latin-1")
    size = step or max(len(body), 1)
    return [body[start : start + size] for start in range(0, len(body), size)]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
def test_our_parser_reads_the_vector(vector: dict[str, Any], step: int | None) -> None:
    parser = EventParser()
    events = [event for piece in pieces_of(vector, step) for event in parser.feed(piece)]
    assert [[event.id, event.type, event.data] for event in events] == vector["events"]
    if "lastEventId" in vector:
        assert parser.last_event_id == vector["lastEventId"]
    assert parser.retry_ms == vector.get("retry")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
def test_httpx_sse_reads_the_vector_or_is_known_to_differ(vector: dict[str, Any], step: int | None) -> None:
    response = httpx.Response(
        200, headers={"content-type": "text/event-stream"}, stream=Pieces(pieces_of(vector, step))
    )
    events = [[event.id, event.event, event.data] for event in EventSource(response).iter_sse()]
    assert (events == vector["events"]) is ("httpxSseDiffers" not in vector)
