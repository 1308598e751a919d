"""Which answers EventSource takes for a stream: the facts that the server's answers and the client rest on.

WHATWG section 9.2.3: any status but 200 and any type but text/event-stream fail the connection for good; a
connection that breaks is made anew. The cases are those of the WPT lists `request-*` and `format-mime-*`.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from engines import Engine
from wire_server import Answer, Asked, WireServer

from nyxcore.runs import sse

CLOSED = 2
FINAL = [204, 205, 210, 299, 400, 401, 403, 404, 410, 429, 500, 502, 503, 504]
TAKEN = [
    "text/event-stream",
    "text/event-stream;",
    "text/event-stream; charset=utf-8",
    "Text/Event-Stream;x=y",
]
REFUSED = ["text/event-streambogus", "text/html", "x bogus", "application/octet-stream"]
BODY = (b"retry: 5\nid: 1\ndata: x\n\n",)
_numbers = itertools.count()


def ask(
    wire: WireServer, engine: Engine, *answers: Answer, comes_back: bool = True
) -> tuple[dict[str, Any], list[Asked]]:
    """What the engine makes of these answers, one for each request and 204 then, and what it asked for."""
    asked_for: list[Asked] = []
    script = iter(answers)

    def answer(asked: Asked) -> Answer:
        asked_for.append(asked)
        return next(script, Answer(204, {}))

    path = f"/refusals/{next(_numbers)}"
    wire.routes[path] = answer
    argument = {"url": wire.origin + path, "types": ["message"], "comesBack": comes_back}
    return engine.call("readStream", argument), asked_for


@pytest.mark.parametrize("status", FINAL)
def test_a_status_ends_it_for_good(wire: WireServer, engine: Engine, status: int) -> None:
    result, asked = ask(wire, engine, Answer(status, {"Content-Type": "text/event-stream"}, BODY))
    assert result == {"events": [], "readyState": CLOSED, "opens": 0}
    assert len(asked) == 1


@pytest.mark.parametrize("kind", TAKEN)
def test_a_type_is_taken_whatever_its_parameters(wire: WireServer, engine: Engine, kind: str) -> None:
    result, _ = ask(wire, engine, Answer(200, {"Content-Type": kind}, BODY))
    assert result["events"] == [["1", "message", "x"]]


def test_the_type_that_the_server_sends_is_taken(wire: WireServer, engine: Engine) -> None:
    result, _ = ask(wire, engine, Answer(200, {"Content-Type": sse.MEDIA_TYPE}, BODY))
    assert result["events"] == [["1", "message", "x"]]


@pytest.mark.parametrize("kind", [*REFUSED, None])
def test_another_type_ends_it_for_good(wire: WireServer, engine: Engine, kind: str | None) -> None:
    result, asked = ask(wire, engine, Answer(200, {"Content-Type": kind} if kind else {}, BODY))
    assert result == {"events": [], "readyState": CLOSED, "opens": 0}
    assert len(asked) == 1


@pytest.mark.parametrize("end", ["broken", "whole"])
def test_a_connection_that_ends_is_made_anew_with_the_last_id(
    wire: WireServer, engine: Engine, end: str
) -> None:
    first = Answer(pieces=BODY, broken=end == "broken")
    result, asked = ask(wire, engine, first, Answer(pieces=(b"data: y\n\n",)))
    assert result == {
        "events": [["1", "message", "x"], ["1", "message", "y"]],
        "readyState": CLOSED,
        "opens": 2,
    }
    assert [request.headers.get("last-event-id") for request in asked] == [None, "1", "1"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_followed(wire: WireServer, engine: Engine, status: int) -> None:
    target = f"/refusals/{next(_numbers)}"
    wire.routes[target] = lambda _: Answer(pieces=BODY)
    result, _ = ask(wire, engine, Answer(status, {"Location": wire.origin + target}), comes_back=False)
    assert result["events"] == [["1", "message", "x"]]


def test_what_it_asks_for(wire: WireServer, engine: Engine) -> None:
    _, asked = ask(wire, engine)
    assert asked[0].headers["accept"] == "text/event-stream"
    assert asked[0].headers["cache-control"] == "no-cache"
    assert "authorization" not in asked[0].headers
