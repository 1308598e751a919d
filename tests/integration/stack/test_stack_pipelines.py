"""State machines of the embedded stack, executed with handlers in worker processes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from stack_bench import Trial, eventually

from nyx.aws.functions import machine_arn

ITEMS = ["plain", "transient", "fatal", "exit"]


def execute(trial: Trial, folder: Path, *, items: list[str], fail: bool = False) -> dict[str, Any]:
    """Start an execution and wait for its end."""
    client = trial.aws("stepfunctions")
    started = client.start_execution(
        name=uuid4().hex,
        stateMachineArn=machine_arn("trial"),
        input=json.dumps({"folder": str(folder), "items": items, "fail": fail}),
    )

    def ended() -> dict[str, Any] | None:
        described: dict[str, Any] = client.describe_execution(executionArn=started["executionArn"])
        return described if described["status"] != "RUNNING" else None

    found: dict[str, Any] = eventually(ended, "the execution ends")
    return found


@pytest.fixture(scope="module")
def executed(trial: Trial, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """One execution with every kind of trouble, and the folder of what its handlers saw."""
    folder = tmp_path_factory.mktemp("executed")
    return execute(trial, folder, items=ITEMS), folder


def test_a_map_runs_its_tasks_and_retry_and_catch_match_on_error_types(executed: Any) -> None:
    execution, _ = executed
    assert execution["status"] == "SUCCEEDED", execution
    results = {item["item"]: item for item in json.loads(execution["output"])["results"]}
    assert results["plain"] == {"item": "plain", "attempt": 1, "function": "WorkFunction"}
    assert results["transient"]["attempt"] == 2
    assert results["fatal"]["caught"]["Error"] == "Fatal"
    assert json.loads(results["fatal"]["caught"]["Cause"])["errorMessage"] == "always"


def test_a_worker_that_ends_by_itself_is_a_failed_task_that_is_tried_again(executed: Any) -> None:
    execution, folder = executed
    results = {item["item"]: item for item in json.loads(execution["output"])["results"]}
    assert results["exit"]["attempt"] == 2
    assert folder.joinpath("exit.1").read_text() != folder.joinpath("exit.2").read_text()


def test_the_timeout_of_the_template_ends_the_worker_and_reads_as_on_aws(executed: Any) -> None:
    execution, folder = executed
    timeout = json.loads(execution["output"])["timeout"]
    assert timeout["Error"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in timeout["Cause"]
    pid = int(folder.joinpath("slow.pid").read_text())
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "the worker is gone")


def test_a_worker_killed_in_the_middle_of_a_task_is_replaced_and_the_task_tried_again(
    trial: Trial, tmp_path: Path
) -> None:
    client = trial.aws("stepfunctions")
    started = client.start_execution(
        name=uuid4().hex,
        stateMachineArn=machine_arn("trial"),
        input=json.dumps({"folder": str(tmp_path), "items": ["killed"], "fail": False}),
    )
    first = tmp_path / "killed.1"
    os.kill(int(eventually(lambda: first.exists() and first.read_text(), "the task runs")), signal.SIGKILL)
    eventually((tmp_path / "killed.2").exists, "the second attempt runs")
    eventually(
        lambda: client.describe_execution(executionArn=started["executionArn"])["status"] == "SUCCEEDED",
        "the execution succeeds",
    )


def test_the_sweep_runs_at_the_start_and_hears_of_every_execution_that_ended_badly(
    trial: Trial, tmp_path: Path
) -> None:
    seen = trial.folder / "sweeps.txt"
    eventually(lambda: seen.exists() and "Scheduled Event" in seen.read_text(), "the first sweep")
    execution = execute(trial, tmp_path, items=[], fail=True)
    assert execution["status"] == "FAILED"
    told = eventually(lambda: "FAILED" in seen.read_text() and seen.read_text(), "the sweep hears of it")
    line = next(line for line in told.splitlines() if "FAILED" in line)
    assert line.startswith("Step Functions Execution Status Change FAILED")
    assert json.loads(line.partition("FAILED ")[2])["folder"] == str(tmp_path)


def test_a_function_without_the_database_in_the_template_does_not_get_its_url(executed: Any) -> None:
    names = executed[1].joinpath("outside.txt").read_text().splitlines()
    assert "NYX_DATABASE_URL" not in names
    assert "NYX_BUCKET" in names


def test_nothing_of_the_shell_reaches_a_function(executed: Any) -> None:
    names = executed[1].joinpath("outside.txt").read_text().splitlines()
    assert {"AWS_PROFILE", "SECRET", "VIRTUAL_ENV", "NYX_HOME"}.isdisjoint(names)


def test_a_state_machine_that_calls_an_unknown_function_fails_as_on_aws(trial: Trial) -> None:
    client = trial.aws("stepfunctions")
    machine = client.create_state_machine(
        name="lost",
        roleArn="arn:aws:iam::000000000000:role/test",
        definition=json.dumps(
            {
                "StartAt": "Lost",
                "States": {
                    "Lost": {
                        "Type": "Task",
                        "Resource": "arn:aws:lambda:us-east-1:000000000000:function:Nowhere",
                        "End": True,
                    }
                },
            }
        ),
    )
    started = client.start_execution(stateMachineArn=machine["stateMachineArn"], name="lost", input="{}")
    ended = eventually(
        lambda: (
            (found := client.describe_execution(executionArn=started["executionArn"]))["status"] != "RUNNING"
            and found
        ),
        "the execution ends",
    )
    assert ended["status"] == "FAILED"
    assert "Function not found: Nowhere" in ended["cause"]
