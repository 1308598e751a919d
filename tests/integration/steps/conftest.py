"""Workflows on a real database and moto's S3, with Step Functions played in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from machine import ARN, Machine
from memory_s3 import memory_s3
from workbench import Workbench

from nyxcore.db.connection import Database
from nyxcore.runs import dispatch


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An embedded deployment with the machines of workflows and of their analyses."""
    monkeypatch.setenv("NYX_DEPLOYMENT", "embedded")
    machines = {kind: ARN.format(kind) for kind in ("workflow", "auto-fix")}
    monkeypatch.setenv("NYX_STATE_MACHINES", json.dumps(machines))
    monkeypatch.setenv("NYX_BEDROCK_TENANTS", '["*"]')
    with memory_s3(monkeypatch):
        yield


@pytest.fixture
def machine(db: Database, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(db)
    monkeypatch.setattr(dispatch, "_client", lambda: machine)
    return machine


@pytest.fixture
def bench(db: Database, machine: Machine, new_tenant: Callable[[], UUID]) -> Workbench:
    return Workbench(db, machine, new_tenant())
