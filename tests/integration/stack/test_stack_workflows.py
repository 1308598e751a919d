"""The shipped workflows, end to end: worker processes, moto's state machine, the offline model, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from stack_bench import Dev, aws_of, eventually

from nyx.events import StreamEvent, follow
from nyxcore.runs.models import FINISHED

REQUEST = "Users must be able to export their invoices as CSV. Large exports must not block the page."


FLAWED = "import os, sys\n\n\ndef f(values=[]):\n    return values == None\n"


class Client:
    """A client of one running stack."""

    def __init__(self, ready: dict[str, str]) -> None:
        self.ready = ready
        headers = {"Authorization": f"Bearer {ready['token']}"}
        self.http = httpx.Client(
            base_url=f"{ready['url']}/api/v1", headers=headers, trust_env=False, timeout=60
        )

    def call(self, method: str, path: str, body: object = None) -> Any:
        response = self.http.request(method, path, json=body)
        assert response.is_success, response.text
        return response.json()

    def begin(self, template: str, given: Any, **more: Any) -> str:
        """A run of a shipped workflow; its id."""
        workflow = self.call(
            "POST", "/workflows", self.call("GET", "/workflows/templates")["items"][template]
        )
        project = self.call("POST", "/projects", {"name": template})
        if "path" in more:
            source = {"source": "path", "name": "small", "path": more["path"]}
            repository = self.call("POST", f"/projects/{project['id']}/repositories", source)
            more = {"repositoryId": repository["id"]}
        body = {"kind": "workflow", "projectId": project["id"], "workflowId": workflow["id"], "input": given}
        run_id: str = self.call("POST", "/runs", body | more)["id"]
        return run_id

    def reach(self, run_id: str, *statuses: str) -> dict[str, Any]:
        """The run, once it has one of these statuses."""

        def there() -> Any:
            run = self.call("GET", f"/runs/{run_id}")
            assert run["status"] in statuses or run["status"] not in FINISHED, run
            return run if run["status"] in statuses else None

        run: dict[str, Any] = eventually(there, f"the run is {statuses}")
        return run

    def steps(self, run_id: str) -> dict[str, dict[str, Any]]:
        return {step["key"]: step for step in self.call("GET", f"/runs/{run_id}/steps")["items"]}

    def followed(self, run_id: str) -> list[StreamEvent]:
        """All events of a run, from the first to the end of its stream."""
        return list(follow(self.ready["url"], self.ready["token"], run_id, after=0))

    def decide(self, run_id: str, key: str, **body: str) -> dict[str, Any]:
        step: dict[str, Any] = self.call("POST", f"/runs/{run_id}/steps/{key}/decision", body)
        return step


@pytest.fixture
def client(nyx: Callable[..., Dev]) -> Iterator[Client]:
    client = Client(nyx("dev", "--json", "--port", "0").wait_ready().ready)
    yield client
    client.http.close()


def test_analyse_review_generate_goes_the_way_that_a_person_decides(client: Client) -> None:
    name = "analyse-review-generate-prompt"
    runs = {decision: client.begin(name, REQUEST) for decision in ("approve", "edit", "reject")}
    for decision, run_id in runs.items():
        client.reach(run_id, "waiting")
        review = client.steps(run_id)["review"]
        assert review["status"] == "waiting" and review["output"]
        content = {"content": "Only the export; no import."} if decision == "edit" else {}
        decided = client.decide(run_id, "review", decision=decision, **content)
        assert decided["decision"] == decision
        assert client.decide(run_id, "review", decision=decision, **content)["decision"] == decision
    for decision in ("approve", "edit"):
        client.reach(runs[decision], "succeeded")
        steps = client.steps(runs[decision])
        assert "CSV" in steps["analyse"]["prompt"] and steps["generate"]["output"]
        assert steps["review"]["output"] in steps["generate"]["prompt"]
    assert client.reach(runs["reject"], "failed")["error"]["code"] == "review_rejected"
    assert client.steps(runs["reject"])["generate"]["status"] == "skipped"


def test_a_team_of_experts_comes_to_a_prompt(client: Client) -> None:
    run_id = client.begin("expert-team", "How do we store sessions?")
    run = client.reach(run_id, "succeeded")
    steps = client.steps(run_id)
    assert {step["status"] for step in steps.values()} == {"succeeded"}
    assert run["progress"] == {"done": 11, "total": 11, "unit": "steps"}
    assert "sessions" in steps["researcher"]["prompt"]
    personas = [
        persona for group in client.call("GET", "/personas")["groups"] for persona in group["personas"]
    ]
    researcher = next(persona for persona in personas if persona["key"] == "researcher")
    assert researcher["xp"] >= 30, "alone, and in two rounds"


def test_an_analysis_gives_facts_to_the_models(client: Client, tmp_path: Path) -> None:
    tree = tmp_path / "small"
    tree.mkdir()
    tree.joinpath("a.py").write_text("import os\n\n\ndef f(values=[]):\n    return values == None\n")
    run_id = client.begin("deep-project-analysis", "", path=str(tree))
    run = client.reach(run_id, "succeeded", "waiting")
    steps = client.steps(run_id)
    assert (
        "Static analysis of 1 file found" in steps["facts"]["output"] and "a.py" in steps["facts"]["output"]
    )
    assert "a.py" in steps["overview"]["prompt"]
    child = client.call("GET", f"/runs/{steps['facts']['childRunId']}")
    assert (child["kind"], child["status"]) == ("auto-fix", "succeeded")
    assert run["status"] == "waiting" or run["result"]["reportId"]


def test_a_cancel_ends_the_run_and_its_analysis_and_nothing_of_either_goes_on(
    client: Client, tmp_path: Path
) -> None:
    tree = tmp_path / "large"
    tree.mkdir()
    for number in range(4_000):
        tree.joinpath(f"m{number}.py").write_text(FLAWED.replace("f(", f"f{number}(") * 10)
    run_id = client.begin("deep-project-analysis", "", path=str(tree))
    child_id = eventually(lambda: client.steps(run_id).get("facts", {}).get("childRunId"), "an analysis")

    def at_work() -> bool:
        child = client.call("GET", f"/runs/{child_id}")
        assert child["status"] not in FINISHED, (
            "too small a tree: it was analysed before it could be cancelled"
        )
        return child["phase"] in {"scanning", "detecting", "fixing", "verifying"}

    eventually(at_work, "the analysis is at work")
    with ThreadPoolExecutor() as pool:
        streams = [pool.submit(client.followed, each) for each in (run_id, child_id)]
        cancelled = client.call("POST", f"/runs/{run_id}/cancel")
        events, events_of_child = [stream.result() for stream in streams]

    assert cancelled["status"] == "cancelled"
    for told in (events, events_of_child):
        assert [event.id for event in told] == list(range(1, len(told) + 1))
        assert told[-1].type == "done" and told[-1].data["run"]["status"] == "cancelled"
    at, at_of_child = (
        datetime.fromisoformat(told[-1].data["run"]["finishedAt"]) for told in (events, events_of_child)
    )
    assert abs(at_of_child - at) <= timedelta(seconds=2)
    step_functions = aws_of(tmp_path / "home", "stepfunctions")
    machines = [each["stateMachineArn"] for each in step_functions.list_state_machines()["stateMachines"]]

    assert machines

    def stopped() -> bool:
        going_on = [
            step_functions.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
            for machine in machines
        ]
        return not any(going_on)

    eventually(stopped, "no execution goes on")
    assert {step["status"] for step in client.steps(run_id).values()} == {"cancelled"}
    assert (client.followed(run_id), client.followed(child_id)) == (events, events_of_child)
