"""The tasks of the auto-fix pipeline, called one after another as the state machine would, without a server for S3."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from memory_s3 import memory_s3
from task_runner import TaskRunner

from nyxcore.db.connection import Database
from nyxcore.runs import dispatch

SAMPLE = Path(__file__).parents[3] / "local" / "nyx" / "sample"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An embedded deployment whose S3 is moto's, inside this process."""
    monkeypatch.setenv("NYX_DEPLOYMENT", "embedded")
    machines = {kind: f"arn:aws:states:us-east-1:1:stateMachine:{kind}" for kind in ("auto-fix", "report")}
    monkeypatch.setenv("NYX_STATE_MACHINES", json.dumps(machines))
    monkeypatch.setenv("NYX_BEDROCK_TENANTS", '["*"]')
    with memory_s3(monkeypatch, dispatch._client):
        yield


@pytest.fixture
def runner(db: Database, new_tenant: Callable[[], UUID], tmp_path: Path) -> TaskRunner:
    return TaskRunner(db, new_tenant(), tmp_path)
