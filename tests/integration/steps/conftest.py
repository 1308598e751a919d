"""Workflows on a real database and moto's S3, with Step Functions played in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from machine import ARN, Machine
from moto import mock_aws
from workbench import Workbench

from nyxcore.db.connection import Database
from nyxcore.runs import dispatch
from nyxcore.settings import settings
from nyxcore.storage import objects


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An embedded deployment with the machines of workflows and of their analyses."""
    monkeypatch.setenv("NYX_DEPLOYMENT", "embedded")
    machines = {kind: ARN.format(kind) for kind in ("workflow", "auto-fix")}
    monkeypatch.setenv("NYX_STATE_MACHINES", json.dumps(machines))
    monkeypatch.setenv("NYX_BEDROCK_TENANTS", '["*"]')
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    caches = (settings, objects.client)
    for cached in caches:
        cached.cache_clear()
    with mock_aws():
        objects.client().create_bucket(Bucket=settings().bucket)
        yield
    for cached in caches:
        cached.cache_clear()


@pytest.fixture
def machine(db: Database, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(db)
    monkeypatch.setattr(dispatch, "_client", lambda: machine)
    return machine


@pytest.fixture
def bench(db: Database, machine: Machine, new_tenant: Callable[[], UUID]) -> Workbench:
    return Workbench(db, machine, new_tenant())
