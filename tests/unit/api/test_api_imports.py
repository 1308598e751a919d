"""Cold start: what a function imports before its first request."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import pytest

# Each costs 50 to 400 ms of CPU, and is needed by some requests only or by none.
_HEAVY = {
    "boto3",
    "botocore",
    "moto",
    "httpx",
    "cryptography",
    "jwt",
    "psycopg_pool",
    "rich",
    "uvicorn",
    "yaml",
}


@cache
def _imported(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sorted(sys.modules), sep='\\n')"
    listed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(listed.stdout.split())


@pytest.mark.parametrize("module", ["api.handler", "authorizer.handler", "stream.handler"])
def test_a_function_imports_nothing_heavy(module: str) -> None:
    assert _imported(module) & _HEAVY == set()


@pytest.mark.parametrize("module", ["api.handler", "authorizer.handler", "stream.handler"])
def test_who_asks_for_the_schema_s_version_does_not_load_the_runner_of_migrations(module: str) -> None:
    # the runner's reader of SQL compiles patterns for 10 to 20 ms
    runner = {"nyxcore.db.migrate", "nyxcore.db.migration_files", "nyxcore.db.statements"}
    assert "nyxcore.db.schema" in (imported := _imported(module))
    assert imported & runner == set()


@pytest.mark.parametrize(
    "module", ["authorizer.handler", "stream.handler", "nyxcore.tenancy.service", "nyxcore.runs.stream"]
)
def test_who_only_authenticates_needs_no_web_framework(module: str) -> None:
    assert _imported(module) & {"fastapi", "starlette", "mangum"} == set()


def test_the_application_reads_no_environment_when_it_is_imported() -> None:
    code = "import api.app; assert api.app.app.openapi()['paths']"
    subprocess.run([sys.executable, "-c", code], check=True, env={"NYX_POOL_SIZE": "no number"})
