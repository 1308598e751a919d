"""Workflows over HTTP as drafts, as files with their personas, and as what a team does."""

from __future__ import annotations

from typing import Any

import pytest
from api_stack import Caller, Stack

from nyxcore.workflows import templates
from nyxcore.workflows.service import as_document

_PERSONA = {
    "name": "Threat modeller",
    "category": "security",
    "summary": "Thinks like an attacker.",
    "traits": ["calm"],
    "prompt": "You are a threat modeller. Name the assets first.",
}
_WORKFLOW: dict[str, Any] = {
    "name": "Threats",
    "goal": "Know the threats.",
    "steps": [
        {"key": "model", "persona": "threat-modeller", "prompt": "Model {{input}}."},
        {
            "key": "weigh",
            "needs": ["model"],
            "alternatives": 2,
            "pick": "judge",
            "judge": {"persona": "threat-modeller"},
            "prompt": "Weigh {{steps.model.content}}",
        },
    ],
}


def exported(caller: Caller, workflow: dict[str, Any]) -> str:
    answer = caller.get(f"/workflows/{workflow['id']}/export")
    assert answer.headers["content-type"].startswith("application/yaml")
    return answer.text


@pytest.fixture
def there(stack: Stack) -> tuple[Caller, str]:
    """A tenant with a persona and a workflow of its own, and the workflow's file."""
    caller = stack.tenant()
    caller.made("/personas", _PERSONA)
    return caller, exported(caller, caller.made("/workflows", _WORKFLOW))


def test_a_workflow_that_names_a_persona_that_is_not_there_is_refused_with_the_nearest(stack: Stack) -> None:
    caller = stack.tenant()
    wrong = {**_WORKFLOW, "steps": [{"key": "a", "persona": "architct", "prompt": "x"}]}
    for answer in (caller.post("/workflows", wrong), caller.post("/workflows/preview", {"workflow": wrong})):
        assert (answer.status_code, answer.json()["code"]) == (422, "workflow_refused")
        assert 'there is no persona "architct"; did you mean "architect"?' in answer.json()["detail"]


def test_what_is_answered_may_be_sent_back_as_it_is(stack: Stack) -> None:
    caller = stack.tenant()
    caller.made("/personas", _PERSONA)
    made = caller.made("/workflows", _WORKFLOW)
    kept = caller.get(f"/workflows/{made['id']}").json()
    assert {name: kept[name] for name in _WORKFLOW} == _WORKFLOW
    changed = caller.call("PUT", f"/workflows/{made['id']}", json={**kept, "goal": "Know them all."})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)


def test_a_draft_is_previewed_and_not_kept(stack: Stack) -> None:
    caller = stack.tenant()
    draft = as_document(templates.template("analyse-review-generate-prompt"))
    preview = caller.made("/workflows/preview", {"workflow": draft, "input": "Add a flag."})
    assert [step["key"] for step in preview["steps"]] == ["analyse", "review", "generate"]
    assert "Add a flag." in preview["steps"][0]["prompt"]
    assert "You are a software architect." in preview["steps"][0]["system"]
    assert caller.get("/workflows").json()["items"] == []


def test_a_file_brings_its_workflow_and_its_personas_to_another_tenant(
    stack: Stack, there: tuple[Caller, str]
) -> None:
    other = stack.tenant()
    taken = other.made("/workflows/import", {"file": there[1]})
    assert taken["personas"][0] | {"id": ""} == {
        "key": "threat-modeller", "id": "", "takenAs": "threat-modeller", "created": True,
    }  # fmt: skip
    persona = other.get(f"/personas/{taken['personas'][0]['id']}").json()
    assert {name: persona[name] for name in _PERSONA} == _PERSONA
    assert exported(other, taken["workflow"]) == there[1]


def test_the_same_persona_is_taken_once_and_another_of_its_key_stays_as_it_is(
    stack: Stack, there: tuple[Caller, str]
) -> None:
    other = stack.tenant()
    first = other.made("/personas", {**_PERSONA, "prompt": "Another one."})
    once, twice = (other.made("/workflows/import", {"file": there[1]}) for _ in range(2))
    assert [once["personas"][0][name] for name in ("takenAs", "created")] == ["threat-modeller-2", True]
    assert [twice["personas"][0][name] for name in ("takenAs", "created")] == ["threat-modeller-2", False]
    steps = twice["workflow"]["steps"]
    assert (steps[0]["persona"], steps[1]["judge"]["persona"]) == ("threat-modeller-2", "threat-modeller-2")
    assert other.get(f"/personas/{first['id']}").json()["prompt"] == "Another one."


def test_a_file_may_be_the_next_version_of_a_workflow(stack: Stack, there: tuple[Caller, str]) -> None:
    other = stack.tenant()
    first = other.made("/workflows/import", {"file": there[1]})["workflow"]
    again = other.made("/workflows/import", {"file": there[1], "workflowId": first["id"]})["workflow"]
    assert (again["id"], again["version"]) == (first["id"], 2)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("name: x", "a bundle is an object with format, workflow and personas"),
        (
            "workflow: {name: x, goal: x, steps: [{key: a, prompt: x, persona: nobody}]}",
            'there is no persona "nobody"',
        ),
        (
            "workflow: {name: x, goal: x, steps: [{key: a, prompt: x}]}\n"
            "personas: [{key: mine, name: Mine, category: wizardry, prompt: x}]",
            "persona mine: category",
        ),
    ],
)
def test_a_file_with_a_flaw_leaves_nothing_behind(stack: Stack, file: str, told: str) -> None:
    caller = stack.tenant()
    answer = caller.post("/workflows/import", {"file": file})
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert caller.get("/workflows").json()["items"] == []


def test_a_team_is_a_workflow_of_its_own_personas(stack: Stack) -> None:
    caller = stack.tenant()
    own = caller.made("/personas", _PERSONA)
    groups = caller.get("/personas").json()["groups"]
    ids = {card["key"]: card["id"] for group in groups for card in group["personas"]}
    members = [own["id"], ids["data-engineer"], ids["architect"], ids["reviewer"]]
    team = caller.made("/teams", {"name": "Board", "personaIds": members})
    workflow = caller.get(f"/teams/{team['id']}/workflow").json()
    assert workflow["name"] == "Board"
    kept = caller.made("/workflows", workflow)
    keys = ["threat-modeller", "data-engineer", "architect", "reviewer"]
    rounds = [f"{key}{suffix}" for suffix in ("", "-round-1", "-round-2") for key in keys]
    assert [step["key"] for step in kept["steps"]] == [*rounds, "judge", "implement"]
    discussing = kept["steps"][5]
    assert discussing["persona"] == "data-engineer"
    said = [
        f"{{{{steps.{key}.content}}}}"
        for key in ("data-engineer", "threat-modeller", "architect", "reviewer")
    ]
    assert sorted(map(discussing["prompt"].index, said)) == [
        discussing["prompt"].index(each) for each in said
    ]


def test_a_team_that_has_lost_a_persona_says_whom(stack: Stack) -> None:
    caller = stack.tenant()
    own = [caller.made("/personas", {**_PERSONA, "name": name})["id"] for name in ("Ada", "Bob")]
    team = caller.made("/teams", {"name": "Board", "personaIds": own})
    caller.call("DELETE", f"/personas/{own[1]}")
    answer = caller.get(f"/teams/{team['id']}/workflow")
    assert (answer.status_code, answer.json()["code"]) == (409, "team_incomplete")
    assert "Bob of team Board was deleted" in answer.json()["detail"]
