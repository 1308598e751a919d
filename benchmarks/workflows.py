"""Workflows through the embedded stack: what the engine adds to a step, and a hundred steps side by side."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from nyx.stack import Stack, open_stack
from nyxcore.runs.models import FINISHED

_CHAIN = 30
_SIDE_BY_SIDE = 100
_EMPTY = 20

type Row = tuple[str, str, str]


class _Client:
    """One tenant's project on a stack, and the state machine beneath it."""

    def __init__(self, stack: Stack, home: Path) -> None:
        headers = {"Authorization": f"Bearer {stack.token}"}
        self._http = httpx.Client(
            base_url=f"{stack.url}/api/v1", headers=headers, trust_env=False, timeout=60
        )
        self._tenant_id = stack.tenant_id
        self._machines = _step_functions(home)
        self._project_id = self._call("POST", "/projects", {"name": "bench"})["id"]

    def run(self, *steps: dict[str, Any]) -> dict[str, Any]:
        """The finished run of a workflow of these steps."""
        document = {"name": "bench", "goal": "Measure.", "steps": list(steps)}
        workflow = self._call("POST", "/workflows", document)
        draft = {
            "kind": "workflow",
            "projectId": self._project_id,
            "workflowId": workflow["id"],
            "input": "x",
        }
        run: dict[str, Any] = self._call("POST", "/runs", draft)
        while run["status"] not in FINISHED:
            time.sleep(0.1)
            run = self._call("GET", f"/runs/{run['id']}")
        if run["status"] != "succeeded":
            raise RuntimeError(f"the run ended as {run['status']}: {run['error']}")
        return run

    def machine_seconds(self, run_id: str) -> float:
        """Median time of an execution with as many tasks as a step has, which find nothing to do."""
        arn = next(
            each["stateMachineArn"]
            for each in self._machines.list_state_machines()["stateMachines"]
            if "workflow" in each["stateMachineArn"].lower()
        )
        ours = json.loads(self._machines.describe_state_machine(stateMachineArn=arn)["definition"])["States"]
        task = {"Type": "Task", "Resource": ours["Prepare"]["Resource"], "ResultPath": None}
        names = ["Prepare", "Call", "Record"]
        ends = [{"Next": "Call"}, {"Next": "Record"}, {"End": True}]
        states = {name: task | end for name, end in zip(names, ends, strict=True)}
        definition = json.dumps({"StartAt": "Prepare", "States": states})
        machine = self._machines.create_state_machine(
            name="bench", definition=definition, roleArn="arn:aws:iam::123456789012:role/bench"
        )["stateMachineArn"]
        given = json.dumps({"tenantId": self._tenant_id, "runId": run_id, "woken": True})
        return statistics.median(self._seconds(machine, f"bench-{n}", given) for n in range(_EMPTY))

    def _seconds(self, arn: str, name: str, given: str) -> float:
        began = time.perf_counter()
        execution = self._machines.start_execution(stateMachineArn=arn, name=name, input=given)[
            "executionArn"
        ]
        while self._machines.describe_execution(executionArn=execution)["status"] == "RUNNING":
            time.sleep(0.005)
        return time.perf_counter() - began

    def _call(self, method: str, path: str, body: object = None) -> Any:
        response = self._http.request(method, path, json=body)
        response.raise_for_status()
        return response.json()


def tables() -> Iterator[tuple[Row, list[Row]]]:
    """One table of (what, figure, target)."""
    with _client() as client:
        client.run({"key": "warm", "prompt": "{{input}}"})
        chain = client.run(*_chain(_CHAIN))
        a_step = _took(chain) / _CHAIN
        empty = client.machine_seconds(chain["id"])
        parallel = _took(client.run(*({"key": f"s{n}", "prompt": "{{input}}"} for n in range(_SIDE_BY_SIDE))))
    added = 1000 * (a_step - empty)
    yield (
        ("what", "measured", "target"),
        [
            ("the state machine's own: three tasks that find nothing to do", f"{1000 * empty:.0f} ms", ""),
            (f"a step, of {_CHAIN} one after another", f"{1000 * a_step:.0f} ms", ""),
            ("what the engine adds to a step", f"{added:.0f} ms", "≤ 25 ms"),
            (f"{_SIDE_BY_SIDE} steps side by side", f"{parallel:.1f} s", "≤ the slowest + 8 s"),
        ],
    )


def _chain(length: int) -> list[dict[str, Any]]:
    first = {"key": "s0", "prompt": "{{input}}"}
    return [first, *({"key": f"s{n}", "prompt": f"{{{{steps.s{n - 1}.status}}}}"} for n in range(1, length))]


def _took(run: dict[str, Any]) -> float:
    """Seconds from `running` to `done`, by the run's own clock."""
    finished, started = (datetime.fromisoformat(run[name]) for name in ("finishedAt", "startedAt"))
    return (finished - started).total_seconds()


@contextmanager
def _client() -> Iterator[_Client]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with open_stack(home, on_status=lambda _: None) as stack:
            yield _Client(stack, home)


def _step_functions(home: Path) -> Any:
    import boto3

    key = json.loads((home / "keys" / "aws.json").read_text())
    port = json.loads((home / "run" / "ports.json").read_text())["aws"]
    return boto3.client(
        "stepfunctions", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
        aws_access_key_id=key["access_key"], aws_secret_access_key=key["secret_key"],
    )  # fmt: skip
