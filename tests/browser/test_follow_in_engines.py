"""The JavaScript client on EventSource in Chromium and in Node, against the cases that all clients have.

Node 20 heeds a `retry` only with the event behind it, so cases in which none comes would take 3 s each there.
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from engines import Engine
from wire_server import EVENT_STREAM, ROOT, Answer, Asked, WireServer

from nyxcore.runs import sse

CASES = json.loads((ROOT / "tests/unit/sse_conformance/follow_cases.json").read_text())
PAIRS = [("chromium", case) for case in CASES] + [
    ("node", case) for case in CASES if all(attempt.get("events") != [] for attempt in case["attempts"])
]
_numbers = itertools.count()


class Script:
    """Answers as a case says; what asks why an attempt failed (`asking=1`) is answered as that attempt was."""

    def __init__(self, attempts: list[dict[str, Any]]) -> None:
        self._attempts: Iterator[dict[str, Any]] = iter(attempts)
        self._last: dict[str, Any] = {}
        self.cursors: list[str | None] = []

    def __call__(self, asked: Asked) -> Answer:
        if "asking" not in asked.query:
            self._last = next(self._attempts)
            self.cursors.append(asked.headers.get("last-event-id") or asked.query.get("lastEventId"))
        return answer_of(self._last)


def answer_of(attempt: dict[str, Any]) -> Answer:
    if attempt.get("unreachable"):
        return Answer(None)
    if "status" in attempt:
        problem = json.dumps({"detail": attempt.get("detail")}).encode()
        return Answer(attempt["status"], {"Content-Type": "application/problem+json"}, (problem,))
    body = sse.retry(5) + b"".join(encoded(event) for event in attempt["events"])
    if "half" in attempt:
        whole = encoded(attempt["half"])
        body += whole[: len(whole) // 2]
    headers = {"Content-Type": attempt.get("type", EVENT_STREAM)}
    if "gzip" in attempt:
        packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
        body = packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH if "half" in attempt else zlib.Z_FINISH)
        headers["Content-Encoding"] = "gzip"
    return Answer(200, headers, (body,), broken=attempt.get("breaks", False))


def encoded(event: list[Any]) -> bytes:
    number, kind, data = event
    return sse.encode(number, kind, data if isinstance(data, str) else json.dumps(data))


@pytest.mark.parametrize(
    ("engine", "case"), PAIRS, ids=[f"{name}: {case['name']}" for name, case in PAIRS], indirect=["engine"]
)
def test_the_client_does_as_it_does_elsewhere(wire: WireServer, engine: Engine, case: dict[str, Any]) -> None:
    run_id = f"r{next(_numbers)}"
    script = Script(case["attempts"])
    wire.routes[f"/api/v1/events/runs/{run_id}"] = script
    followed = engine.call("followRun", {"origin": wire.origin, "runId": run_id, "after": case["after"]})
    assert followed == {"events": case["delivered"], "end": case["end"]}
    assert script.cursors == case["cursors"]
