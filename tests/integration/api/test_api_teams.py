"""Teams over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from api_stack import Caller, Stack

from nyxcore.ids import uuid7

_PERSONA = {"name": "Ours", "category": "other", "prompt": "You are ours."}


def ids(caller: Caller, *keys: str) -> list[str]:
    groups = caller.get("/personas").json()["groups"]
    found = {card["key"]: card["id"] for group in groups for card in group["personas"]}
    return [found[key] for key in keys]


def test_a_team_is_made_read_changed_and_deleted(stack: Stack) -> None:
    caller = stack.tenant()
    order = ids(caller, "researcher", "data-engineer", "devils-advocate")
    made = caller.post(
        "/teams", {"name": "データ 🦉", "description": "For the\nschema.", "personaIds": order}
    )
    assert made.status_code == 201
    team = made.json()
    assert made.headers["location"] == f"https://nyx.example/api/v1/teams/{team['id']}"
    assert (team["name"], team["pattern"]) == ("データ 🦉", "phd-discuss-best-implement")
    assert [member["personaId"] for member in team["members"]] == order
    assert [member["key"] for member in team["members"]] == ["researcher", "data-engineer", "devils-advocate"]
    assert all(member["portraitUri"].startswith("data:image/svg+xml,") for member in team["members"])
    assert not any(member["gone"] for member in team["members"])
    assert caller.get(f"/teams/{team['id']}").json() == team

    changed = caller.call("PATCH", f"/teams/{team['id']}", json={"personaIds": order[1::-1]}).json()
    assert [member["personaId"] for member in changed["members"]] == order[1::-1]
    assert (changed["name"], changed["description"]) == (team["name"], team["description"])
    assert caller.call("PATCH", f"/teams/{team['id']}", json={}).json() == changed

    assert caller.call("DELETE", f"/teams/{team['id']}").status_code == 204
    for method in ("GET", "DELETE"):
        assert caller.call(method, f"/teams/{team['id']}").json()["code"] == "not_found"
    assert ids(caller, "researcher") == order[:1]


def test_every_change_is_in_the_audit_log(stack: Stack) -> None:
    caller = stack.tenant()
    team = caller.made("/teams", {"name": "x", "personaIds": ids(caller, "researcher", "architect")})
    caller.call("PATCH", f"/teams/{team['id']}", json={"name": "y"})
    caller.call("DELETE", f"/teams/{team['id']}")
    rows = stack.execute(
        caller.tenant_id, "select action, target from audit_log where action like 'team.%%' order by id"
    )
    assert [row["action"] for row in rows] == ["team.create", "team.change", "team.delete"]
    assert {row["target"] for row in rows} == {f"team:{team['id']}"}


def test_a_persona_that_is_deleted_stays_in_its_teams_as_gone_until_it_is_left_out(stack: Stack) -> None:
    caller = stack.tenant()
    ours = caller.made("/personas", _PERSONA)["id"]
    kept = ids(caller, "researcher", "architect")
    team = caller.made("/teams", {"name": "x", "personaIds": [ours, *kept]})
    caller.call("DELETE", f"/personas/{ours}")

    path = f"/teams/{team['id']}"
    shown = caller.get(path).json()["members"]
    assert [(member["name"], member["gone"]) for member in shown] == [
        ("Ours", True),
        ("Researcher", False),
        ("Software architect", False),
    ]
    assert caller.get("/teams").json()["items"][0]["members"] == shown
    assert caller.call("PATCH", path, json={"name": "y"}).status_code == 200
    refused = caller.call("PATCH", path, json={"name": "z", "personaIds": [*kept, ours]})
    assert (refused.status_code, refused.json()["detail"]) == (404, f"there is no persona {ours}")
    assert caller.get(path).json()["name"] == "y"
    mended = caller.call("PATCH", path, json={"personaIds": kept}).json()
    assert not any(member["gone"] for member in mended["members"])


def test_a_team_takes_neither_unknown_nor_another_tenant_s_nor_deleted_personas(stack: Stack) -> None:
    caller = stack.tenant()
    theirs = stack.tenant().made("/personas", _PERSONA)["id"]
    deleted = caller.made("/personas", _PERSONA)["id"]
    caller.call("DELETE", f"/personas/{deleted}")
    for wrong in (theirs, deleted, str(uuid7())):
        refused = caller.post("/teams", {"name": "x", "personaIds": [*ids(caller, "researcher"), wrong]})
        assert (refused.status_code, refused.json()["detail"]) == (404, f"there is no persona {wrong}")
    assert caller.get("/teams").json()["items"] == []


def test_another_tenant_s_team_is_as_unknown_as_none(stack: Stack) -> None:
    caller, other = stack.tenant(), stack.tenant()
    theirs = other.made("/teams", {"name": "x", "personaIds": ids(other, "researcher", "architect")})
    said = []
    for team_id in (theirs["id"], str(uuid7())):
        for method, options in (("GET", {}), ("PATCH", {"json": {"name": "Mine"}}), ("DELETE", {})):
            refused = caller.call(method, f"/teams/{team_id}", **options)
            said.append((refused.status_code, refused.json()["detail"].replace(team_id, "it")))
    assert set(said) == {(404, "there is no team it")}
    assert other.get(f"/teams/{theirs['id']}").json() == theirs


@pytest.mark.parametrize(
    ("count", "repeated", "said"),
    [
        (0, False, "at least 2"),
        (1, False, "at least 2"),
        (9, False, "at most 8"),
        (2, True, "stands there twice"),
    ],
)
def test_a_team_is_two_to_eight_different_personas(
    stack: Stack, count: int, repeated: bool, said: str
) -> None:
    caller = stack.tenant()
    groups = caller.get("/personas").json()["groups"]
    known = [card["id"] for group in groups for card in group["personas"]]
    chosen = known[:1] * count if repeated else known[:count]
    refused = caller.post("/teams", {"name": "x", "personaIds": chosen})
    assert refused.status_code == 422
    assert said in refused.json()["errors"][0]["detail"]
    assert refused.json()["errors"][0]["pointer"] == "#/personaIds"


@pytest.mark.parametrize("body", [{"pattern": "vote"}, {"name": ""}, {"description": "a\0"}, {"members": []}])
def test_what_is_not_acceptable_is_refused(stack: Stack, body: dict[str, Any]) -> None:
    caller = stack.tenant()
    draft = {"name": "x", "personaIds": ids(caller, "researcher", "architect")}
    team = caller.made("/teams", draft)
    assert caller.post("/teams", draft | body).status_code == 422
    assert caller.call("PATCH", f"/teams/{team['id']}", json=body).status_code == 422


def test_pages_show_every_team_once_newest_first(stack: Stack) -> None:
    caller = stack.tenant()
    members = ids(caller, "researcher", "architect")
    made = [caller.made("/teams", {"name": f"t{n}", "personaIds": members})["id"] for n in range(5)]
    page = caller.get("/teams?limit=2").json()
    seen = [team["id"] for team in page["items"]]
    while page["nextCursor"]:
        page = caller.get("/teams", params={"limit": "2", "cursor": page["nextCursor"]}).json()
        seen += [team["id"] for team in page["items"]]
    assert seen == made[::-1]


def test_a_repeated_request_makes_one_team(stack: Stack) -> None:
    caller = stack.tenant()
    draft = {"name": "x", "personaIds": ids(caller, "researcher", "architect")}
    first, again = (caller.post("/teams", draft, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.content == again.content
    assert len(caller.get("/teams").json()["items"]) == 1
