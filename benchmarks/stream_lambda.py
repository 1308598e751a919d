"""The stream's Lambda process: what its import costs, and how large it is once it has served a run.

Run as a program it is that process, `python -m benchmarks.stream_lambda <run id> <authorization>`, and prints its
resident memory in MB after the run's last event, and the most that it ever was.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import import_cpu_seconds

_RUNTIME = str(Path(__file__).parents[1] / "layers/stream_runtime")


def lambda_rows(database_url: str, run_id: str, authorization: str) -> list[tuple[str, str, str]]:
    """Rows of (what, figure, target)."""
    took = import_cpu_seconds("stream_runtime", "stream.handler", path=_RUNTIME)
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.stream_lambda", run_id, authorization],
        env=os.environ | {"NYX_DATABASE_URL": database_url, "PYTHONPATH": _RUNTIME},
        capture_output=True,
        text=True,
        check=True,
    )
    now, peak = map(float, told.stdout.split())
    return [
        ("stream function: import, its runtime loop included", f"{took * 1000:.0f} ms of CPU", "≤ 250 ms"),
        (
            "stream function: resident after a run of 1,000 events",
            f"{now:.0f} MB, at most {peak:.0f} MB",
            "≤ 70 MB",
        ),
    ]


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 180_000


def _main(run_id: str, authorization: str) -> None:
    importlib.import_module("stream_runtime")
    from stream.handler import handler

    event = {
        "requestContext": {},
        "headers": {"Authorization": authorization},
        "pathParameters": {"family": "runs", "runId": run_id},
        "queryStringParameters": None,
    }
    response = handler(event, _Context())
    assert response is not None
    body = b"".join(response.chunks)
    assert body.count(b"event: ") == 1_000, f"{body.count(b'event: ')} events"
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = {line.partition(":")[0]: line.split() for line in lines}
    print(int(sizes["VmRSS"][1]) / 1024, int(sizes["VmHWM"][1]) / 1024)


if __name__ == "__main__":
    _main(*sys.argv[1:])
