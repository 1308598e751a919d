"""The stream's Lambda process: what its import costs, and how large it is once it has served a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import import_cpu_seconds

RUNTIME = str(Path(__file__).parents[1] / "layers/stream_runtime")
"""Where the process finds the runtime loop that is a layer in Lambda."""


def lambda_rows(database_url: str, run_id: str, authorization: str) -> list[tuple[str, str, str]]:
    """Rows of (what, figure, target)."""
    took = import_cpu_seconds("stream_runtime", "stream.handler", path=RUNTIME)
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.stream_function", "resident", run_id, authorization],
        env=os.environ | {"NYX_DATABASE_URL": database_url, "PYTHONPATH": RUNTIME},
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
