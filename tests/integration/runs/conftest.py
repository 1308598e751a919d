"""A tenant with a project, a repository and settings under which auto-fix runs may be made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from run_workspace import Workspace
from runtime_api import RuntimeApi
from stream_bench import StreamBench

from nyxcore.db.connection import Database
from nyxcore.runs import dispatch
from nyxcore.runs.hub import StreamHub
from nyxcore.settings import settings
from nyxcore.storage import objects

ROOT = Path(__file__).parents[3]
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:auto-fix"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, database_urls: object) -> Iterator[None]:
    """Settings of this test, and no client of an earlier one."""
    monkeypatch.setenv("NYX_DATABASE_URL", database_urls.app_url)  # type: ignore[attr-defined]
    monkeypatch.setenv("NYX_STATE_MACHINES", json.dumps({"auto-fix": MACHINE}))
    monkeypatch.setenv("NYX_PUBLIC_BASE_URL", "https://nyx.example")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    caches = (settings, objects.client, dispatch._client)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.fixture(scope="module")
def module_database_urls(postgres: Any) -> Iterator[object]:
    """One database for a module whose tests have each a tenant of their own and look at no other."""
    name = postgres.create()
    yield postgres.urls(name)
    postgres.drop(name)


@pytest.fixture
def workspace(db: Database, new_tenant: Callable[[], UUID]) -> Workspace:
    return Workspace(db, new_tenant())


@pytest.fixture
def hub(db: Database) -> Iterator[StreamHub]:
    hub = StreamHub(db.connect)
    yield hub
    hub.close()


@pytest.fixture
def bench(workspace: Workspace, hub: StreamHub) -> StreamBench:
    return StreamBench(workspace, hub)


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is under /opt in Lambda."""
    folder = tmp_path_factory.mktemp("opt")
    subprocess.run(
        [
            "make",
            "-s",
            "-C",
            ROOT / "layers" / "stream_runtime",
            "build-StreamRuntimeLayer",
            f"ARTIFACTS_DIR={folder}",
        ],
        check=True,
    )
    return folder


@pytest.fixture
def runtime() -> Iterator[RuntimeApi]:
    api = RuntimeApi()
    yield api
    api.close()


@pytest.fixture
def start_function(layer: Path, runtime: RuntimeApi) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the process of a function: handler, folder of its code, further environment."""
    with ExitStack() as stack:

        def start(handler: str, code: Path, **environment: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [layer / "bin" / "stream-wrapper", sys.executable, "/var/runtime/bootstrap.py"],
                env={
                    "PATH": os.environ["PATH"],
                    "AWS_LAMBDA_RUNTIME_API": runtime.address,
                    "_HANDLER": handler,
                    "LAMBDA_TASK_ROOT": str(code),
                    **environment,
                },
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield start
