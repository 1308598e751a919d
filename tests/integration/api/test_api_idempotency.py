"""Idempotency-Key: one effect, one answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from api_stack import Caller, Stack

from nyxcore.projects import service


def _create(caller: Caller, name: str, key: str = "k1") -> httpx.Response:
    return caller.post("/projects", {"name": name}, headers={"Idempotency-Key": key})


def _projects(caller: Caller) -> list[str]:
    return [item["name"] for item in caller.get("/projects").json()["items"]]


def test_a_replay_has_no_second_effect_and_the_same_answer(stack: Stack) -> None:
    caller = stack.tenant()
    first = _create(caller, "Flask")
    again = _create(caller, "Flask")

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert _projects(caller) == ["Flask"]


def test_the_same_key_with_another_body_is_422(stack: Stack) -> None:
    caller = stack.tenant()
    _create(caller, "Flask")
    refused = _create(caller, "Django")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert _projects(caller) == ["Flask"]


def test_a_request_that_failed_has_not_used_its_key_up(stack: Stack) -> None:
    caller = stack.tenant()
    assert _create(caller, "").status_code == 422
    assert _create(caller, "Flask").status_code == 201


def test_keys_belong_to_an_actor_and_a_path(stack: Stack) -> None:
    caller = stack.tenant()
    other = stack.caller(caller.tenant_id)
    project = _create(caller, "Flask").json()
    assert "idempotency-replayed" not in _create(other, "Flask").headers
    elsewhere = caller.post(
        f"/projects/{project['id']}/repositories",
        {"source": "archive", "name": "x"},
        headers={"Idempotency-Key": "k1"},
    )
    assert elsewhere.status_code == 201


def test_a_key_is_forgotten_after_24_hours(stack: Stack) -> None:
    caller = stack.tenant()
    _create(caller, "Flask")
    stack.execute(
        caller.tenant_id, "update idempotency_keys set created_at = now() - interval '24 hours 1 second'"
    )
    assert _create(caller, "Django").status_code == 201
    assert "idempotency-replayed" in _create(caller, "Django").headers


@pytest.mark.parametrize("key", ["", "x" * 256, "with space"])
def test_a_key_that_is_no_key_is_422(stack: Stack, key: str) -> None:
    refused = _create(stack.tenant(), "Flask", key)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["parameter"] == "Idempotency-Key"


def test_a_second_request_during_the_first_is_409_and_takes_no_effect(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = stack.tenant()
    inside, go_on = threading.Event(), threading.Event()
    create_project = service.create_project

    def slow(*arguments: Any) -> object:
        inside.set()
        go_on.wait(10)
        return create_project(*arguments)

    monkeypatch.setattr(service, "create_project", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(_create, caller, "Flask")
        assert inside.wait(10)
        second = _create(caller, "Flask")
        go_on.set()
        assert first.result().status_code == 201

    assert (second.status_code, second.json()["code"]) == (409, "idempotency_key_in_flight")
    assert second.headers["retry-after"]
    assert _projects(caller) == ["Flask"]
    assert _create(caller, "Flask").content == first.result().content


def test_many_at_once_have_one_effect(stack: Stack) -> None:
    caller = stack.tenant()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _create(caller, "Flask"), range(16)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.content for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert _projects(caller) == ["Flask"]


def test_the_text_of_a_token_is_replayed_and_not_kept_in_clear(stack: Stack) -> None:
    caller = stack.tenant()
    body = {"name": "ci", "scopes": ["runs:read"]}
    first = caller.post("/tokens", body, headers={"Idempotency-Key": "k"})
    again = caller.post("/tokens", body, headers={"Idempotency-Key": "k"})

    assert again.content == first.content
    secret = first.json()["token"].rpartition("_")[2]
    kept = stack.execute(caller.tenant_id, "select body::text as body from idempotency_keys")
    assert kept and all(secret not in row["body"] for row in kept)
    assert "nyx_" not in kept[0]["body"]
