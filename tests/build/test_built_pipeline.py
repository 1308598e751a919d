"""The auto-fix pipeline from the built artifacts: from an upload to a patch, task after task under the emulator."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from built_functions import ROOT, event
from deployment import Deployment
from test_built_functions import body, with_token

SOURCE = b"""\
import os
import sys


def total(values):
    if values == None:
        return 0
    return sum(values)


print(sys.argv)
"""


def archive() -> bytes:
    """A package of one module, with an import that is not used."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        member = tarfile.TarInfo("sample-1.0/sample.py")
        member.size = len(SOURCE)
        file.addfile(member, io.BytesIO(SOURCE))
    return buffer.getvalue()


class Client:
    """Calls the API as API Gateway would."""

    def __init__(self, deployment: Deployment, token: str) -> None:
        self._deployment, self.token = deployment, token

    def call(self, method: str, path: str, content: object = None) -> dict[str, Any]:
        sample = with_token(event("ApiFunction.create-project"), self.token)
        path = f"/api/v1{path}"
        sample |= {
            "httpMethod": method,
            "path": path,
            "body": None if content is None else json.dumps(content),
        }
        answer: dict[str, Any] = self._deployment.invoke("ApiFunction", sample)
        assert answer["statusCode"] < 300, answer
        return answer


def tasks(machine: dict[str, Any], state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Function and input of every task on the way without errors; `state` is the execution's input."""
    name: str | None = machine["StartAt"]
    while name is not None:
        step = machine["States"][name]
        match step["Type"]:
            case "Task":
                yield function_of(step), state
            case "Map":
                (inner,) = step["ItemProcessor"]["States"].values()
                for pack in state["scan"]["packs"]:
                    yield (
                        function_of(inner),
                        {"tenantId": state["tenantId"], "runId": state["runId"], "pack": pack},
                    )
        name = step.get("Next")


def function_of(task: dict[str, Any]) -> str:
    name: str = task["Resource"].removeprefix("${").removesuffix("Arn}")
    return name


@pytest.fixture(scope="module")
def client(deployment: Deployment) -> Client:
    _, token = deployment.new_tenant()
    return Client(deployment, token)


def upload(client: Client) -> tuple[str, str]:
    """A new project and its repository, with an uploaded archive."""
    project = body(client.call("POST", "/projects", {"name": "sample"}))["id"]
    repository = body(
        client.call("POST", f"/projects/{project}/repositories", {"source": "archive", "name": "sample"})
    )["id"]
    link = body(client.call("POST", f"/repositories/{repository}/archive", {"filename": "sample-1.0.tar.gz"}))
    sent = httpx.request(link["method"], link["url"], headers=link["headers"], content=archive())
    assert sent.status_code == 200, sent.text
    return project, repository


@pytest.fixture(scope="module")
def run(deployment: Deployment, client: Client) -> dict[str, Any]:
    """A run that the built functions have brought to its end, as the API shows it."""
    project, repository = upload(client)
    draft = {"kind": "auto-fix", "projectId": project, "repositoryId": repository, "options": {}}
    queued = body(client.call("POST", "/runs", draft))
    states = deployment.client("stepfunctions")
    (execution,) = states.list_executions(stateMachineArn=deployment.machine)["executions"]
    assert execution["name"] == queued["id"]
    state = json.loads(states.describe_execution(executionArn=execution["executionArn"])["input"])
    machine = json.loads((ROOT / "functions/pipelines/auto_fix/pipeline.asl.json").read_text())
    for function, given in tasks(machine, state):
        answer = deployment.invoke(function, given)
        assert "errorType" not in (answer or {}), deployment.logs(function)
        if function == "AutoFixScanFunction":
            state["scan"] = answer
    finished: dict[str, Any] = body(client.call("GET", f"/runs/{queued['id']}"))
    return finished


def test_an_uploaded_archive_becomes_a_patch_through_the_built_functions(
    client: Client, run: dict[str, Any]
) -> None:
    assert run["status"] == "succeeded"
    assert run["counts"]["fixed"] >= 1
    patch = client.call("GET", f"/runs/{run['id']}/patch")["body"]
    assert "-import os\n" in patch


def test_the_run_ends_with_a_report_from_the_built_functions(client: Client, run: dict[str, Any]) -> None:
    report = body(client.call("GET", f"/reports/{run['result']['reportId']}"))
    assert "import os" in report["content"]


def test_the_built_stream_tells_the_whole_history_of_the_run(
    deployment: Deployment, client: Client, run: dict[str, Any]
) -> None:
    sample = with_token(event("StreamFunction"), client.token)
    sample |= {"path": f"/api/v1/events/runs/{run['id']}"}
    sample["pathParameters"]["runId"] = run["id"]
    metadata, streamed = deployment.stream(sample)
    assert metadata["statusCode"] == 200
    assert metadata["headers"]["Content-Type"] == "text/event-stream; charset=utf-8"
    lines = streamed.decode().splitlines()
    numbers = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    assert numbers == list(range(1, run["lastSeq"] + 1))
    assert [line for line in lines if line.startswith("event: ")][-1] == "event: done"
