"""The process that is measured as the stream's Lambda function; it imports nothing that the function does not need.

`python -m benchmarks.stream_function resident <run id> <authorization>` prints its resident memory in MB after the
last event of a run of 1,000 events, and the most that it ever was.

`... timed <finished run> <authorization> <running run> <authorization>` prints a line of JSON, all in seconds: the
instant at which the import was over; how long the first request took to its first byte, and further ones; how long
replays of the finished run took; and, while it follows the running one, the instant of each `log` event.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_TIMES = 7


class Context:
    """What the handler asks of Lambda's context object, as the function's timeout has it."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda would end the invocation."""
        return 180_000


def _request(run_id: str, authorization: str) -> dict[str, object]:
    return {
        "requestContext": {},
        "headers": {"Authorization": authorization},
        "pathParameters": {"family": "runs", "runId": run_id},
        "queryStringParameters": None,
    }


def _chunks(run_id: str, authorization: str) -> Any:
    from stream.handler import handler

    response = handler(_request(run_id, authorization), Context())
    assert response is not None
    return response.chunks


def _replay(run_id: str, authorization: str) -> None:
    body = b"".join(_chunks(run_id, authorization))
    assert body.count(b"event: ") == 1_000, f"{body.count(b'event: ')} events"


def _first_byte(run_id: str, authorization: str) -> float:
    began = time.monotonic()
    chunks = _chunks(run_id, authorization)
    next(chunks)
    took = time.monotonic() - began
    chunks.close()
    return took


def _seconds(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _resident(run_id: str, authorization: str) -> None:
    _replay(run_id, authorization)
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = {line.partition(":")[0]: line.split() for line in lines}
    print(int(sizes["VmRSS"][1]) / 1024, int(sizes["VmHWM"][1]) / 1024)


def _timed(finished: str, reads: str, running: str, follows: str) -> None:
    _tell(time.monotonic())
    _tell(_first_byte(running, follows))
    _tell([_first_byte(running, follows) for _ in range(_TIMES)])
    _tell([_seconds(lambda: _replay(finished, reads)) for _ in range(_TIMES)])
    chunks = _chunks(running, follows)
    _tell(len(next(chunks)))
    for chunk in chunks:
        if b"event: log" in chunk:
            _tell(time.monotonic())


def _tell(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    import stream_runtime  # noqa: F401 - as in Lambda, where it is the program

    import stream.handler  # noqa: F401

    {"resident": _resident, "timed": _timed}[sys.argv[1]](*sys.argv[2:])
