"""Credentials over HTTP: set, never shown, encrypted in the database, opened by whoever calls models, rotated."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from api_stack import Caller, Stack, World, world

from nyx.keys import rotate
from nyxcore import clock
from nyxcore.credentials import repository, sealing, service
from nyxcore.credentials.sealing import FileKeys, Owner
from nyxcore.db.connection import Database
from nyxcore.errors import InvalidInput
from nyxcore.settings import settings
from nyxcore.workflows import lint
from nyxcore.workflows.service import models_of

SECRET = "sk-proj-0123456789abcdefghij"
DRAFT = {"name": "openai", "protocol": "openai", "secret": SECRET}


@pytest.fixture
def keys(stack: Stack) -> FileKeys:
    return FileKeys(Path(settings().credential_key_file))


def put(caller: Caller, **changes: Any) -> Any:
    response = caller.call("PUT", "/credentials", json=DRAFT | changes)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_credential_is_set_and_listed_without_its_secret(stack: Stack) -> None:
    caller = stack.tenant()
    prices = {"gpt-5": {"inputUsd": 1.5, "outputUsd": 6, "cachedUsd": None}}
    made = put(caller, prices=prices)
    assert made["prices"] == prices
    assert (made["name"], made["protocol"], made["baseUrl"], made["hasSecret"]) == (
        "openai",
        "openai",
        None,
        True,
    )
    assert (made["lastFour"], made["updatedBy"]) == ("ghij", f"token:{caller.issued.id}")
    listed = caller.get("/credentials")
    assert listed.json() == {"items": [made]}
    assert SECRET not in listed.text


def test_the_secret_is_encrypted_in_the_database_and_in_no_log_of_changes(stack: Stack) -> None:
    caller = stack.tenant()
    put(caller)
    stored = stack.execute(caller.tenant_id, "select * from credentials")
    audited = stack.execute(caller.tenant_id, "select * from audit_log where action = 'credential.set'")
    assert SECRET not in f"{stored} {audited}"
    assert audited[0]["target"] == "credential:openai"
    assert audited[0]["details"] == {"protocol": "openai", "baseUrl": None}


def test_whoever_calls_models_gets_it_encrypted_and_opens_it(stack: Stack) -> None:
    caller = stack.tenant()
    put(caller)
    put(
        caller,
        name="local",
        secret=None,
        baseUrl="https://models.example/v1",
        prices={"*": {"inputUsd": 0, "outputUsd": 0}},
    )
    with stack.db.transaction(caller.tenant_id) as connection:
        found = service.endpoints(connection, caller.tenant_id, ["openai:gpt-5", "local:llama", "offline"])
    assert sorted(found) == ["local", "openai"]
    assert (found["local"].sealed_key, found["local"].prices["*"].input_usd) == (None, 0)
    sealed = found["openai"].sealed_key
    assert sealed is not None
    assert SECRET not in found["openai"].model_dump_json()
    assert sealing.unseal(sealing.keys(), Owner(caller.tenant_id, "openai"), sealed) == SECRET


@pytest.mark.parametrize("model", ["nobody:x", "github:x"])
def test_a_model_of_a_credential_that_there_is_not_is_named(stack: Stack, model: str) -> None:
    caller = stack.tenant()
    put(caller, name="github", protocol="github")
    with (
        stack.db.transaction(caller.tenant_id) as connection,
        pytest.raises(InvalidInput, match=model.split(":", maxsplit=1)[0]),
    ):
        service.endpoints(connection, caller.tenant_id, [model])


STEPS = [
    {"key": "first", "prompt": "{{input}}", "model": "openai:gpt-5"},
    {
        "key": "many",
        "prompt": "x",
        "models": ["ours:a", "offline"],
        "pick": "judge",
        "judge": {"model": "judges:j"},
    },
    {"key": "last", "type": "report", "prompt": "x", "fallbacks": ["bedrock:b", "ours:a", "github:g"]},
    {"key": "free", "type": "report", "needs": ["last"]},
]


def start(target: World, steps: list[dict[str, Any]]) -> httpx.Response:
    workflow = target.caller.made("/workflows", {"name": "w", "goal": "g", "steps": steps})
    draft = {
        "kind": "workflow",
        "projectId": target.project["id"],
        "workflowId": workflow["id"],
        "input": "x",
    }
    return target.caller.post("/runs", draft)


def test_a_run_whose_models_cannot_all_be_called_is_refused_before_anything_is_spent(stack: Stack) -> None:
    target = world(stack)
    put(target.caller)
    put(target.caller, name="github", protocol="github")
    before = target.caller.get("/runs").json()
    refused = start(target, STEPS)
    assert (refused.status_code, refused.json()["code"]) == (422, "credentials_missing")
    for name in ("ours", "judges", "github"):
        assert refused.json()["detail"].count(f"there is no credential {name} ") == 1
    assert "bedrock models are paid by whoever runs this deployment" in refused.json()["detail"]
    assert "openai" not in refused.json()["detail"]
    assert target.caller.get("/runs").json() == before


def test_a_judge_that_is_not_named_needs_no_other_model_than_the_answers_do() -> None:
    step = {"key": "many", "prompt": "x", "models": ["ours:a", "ours:b"], "pick": "judge"}
    workflow = lint.accept({"name": "w", "goal": "g", "steps": [step]})
    assert models_of(workflow) == ["ours:a", "ours:b"]


def test_a_run_whose_models_can_all_be_called_is_started(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = world(stack)
    for name in ("openai", "ours", "judges"):
        put(target.caller, name=name)
    with opened(stack, monkeypatch, str(target.caller.tenant_id)):
        assert start(target, [*STEPS[:2], STEPS[2] | {"fallbacks": ["bedrock:b"]}]).status_code == 202


@contextmanager
def opened(stack: Stack, monkeypatch: pytest.MonkeyPatch, *tenants: str) -> Iterator[None]:
    """Bedrock is open to these tenants."""
    monkeypatch.setenv("NYX_BEDROCK_TENANTS", json.dumps(tenants))
    settings.cache_clear()
    try:
        yield
    finally:
        monkeypatch.delenv("NYX_BEDROCK_TENANTS")
        settings.cache_clear()


def test_bedrock_is_open_to_those_whom_the_operator_names_and_to_nobody_else(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = stack.tenant(), stack.tenant()

    def lacking(caller: Caller) -> list[str]:
        with stack.db.transaction(caller.tenant_id) as connection:
            return service.missing(connection, caller.tenant_id, ["bedrock:a", "bedrock:b", "offline"])

    assert len(lacking(one)) == len(lacking(other)) == 1
    with opened(stack, monkeypatch, str(one.tenant_id)):
        assert (lacking(one), len(lacking(other))) == ([], 1)
    with opened(stack, monkeypatch, "*"):
        assert lacking(other) == []


def test_neither_a_key_nor_a_prompt_gets_into_the_log_of_the_api(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    target = world(stack)
    with caplog.at_level(logging.DEBUG):
        put(target.caller)
        assert (
            target.caller.call("PUT", "/credentials", json=DRAFT | {"baseUrl": "http://x"}).status_code == 422
        )
        assert start(target, [STEPS[0] | {"prompt": "the secret plan"}]).status_code == 202
        assert (
            start(target, [STEPS[0] | {"prompt": "the secret plan", "model": "nobody:x"}]).status_code == 422
        )
    logged = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert (SECRET in logged, "secret plan" in logged) == (False, False)


def test_setting_it_again_replaces_it_as_a_whole(stack: Stack) -> None:
    caller = stack.tenant()
    put(caller)
    moved = put(caller, secret=None, baseUrl="https://elsewhere.example/v1")
    assert (moved["hasSecret"], moved["lastFour"]) == (False, None), (
        "no secret goes to another base URL by itself"
    )
    assert len(caller.get("/credentials").json()["items"]) == 1


def test_a_short_secret_shows_none_of_its_characters(stack: Stack) -> None:
    assert put(stack.tenant(), secret="12345678901234567")["lastFour"] is None


def test_it_can_be_removed(stack: Stack) -> None:
    caller = stack.tenant()
    put(caller)
    assert caller.call("DELETE", "/credentials/openai").status_code == 204
    assert caller.call("DELETE", "/credentials/openai").status_code == 404
    assert caller.get("/credentials").json() == {"items": []}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "offline"}, {"name": "bedrock"}, {"name": "Open AI"}, {"name": ""}, {"protocol": "smtp"},
        {"secret": "short"}, {"secret": "two words of a key"}, {"secret": "line\nbreak-in-it"},
        {"baseUrl": "http://models.example"}, {"baseUrl": "https://169.254.169.254/"}, {"baseUrl": "https://u:p@x.example"},
        {"protocol": "github", "baseUrl": "https://models.example"}, {"protocol": "github", "secret": None},
        {"prices": {"x": {"inputUsd": -1, "outputUsd": 1}}}, {"unknown": 1},
        {"prices": {"\0": {"inputUsd": 1, "outputUsd": 1}}},
    ],
)  # fmt: skip
def test_what_cannot_be_a_credential_is_refused_without_repeating_the_secret(
    stack: Stack, wrong: Any
) -> None:
    caller = stack.tenant()
    response = caller.call("PUT", "/credentials", json=DRAFT | wrong)
    assert response.status_code == 422
    assert (wrong.get("secret") or SECRET) not in response.text
    assert caller.get("/credentials").json() == {"items": []}


def test_a_token_of_one_project_sets_and_removes_none(stack: Stack) -> None:
    target = world(stack)
    put(target.caller)
    pinned = stack.caller(target.caller.tenant_id, ["admin"], UUID(target.project["id"]))
    for response in (
        pinned.call("PUT", "/credentials", json=DRAFT),
        pinned.call("DELETE", "/credentials/openai"),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")


def test_rotation_re_encrypts_everything_while_it_stays_readable(
    stack: Stack, keys: FileKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = stack.tenant()
    for name in ("a", "b", "c"):
        put(caller, name=name, secret=f"{SECRET}-{name}")
    put(caller, name="none", secret=None, baseUrl="https://models.example")
    old = keys.current()
    new = keys.add()

    def opened() -> list[str]:
        with stack.db.transaction(caller.tenant_id) as connection:
            rows = [row for row in repository.find(connection, caller.tenant_id) if row["sealed_secret"]]
        return [
            sealing.unseal(keys, Owner(caller.tenant_id, row["name"]), row["sealed_secret"]) for row in rows
        ]

    secrets = [f"{SECRET}-{name}" for name in "abc"]
    assert opened() == secrets
    with stack.db.transaction(caller.tenant_id) as connection:
        assert service.rotate(connection, caller.tenant_id, keys) == 3
        assert service.rotate(connection, caller.tenant_id, keys) == 0
        assert repository.keys_in_use(connection, caller.tenant_id) == {new}
    assert opened() == secrets
    tomorrow = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert old in keys.forget({new})
    assert opened() == secrets


def test_the_command_moves_every_tenant_s_secrets_and_removes_the_old_keys_of_yesterday(
    stack: Stack, keys: FileKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = [stack.tenant() for _ in range(2)]
    for caller in callers:
        put(caller)
    database = Database(stack.owner_url)
    old = keys.current()
    moved, gone = rotate(database, keys)
    assert moved >= 2
    assert old not in gone
    tomorrow = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    _, gone = rotate(database, keys)
    database.close()
    assert old in gone
    for caller in callers:
        with stack.db.transaction(caller.tenant_id) as connection:
            (row,) = repository.find(connection, caller.tenant_id)
        assert sealing.unseal(keys, Owner(caller.tenant_id, "openai"), row["sealed_secret"]) == SECRET


def test_a_row_that_is_copied_to_another_name_does_not_open(stack: Stack) -> None:
    caller = stack.tenant()
    put(caller)
    put(caller, name="mine", secret="another-secret-of-mine")
    stack.execute(
        caller.tenant_id,
        "update credentials set sealed_secret = (select sealed_secret from credentials where name = 'openai')"
        " where name = 'mine'",
    )
    with stack.db.transaction(caller.tenant_id) as connection:
        (row,) = repository.find(connection, caller.tenant_id, ["mine"])
    with pytest.raises(sealing.SecretUnreadable):
        sealing.unseal(sealing.keys(), Owner(caller.tenant_id, "mine"), row["sealed_secret"])


@pytest.fixture(autouse=True)
def keys_of_this_test(stack: Stack) -> Iterator[None]:
    sealing.keys.cache_clear()
    yield
    sealing.keys.cache_clear()
