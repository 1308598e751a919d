"""The shipped workflows, end to end: worker processes, moto's state machine, the offline model, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from stack_bench import Dev, eventually

from nyxcore.runs.models import FINISHED

REQUEST = "Users must be able to export their invoices as CSV. Large exports must not block the page."


class Client:
    """A client of one running stack."""

    def __init__(self, ready: dict[str, str]) -> None:
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
        "Static analysis of 1 files found" in steps["facts"]["output"] and "a.py" in steps["facts"]["output"]
    )
    assert "a.py" in steps["overview"]["prompt"]
    child = client.call("GET", f"/runs/{steps['facts']['childRunId']}")
    assert (child["kind"], child["status"]) == ("auto-fix", "succeeded")
    assert run["status"] == "waiting" or run["result"]["reportId"]
