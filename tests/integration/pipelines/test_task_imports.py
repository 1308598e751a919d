"""A cold start pays for every module that is imported: a task imports what it needs and nothing that can wait."""

from __future__ import annotations

import subprocess
import sys

import pytest

TASKS = (
    *(f"auto_fix.{task}" for task in ("fetch", "scan", "detect", "verify", "combine", "report", "finish")),
    "fail",
)
# boto3 costs 200 ms and is imported on first use; the others belong to the API or to the command.
LATE = (
    "boto3",
    "fastapi",
    "starlette",
    "httpx",
    "psycopg_pool",
    "rich",
    "moto",
    "uvicorn",
    "jwt",
    "cryptography",
)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_imports_nothing_that_can_wait(task: str) -> None:
    program = f"import sys, pipelines.{task}; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(LATE) & set(done.stdout.split()) == set()
