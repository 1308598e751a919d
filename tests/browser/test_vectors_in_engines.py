"""The byte vectors of tests/unit/sse_conformance, read by EventSource in Chromium and in Node.

Chromium reads every one as the standard says. Node 20 (undici 6) has errors of its own, which `nodeDiffers` names;
nyxcore sends nothing of the kind.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from engines import Engine
from wire_server import ROOT, Answer, Asked, WireServer

VECTORS = json.loads((ROOT / "tests/unit/sse_conformance/vectors.json").read_text())
TYPES = sorted({"message"} | {kind for vector in VECTORS for _, kind, _ in vector["events"]})
PAIRS = [("chromium", vector) for vector in VECTORS] + [
    ("node", vector) for vector in VECTORS if "nodeDiffers" not in vector
]
LONGEST_IN_PIECES = 120
_numbers = itertools.count()


def read(wire: WireServer, engine: Engine, vector: dict[str, Any], step: int) -> tuple[Any, list[str | None]]:
    """What the engine makes of the vector, and what it sends as `Last-Event-ID`, once for each request."""
    body = vector["bytes"].encode("latin-1")
    pieces = tuple(body[start : start + step] for start in range(0, len(body), step))
    sent: list[str | None] = []

    def answer(asked: Asked) -> Answer:
        sent.append(asked.headers.get("last-event-id"))
        return Answer(pieces=pieces, pause=0.0005 * (step < len(body))) if len(sent) == 1 else Answer(204, {})

    path = f"/vectors/{next(_numbers)}"
    wire.routes[path] = answer
    argument = {"url": wire.origin + path, "types": TYPES, "comesBack": "lastEventId" in vector}
    return engine.call("readStream", argument), sent


@pytest.mark.parametrize(
    ("engine", "vector"),
    PAIRS,
    ids=[f"{name}: {vector['name']}" for name, vector in PAIRS],
    indirect=["engine"],
)
def test_the_engine_reads_the_vector(wire: WireServer, engine: Engine, vector: dict[str, Any]) -> None:
    steps = {len(vector["bytes"]) or 1} | ({1, 2} if len(vector["bytes"]) <= LONGEST_IN_PIECES else set())
    for step in steps:
        result, sent = read(wire, engine, vector, step)
        assert result["events"] == vector["events"]
        assert result["opens"] == 1
        if "lastEventId" in vector:
            assert sent == [None, vector["lastEventId"] or None]
