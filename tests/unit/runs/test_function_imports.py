"""What a function imports is its cold start: each loads what it needs, and the rest on first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

NEVER = {"boto3", "botocore", "fastapi", "httpx", "jwt", "mangum", "moto", "psycopg_pool", "starlette"}


@pytest.mark.parametrize("module", ["stream.handler", "sweep.handler"])
def test_a_function_imports_no_framework_and_no_client_that_it_may_not_need(module: str) -> None:
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert {"psycopg", "pydantic"} <= set(loaded.split())
    assert NEVER & set(loaded.split()) == set()
