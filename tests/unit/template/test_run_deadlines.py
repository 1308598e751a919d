"""No run is `running` more than two minutes beyond its deadline, whatever breaks down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nyxcore.settings import Settings

DEFINITIONS = sorted((Path(__file__).parents[3] / "functions/pipelines").glob("*/pipeline.asl.json"))
DEADLINE = Settings.model_fields["run_deadline_seconds"].default


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.parent.name)
def test_an_execution_is_ended_when_its_run_is_past_its_deadline(path: Path) -> None:
    # StartExecution takes no timeout: it is the machine's own, and an execution begins with its run
    assert json.loads(path.read_text())["TimeoutSeconds"] == DEADLINE


@pytest.mark.parametrize("kind", ["workflow", "report"])
def test_a_call_is_ended_when_its_run_is_past_its_deadline_and_is_not_made_again(kind: str) -> None:
    # the execution of a call begins long after its run: what is left is known to whoever prepares it
    (path,) = [path for path in DEFINITIONS if path.parent.name == kind]
    call = json.loads(path.read_text())["States"]["Call"]
    assert call["TimeoutSecondsPath"] == "$.prepared.seconds"
    assert "InputPath" not in call and "Parameters" not in call  # the path is of the state's whole input
    (first, *_) = call["Retry"]
    assert "States.Timeout" in first["ErrorEquals"] and first["MaxAttempts"] == 0


def test_the_deadline_is_the_same_for_every_function(functions: dict[str, Any]) -> None:
    for name, function in functions.items():
        assert "NYX_RUN_DEADLINE_SECONDS" not in function["Environment"]["Variables"], name


def test_a_sweep_has_begun_and_ended_within_two_minutes_of_any_deadline(
    resources: dict[str, Any], functions: dict[str, Any]
) -> None:
    minute = resources["SweepFunctionEveryMinute"]["Properties"]
    assert minute["ScheduleExpression"] == "rate(1 minute)"
    assert 60 + functions["SweepFunction"]["Timeout"] <= 120


def test_the_end_of_an_execution_is_told_again_when_the_sweep_fails(resources: dict[str, Any]) -> None:
    (config,) = [
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig"
        and resource["Properties"]["FunctionName"] == {"Ref": "SweepFunction"}
    ]
    assert config["MaximumRetryAttempts"] == 2  # the most that Lambda does
    assert config["MaximumEventAgeInSeconds"] >= 600
