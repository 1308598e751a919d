"""A handler that does what its event says; loaded by the loop under test, in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Body:
    chunks: Iterator[bytes]
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/plain"})


def handler(event: Any, context: Any) -> object:
    what = event.get("what") if isinstance(event, dict) else None
    if what == "raise":
        raise LookupError("no such thing")
    if what == "context":
        return {
            "left": context.get_remaining_time_in_millis(),
            "id": context.aws_request_id,
            "trace": os.environ["_X_AMZN_TRACE_ID"],
        }
    if what == "paced":
        return Body(_paced(Path(event["gates"]), event["count"]))
    if what == "breaks":
        return Body(_breaks())
    if what == "endless":
        return Body(_endless(Path(event["closed"])))
    return {"echo": event}


def _paced(gates: Path, count: int) -> Iterator[bytes]:
    """The next chunk only when the test has seen the one before and opened the gate."""
    for number in range(count):
        while not (gates / str(number)).exists():
            time.sleep(0.005)
        yield b"chunk %d\n" % number


def _breaks() -> Iterator[bytes]:
    yield b"so far so good\n"
    raise ValueError("broke in the middle")


def _endless(closed: Path) -> Iterator[bytes]:
    try:
        while True:
            yield b"more\n"
            time.sleep(0.01)
    finally:
        closed.write_text("yes")
