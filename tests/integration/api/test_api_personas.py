"""Personas over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_stack import Caller, Stack

from nyxcore.ids import uuid7
from nyxcore.personas import service
from nyxcore.personas.models import CATEGORIES

_DRAFT = {"name": "Threat modeller", "category": "security", "prompt": "You are a threat modeller."}


def picked(caller: Caller, **parameters: str) -> list[dict[str, Any]]:
    answer = caller.get("/personas", params=parameters).json()
    cards = [card for group in answer["groups"] for card in group["personas"]]
    assert answer["count"] == len(cards)
    return cards


def built_in(caller: Caller, key: str = "security-engineer") -> dict[str, Any]:
    return next(card for card in picked(caller) if card["key"] == key)


def test_the_picker_shows_the_built_in_personas_in_sections(stack: Stack) -> None:
    answer = stack.tenant().get("/personas")
    assert answer.status_code == 200
    groups = answer.json()["groups"]
    assert [group["category"] for group in groups] == [name for name in CATEGORIES if name != "other"]
    assert answer.json()["count"] == 14
    for group in groups:
        assert group["title"] and group["description"] and group["count"] == len(group["personas"])
        for card in group["personas"]:
            assert card["category"] == group["category"]
            assert (card["origin"], card["level"], card["xp"], card["uses"]) == ("built-in", 1, 0, 0)
            assert (card["nextLevelXp"], card["progress"]) == (100, 0)
            assert card["portraitUri"].startswith("data:image/svg+xml,")
            assert card["traits"] and card["specializations"] and card["summary"]
            assert "prompt" not in card


def test_a_persona_of_one_s_own_is_made_found_changed_and_deleted(stack: Stack) -> None:
    caller = stack.tenant()
    made = caller.post("/personas", _DRAFT | {"traits": ["calm"], "summary": "Finds the way in."})
    assert made.status_code == 201
    persona = made.json()
    assert made.headers["location"] == f"https://nyx.example/api/v1/personas/{persona['id']}"
    assert (persona["key"], persona["origin"], persona["portrait"]) == ("threat-modeller", "own", "guest")
    assert persona["system"] == "You are a threat modeller.\n\nTraits that show in your work: calm."
    assert caller.get(f"/personas/{persona['id']}").json() == persona

    assert [card["name"] for card in picked(caller, q="finds way modeller", category="security")] == [
        "Threat modeller"
    ]
    assert picked(caller, q="finds way modeller", category="design") == []
    assert [card["origin"] for card in picked(caller, category="security")] == ["built-in", "built-in", "own"]

    changed = caller.call(
        "PATCH", f"/personas/{persona['id']}", json={"name": "Modeller", "traits": []}
    ).json()
    same = ("id", "key", "prompt", "summary", "createdAt")
    assert (changed["name"], changed["traits"]) == ("Modeller", [])
    assert [changed[name] for name in same] == [persona[name] for name in same]

    assert caller.call("DELETE", f"/personas/{persona['id']}").status_code == 204
    for method in ("GET", "DELETE"):
        assert caller.call(method, f"/personas/{persona['id']}").json()["code"] == "not_found"
    assert picked(caller, q="modeller") == []
    assert caller.made("/personas", _DRAFT)["key"] == "threat-modeller"  # the key is free again


def test_a_change_of_nothing_changes_nothing_and_is_not_in_the_log(stack: Stack) -> None:
    caller = stack.tenant()
    persona = caller.made("/personas", _DRAFT)
    assert caller.call("PATCH", f"/personas/{persona['id']}", json={}).json() == persona
    assert "persona.change" not in {row["action"] for row in log(stack, caller)}


def log(stack: Stack, caller: Caller) -> list[dict[str, Any]]:
    return stack.execute(
        caller.tenant_id,
        "select actor, action, target, details from audit_log where actor like 'token:%%' order by id",
    )


def test_every_change_is_in_the_audit_log_without_the_prompt(stack: Stack) -> None:
    caller = stack.tenant()
    persona = caller.made("/personas", _DRAFT)
    caller.call("PATCH", f"/personas/{persona['id']}", json={"prompt": "You are calm."})
    caller.call("DELETE", f"/personas/{persona['id']}")
    rows = log(stack, caller)
    assert [row["action"] for row in rows] == ["persona.create", "persona.change", "persona.delete"]
    assert {row["target"] for row in rows} == {f"persona:{persona['id']}"}
    assert {row["actor"] for row in rows} == {f"token:{caller.issued.id}"}
    assert rows[1]["details"] == {"changed": ["prompt"]}


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"name": "Mine"}), ("PATCH", {}), ("DELETE", None)])
def test_a_built_in_persona_cannot_be_changed_and_the_answer_says_how_to_copy_it(
    stack: Stack, method: str, body: dict[str, Any] | None
) -> None:
    caller = stack.tenant()
    card = built_in(caller)
    refused = caller.call(method, f"/personas/{card['id']}", **({} if body is None else {"json": body}))
    assert (refused.status_code, refused.json()["code"]) == (409, "persona_built_in")
    assert f'{{"basedOn": "{card["id"]}"}}' in refused.json()["detail"]
    assert built_in(caller) == card


def test_a_copy_has_everything_of_its_original_but_what_differs(stack: Stack) -> None:
    caller = stack.tenant()
    original = caller.get(f"/personas/{built_in(caller)['id']}").json()
    copy = caller.made("/personas", {"basedOn": original["id"], "name": "Our security", "traits": ["loud"]})
    assert (copy["basedOn"], copy["origin"], copy["name"]) == (original["id"], "own", "Our security")
    same = ("category", "summary", "specializations", "prompt", "portrait", "portraitUri")
    assert [copy[name] for name in same] == [original[name] for name in same]
    assert (copy["traits"], copy["key"]) == (["loud"], "our-security")

    again = caller.made("/personas", {"basedOn": copy["id"]})
    assert (again["name"], again["key"], again["basedOn"]) == ("Our security", "our-security-2", copy["id"])
    changed = caller.call("PATCH", f"/personas/{copy['id']}", json={"prompt": "You are ours."})
    assert changed.status_code == 200
    assert caller.get(f"/personas/{again['id']}").json()["prompt"] == original["prompt"]


def test_only_what_is_there_and_one_s_own_can_be_copied(stack: Stack) -> None:
    caller = stack.tenant()
    theirs = stack.tenant().made("/personas", _DRAFT)
    deleted = caller.made("/personas", _DRAFT)
    caller.call("DELETE", f"/personas/{deleted['id']}")
    for base in (theirs["id"], deleted["id"], str(uuid7())):
        refused = caller.post("/personas", {"basedOn": base})
        assert (refused.status_code, refused.json()["detail"]) == (404, f"there is no persona {base}")


def test_another_tenant_s_persona_is_as_unknown_as_none(stack: Stack) -> None:
    caller, other = stack.tenant(), stack.tenant()
    theirs = other.made("/personas", _DRAFT)
    said = []
    for persona_id in (theirs["id"], str(uuid7())):
        for method, options in (("GET", {}), ("PATCH", {"json": {"name": "Mine"}}), ("DELETE", {})):
            refused = caller.call(method, f"/personas/{persona_id}", **options)
            said.append((refused.status_code, refused.json()["detail"].replace(persona_id, "it")))
    assert set(said) == {(404, "there is no persona it")}
    assert picked(caller, q="threat modeller") == []
    assert other.get(f"/personas/{theirs['id']}").json() == theirs


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Über-Prüferin №1", "uber-pruferin-no1"),
        ("脅威モデラー", "persona"),
        ("محلل التهديدات", "persona"),
        ("🦉", "persona"),
        ("7 of 9", "of-9"),
        ("a" * 200, "a" * 36),
    ],
)
def test_a_name_may_be_of_any_script_and_makes_a_key(stack: Stack, name: str, key: str) -> None:
    caller = stack.tenant()
    first, second = (caller.made("/personas", _DRAFT | {"name": name}) for _ in range(2))
    assert first["name"] == second["name"] == name
    assert (first["key"], second["key"]) == (key, f"{key}-2")
    assert {card["id"] for card in picked(caller, q=name)} == {first["id"], second["id"]}


def test_a_key_can_be_chosen_and_belongs_to_one_persona(stack: Stack) -> None:
    caller = stack.tenant()
    assert caller.made("/personas", _DRAFT | {"key": "tm"})["key"] == "tm"
    for taken in ("tm", "architect"):
        refused = caller.post("/personas", _DRAFT | {"key": taken})
        assert (refused.status_code, refused.json()["code"]) == (409, "persona_key_taken")
        assert repr(taken) in refused.json()["detail"]
    assert stack.tenant().made("/personas", _DRAFT | {"key": "tm"})["key"] == "tm"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"prompt": ""}, "#/prompt"),
        ({"prompt": " \n\t "}, "#/prompt"),
        ({"prompt": "a\0b"}, "#/prompt"),
        ({"prompt": "x" * 20_001}, "#/prompt"),
        ({"name": "two\nlines"}, "#/name"),
        ({"name": None}, "#/name"),
        ({"category": "magic"}, "#/category"),
        ({"traits": ["x"] * 13}, "#/traits"),
        ({"traits": [""]}, "#/traits/0"),
        ({"portrait": "data:image/svg+xml,<svg onload='x'/>"}, "#/portrait"),
        ({"key": "Upper"}, "#/key"),
        ({"xp": 1000}, "#/xp"),
        ({"basedOn": "nothing"}, "#/basedOn"),
    ],
)
def test_what_is_not_acceptable_is_named(stack: Stack, changes: dict[str, Any], pointer: str) -> None:
    refused = stack.tenant().post("/personas", _DRAFT | changes)
    assert refused.status_code == 422
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]


@pytest.mark.parametrize("body", [{"key": "other"}, {"prompt": None}, {"basedOn": None}, {"name": ""}])
def test_a_change_that_is_not_acceptable_changes_nothing(stack: Stack, body: dict[str, Any]) -> None:
    caller = stack.tenant()
    persona = caller.made("/personas", _DRAFT)
    assert caller.call("PATCH", f"/personas/{persona['id']}", json=body).status_code == 422
    assert caller.get(f"/personas/{persona['id']}").json() == persona


def test_a_prompt_of_20000_characters_of_any_script_is_kept_as_it_is(stack: Stack) -> None:
    caller = stack.tenant()
    prompt = ("Prüfe\tdas.\r\n検証 🦉\n" * 2_000)[:19_998] + "\n."
    persona = caller.made("/personas", _DRAFT | {"prompt": prompt})
    assert caller.get(f"/personas/{persona['id']}").json()["prompt"] == prompt


def test_the_picker_stays_of_a_bounded_size(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_OWN", 5)
    caller = stack.tenant()
    with ThreadPoolExecutor(6) as pool:  # eight at once: exactly five are made
        answers = list(pool.map(lambda _: caller.post("/personas", _DRAFT), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 3
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"too_many_personas"}
    made = [answer.json() for answer in answers if answer.status_code == 201]
    assert len({persona["key"] for persona in made}) == 5
    caller.call("DELETE", f"/personas/{made[0]['id']}")
    assert caller.post("/personas", _DRAFT).status_code == 201


def test_of_two_changes_at_once_neither_undoes_the_other(stack: Stack) -> None:
    caller = stack.tenant()
    path = f"/personas/{caller.made('/personas', _DRAFT)['id']}"
    changes = [{"name": "Ours"}, {"summary": "New."}, {"traits": ["calm"]}, {"category": "design"}]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda change: caller.call("PATCH", path, json=change), changes))
    assert {answer.status_code for answer in answers} == {200}
    persona = caller.get(path).json()
    assert all(persona[name] == value for change in changes for name, value in change.items())


def test_of_two_deletions_at_once_one_is_told_that_it_is_gone(stack: Stack) -> None:
    caller = stack.tenant()
    path = f"/personas/{caller.made('/personas', _DRAFT)['id']}"
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: caller.call("DELETE", path).status_code, range(2)))
    assert sorted(answers) == [204, 404]
    assert [row["action"] for row in log(stack, caller)].count("persona.delete") == 1


def test_a_repeated_request_makes_one_persona(stack: Stack) -> None:
    caller = stack.tenant()
    first, again = (caller.post("/personas", _DRAFT, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert len(picked(caller, q="threat modeller")) == 1
