"""The tasks of the auto-fix pipeline, called one after another as the state machine would, without a server for S3."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from moto import mock_aws
from task_runner import TaskRunner

from nyxcore.db.connection import Database
from nyxcore.runs import dispatch
from nyxcore.settings import settings
from nyxcore.storage import objects

SAMPLE = Path(__file__).parents[3] / "local" / "nyx" / "sample"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An embedded deployment whose S3 is moto's, inside this process."""
    monkeypatch.setenv("NYX_DEPLOYMENT", "embedded")
    machines = {kind: f"arn:aws:states:us-east-1:1:stateMachine:{kind}" for kind in ("auto-fix", "report")}
    monkeypatch.setenv("NYX_STATE_MACHINES", json.dumps(machines))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("NYX_BEDROCK_TENANTS", '["*"]')
    caches = (settings, objects.client, dispatch._client)
    for cached in caches:
        cached.cache_clear()
    with mock_aws():
        objects.client().create_bucket(Bucket=settings().bucket)
        yield
    for cached in caches:
        cached.cache_clear()


@pytest.fixture
def runner(db: Database, new_tenant: Callable[[], UUID], tmp_path: Path) -> TaskRunner:
    return TaskRunner(db, new_tenant(), tmp_path)
