"""The sweep's Lambda function, called with the events that AWS sends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from run_workspace import Workspace

from nyxcore.db import connection
from sweep.handler import handler

EVENTS = Path(__file__).parents[3] / "events"


@pytest.fixture(autouse=True)
def deployed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The function's process: its database is the workspace's, and Step Functions has the machine."""
    monkeypatch.setattr(connection, "_database", workspace.db)
    with mock_aws():
        definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
        boto3.client("stepfunctions").create_state_machine(
            name="auto-fix", definition=definition, roleArn="arn:aws:iam::123456789012:role/machine"
        )
        yield


def sample(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return loaded


def test_the_minute_starts_what_is_queued_and_says_what_it_did(workspace: Workspace) -> None:
    run = workspace.create()
    result = handler(sample("SweepFunction.json"), None)
    assert result == {
        "overdue": 0,
        "started": 1,
        "events": 0,
        "texts": 0,
        "tickets": 0,
        "answers": 0,
        "reports": 0,
        "leases": 0,
        "reservations": 0,
        "credentials": 0,
        "failed": 0,
    }
    assert workspace.get(run.id).status == "running"


def test_an_execution_that_failed_ends_its_run(workspace: Workspace) -> None:
    run = workspace.running()
    event = sample("SweepFunction.execution-failed.json")
    assert handler(event, None) == {"ended": None}  # the sample's run is nobody's
    event["detail"]["input"] = json.dumps({"tenantId": str(workspace.tenant_id), "runId": str(run.id)})
    assert handler(event, None) == {"ended": str(run.id)}
    assert workspace.get(run.id).status == "failed"


@pytest.mark.parametrize("event", [None, {}, [], "x", {"detail-type": "Something"}, {"detail": {}}])
def test_an_event_of_any_other_shape_does_nothing_and_is_no_error(
    workspace: Workspace, event: object
) -> None:
    run = workspace.create()
    assert handler(event, None) == {}
    assert workspace.get(run.id) == run
