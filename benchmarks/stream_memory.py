"""The stream's Lambda process with the CPU that each size of memory pays for, and what that size costs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from benchmarks.cpu_share import CpuShare, share_of
from benchmarks.stream_database import Followed, StreamDatabase, stream_database
from benchmarks.stream_lambda import RUNTIME
from benchmarks.stream_writers import RunWriter

SIZES = (128, 256, 512, 1024)  # MB
_STARTS, _LIVE = 3, 12
_GAP = 0.4  # seconds between live events
_GB_SECOND = 0.0000166667  # US dollars, x86, us-east-1

type Row = tuple[str, str, str]
type Table = tuple[Row, list[Row]]


@dataclass
class Taken:
    """Seconds, of one process under one share."""

    imported: float
    first_byte_cold: float
    first_byte: list[float]
    replay: list[float]
    live: list[float]


def tables() -> Iterator[Table]:
    """Rows of (what, figure, "") for each size of memory."""
    with stream_database() as database:
        finished, (running,) = database.finished(1_000), database.runs(1)
        rows = [row for size in SIZES for row in _rows(size, database, finished, running)]
    yield ("what", "measured", "target"), rows


def _rows(size: int, database: StreamDatabase, finished: Followed, running: Followed) -> Iterator[Row]:
    # other work on the machine can only make a time longer, so the best of several is the least wrong
    found = [_measured(size, database, finished, running) for _ in range(_STARTS)]
    hour = size / 1024 * 3600 * _GB_SECOND
    figures = (
        ("start to the end of the import", _ms(min(taken.imported for taken in found))),
        ("first byte, first request", _ms(min(taken.first_byte_cold for taken in found))),
        ("first byte, further ones", _ms(min(statistics.median(taken.first_byte) for taken in found))),
        ("replay of 1,000 events", _ms(min(statistics.median(taken.replay) for taken in found))),
        ("from commit to the stream, p50", _ms(min(statistics.median(taken.live) for taken in found))),
        ("a stream held for an hour", f"${hour:.4f}"),
    )
    for what, figure in figures:
        yield f"{size} MB, {share_of(size):.0%} of a CPU: {what}", figure, ""


def _environment(database: StreamDatabase) -> dict[str, str]:
    # the layer is compiled, so what the process imports here is to be too: the first of them compiles it
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {"NYX_DATABASE_URL": database.url, "PYTHONPATH": RUNTIME}


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _measured(size: int, database: StreamDatabase, finished: Followed, running: Followed) -> Taken:
    started = time.monotonic()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "benchmarks.stream_function",
            "timed",
            str(finished.run_id),
            finished.authorization,
            str(running.run_id),
            running.authorization,
        ],
        env=_environment(database),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process, CpuShare(process.pid, share_of(size)):
        assert process.stdout is not None
        tell = (json.loads(line) for line in process.stdout)
        taken = Taken(next(tell) - started, next(tell), next(tell), next(tell), [])
        next(tell)  # it follows the running run
        with closing(RunWriter(database.url)) as writer:
            for number in range(_LIVE):
                time.sleep(_GAP)
                writer.write(running, f"{size} {number}")
                committed = time.monotonic()
                taken.live.append(next(tell) - committed)
        process.kill()
    return taken
