"""What breaks here: connections, the database, the stack, tasks. The sizes are those of CI, or of `make soak`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from moto import mock_aws

TESTS = Path(__file__).parents[1]
# a run's workspace and its streams, the pipeline's tasks, the command: as the tests of those folders use them
sys.path += [str(TESTS / folder) for folder in ("runs", "pipelines", "stack", "llm")]

from run_workspace import Workspace  # noqa: E402
from stack_bench import NYX, PATIENCE, Dev  # noqa: E402
from stack_runs import write_tree  # noqa: E402
from stages import WatchedDatabase  # noqa: E402
from stream_bench import StreamBench  # noqa: E402
from task_runner import TaskRunner  # noqa: E402

from nyx.postgres import Postgres, bundled_binaries, free_port  # noqa: E402
from nyxcore.db.connection import Database  # noqa: E402
from nyxcore.db.migrate import migrate  # noqa: E402
from nyxcore.db.roles import DATABASE, OWNER, bootstrap  # noqa: E402
from nyxcore.runs import dispatch  # noqa: E402
from nyxcore.runs.hub import StreamHub  # noqa: E402
from nyxcore.settings import settings  # noqa: E402
from nyxcore.storage import objects  # noqa: E402

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:auto-fix"


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether there is time for the long form of a test."""
    return "NYX_SOAK" in os.environ


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings under which auto-fix runs may be made on folders, and no client of an earlier test."""
    monkeypatch.setenv("NYX_DEPLOYMENT", "embedded")
    monkeypatch.setenv("NYX_STATE_MACHINES", json.dumps({"auto-fix": MACHINE}))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("NYX_BEDROCK_TENANTS", '["*"]')
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    caches = (settings, objects.client, dispatch._client)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.fixture
def workspace(db: Database, new_tenant: Callable[[], UUID]) -> Workspace:
    return Workspace(db, new_tenant())


@pytest.fixture
def bench(workspace: Workspace, pooled: Database) -> Iterator[StreamBench]:
    hub = StreamHub(pooled.connect)
    yield StreamBench(workspace, hub)
    hub.close()


@pytest.fixture
def runner(db: Database, new_tenant: Callable[[], UUID], tmp_path: Path) -> Iterator[TaskRunner]:
    """The tasks of auto-fix, with S3 inside this process."""
    with mock_aws():
        objects.client().create_bucket(Bucket=settings().bucket)
        yield TaskRunner(db, new_tenant(), tmp_path)


@pytest.fixture
def watched(database_urls: object) -> Iterator[WatchedDatabase]:
    with closing(WatchedDatabase(database_urls.app_url)) as database:  # type: ignore[attr-defined]
        yield database


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that takes some seconds to fix."""
    folder = tmp_path_factory.mktemp("tree")
    write_tree(folder)
    return folder


@pytest.fixture
def nyx(tmp_path: Path, kept_home: Path) -> Iterator[Callable[..., Dev]]:
    """Starts `nyx` commands on one home; those that are left are ended after the test."""
    started: list[Dev] = []
    home = tmp_path / "home"
    shutil.copytree(kept_home, home)
    shell = {name: value for name, value in os.environ.items() if not name.startswith(("NYX_", "AWS_"))}

    def start(*arguments: str) -> Dev:
        process = subprocess.Popen(
            [NYX, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**shell, "NYX_HOME": str(home)}, cwd=tmp_path,
        )  # fmt: skip
        started.append(Dev(process, home))
        return started[-1]

    yield start
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
        command.process.communicate(timeout=PATIENCE)


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A server of this test's own, with what a crash needs to lose nothing that was committed."""
    folder = Path(tempfile.mkdtemp(prefix="nyxcore-test-killed-"))
    server = Postgres(bundled_binaries(), folder / "data", free_port(), options={"max_connections": "40"})
    try:
        server.initdb()
        server.start()
        bootstrap(server.superuser_url, owner_password="owner", app_password="app")
        migrate(server.url(OWNER, "owner", DATABASE))
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
