"""Tokens: who gets one, what it may do, and when it ends."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest
from api_stack import Stack, world

from nyxcore import clock


def test_a_new_token_shows_its_text_once_and_keeps_a_hash(stack: Stack) -> None:
    caller = stack.tenant()

    made = caller.post("/tokens", {"name": "ci", "scopes": ["runs:write", "runs:read"]})

    assert made.status_code == 201
    token = made.json()
    assert token["token"].startswith(f"nyx_{caller.tenant_id.hex}_")
    assert token["scopes"] == ["runs:read", "runs:write"]
    assert token["createdBy"] == f"token:{caller.issued.id}"
    listed = caller.get("/tokens").json()["items"]
    assert listed[0] == {key: value for key, value in token.items() if key != "token"}
    assert token["token"] not in caller.get("/tokens").text
    stored = stack.execute(
        caller.tenant_id, "select secret_sha256 from api_tokens where id = %s", token["id"]
    )
    assert stored[0]["secret_sha256"] == hashlib.sha256(token["token"].encode()).digest()


def test_a_new_token_works_with_its_scopes(stack: Stack) -> None:
    caller = stack.tenant()
    token = caller.made("/tokens", {"name": "ci", "scopes": ["runs:read"]})["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert stack.http.request("GET", "/api/v1/projects", headers=headers).status_code == 200
    refused = stack.http.request("POST", "/api/v1/projects", headers=headers, json={"name": "x"})
    assert refused.status_code == 403


def test_a_revoked_token_is_unknown_from_the_next_request_on(stack: Stack) -> None:
    caller = stack.tenant()
    other = stack.caller(caller.tenant_id)
    assert other.get("/projects").status_code == 200
    assert caller.call("DELETE", f"/tokens/{other.issued.id}").status_code == 204
    refused = other.get("/projects")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert caller.call("DELETE", f"/tokens/{other.issued.id}").status_code == 404


def test_an_expired_token_is_refused(stack: Stack) -> None:
    caller = stack.tenant()
    soon = clock.now() + timedelta(hours=1)
    expiring = stack.caller(caller.tenant_id, expires_at=soon)
    assert expiring.get("/projects").status_code == 200
    stack.execute(
        caller.tenant_id,
        "update api_tokens set expires_at = now() - interval '1 second' where id = %s",
        expiring.issued.id,
    )
    assert expiring.get("/projects").status_code == 401


@pytest.mark.parametrize(
    "header",
    ["", "Basic bnl4Og==", "Bearer", "Bearer nyx_", "Bearer a.b.c", "Bearer nyx_{tenant}_" + "A" * 43, "nyx"],
)
def test_what_names_nobody_is_401(stack: Stack, header: str) -> None:
    caller = stack.tenant()
    value = header.replace("{tenant}", caller.tenant_id.hex)
    response = stack.http.request("GET", "/api/v1/projects", headers={"Authorization": value})
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


def test_a_token_hands_out_no_scope_that_it_lacks(stack: Stack) -> None:
    admin = stack.caller(stack.tenant().tenant_id, ["admin", "runs:read"])
    refused = admin.post("/tokens", {"name": "x", "scopes": ["runs:read", "runs:write"]})
    assert refused.status_code == 403
    assert "runs:write" in refused.json()["detail"]
    assert admin.post("/tokens", {"name": "x", "scopes": ["runs:read"]}).status_code == 201


def test_a_pinned_token_hands_out_its_own_pin_alone_and_sees_no_other_token(stack: Stack) -> None:
    caller = stack.tenant()
    mine = caller.made("/projects", {"name": "mine"})["id"]
    other = caller.made("/projects", {"name": "other"})["id"]
    pinned = stack.caller(caller.tenant_id, project_id=mine)
    body = {"name": "x", "scopes": ["runs:read"]}

    assert pinned.post("/tokens", body).status_code == 403
    assert pinned.post("/tokens", body | {"projectId": other}).status_code == 404
    made = pinned.made("/tokens", body | {"projectId": mine})

    assert [item["id"] for item in pinned.get("/tokens").json()["items"]] == [
        made["id"],
        str(pinned.issued.id),
    ]
    assert pinned.call("DELETE", f"/tokens/{caller.issued.id}").status_code == 404


def test_a_token_makes_none_that_outlives_it(stack: Stack) -> None:
    end = clock.now() + timedelta(days=1)
    expiring = stack.caller(stack.tenant().tenant_id, expires_at=end)
    body = {"name": "x", "scopes": ["runs:read"]}
    assert expiring.post("/tokens", body).status_code == 403
    later = clock.rfc3339(end + timedelta(days=1))
    assert expiring.post("/tokens", body | {"expiresAt": later}).status_code == 403
    sooner = clock.rfc3339(end - timedelta(hours=1))
    assert expiring.made("/tokens", body | {"expiresAt": sooner})["expiresAt"] == sooner


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"expiresAt": "2020-01-01T00:00:00Z"},
        {"expiresAt": "tomorrow"},
        {"expiresAt": 1},
        {"expiresAt": "2030-01-01T00:00:00"},
        {"name": ""},
    ],
)
def test_a_token_that_makes_no_sense_is_422(stack: Stack, change: dict[str, object]) -> None:
    refused = stack.tenant().post("/tokens", {"name": "x", "scopes": ["runs:read"]} | change)
    assert refused.status_code == 422


def test_a_token_for_an_unknown_project_is_404(stack: Stack) -> None:
    body = {"name": "x", "scopes": ["runs:read"], "projectId": str(uuid4())}
    assert stack.tenant().post("/tokens", body).status_code == 404


def test_a_ticket_opens_the_stream_of_its_run_and_no_other(stack: Stack) -> None:
    mine = world(stack)
    ticket = mine.caller.made("/events/tickets", {"runId": mine.run["id"]})
    assert set(ticket) == {"ticket", "expiresAt"}
    other = world(stack)

    path = "/api/v1/events/runs/{}?ticket=" + ticket["ticket"]
    opened = stack.http.request("GET", path.format(mine.run["id"]))
    assert opened.status_code == 200
    assert opened.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "event: done" in opened.text
    assert stack.http.request("GET", path.format(other.run["id"])).status_code == 401
    by_header = stack.http.request(
        "GET", f"/api/v1/runs/{mine.run['id']}", headers={"Authorization": f"Bearer {ticket['ticket']}"}
    )
    assert by_header.status_code == 401


def test_a_ticket_dies_with_its_token(stack: Stack) -> None:
    mine = world(stack)
    asking = stack.caller(mine.caller.tenant_id)
    ticket = asking.made("/events/tickets", {"runId": mine.run["id"]})["ticket"]
    mine.caller.call("DELETE", f"/tokens/{asking.issued.id}")
    opened = stack.http.request("GET", f"/api/v1/events/runs/{mine.run['id']}?ticket={ticket}")
    assert opened.status_code == 401


def test_a_ticket_ends_an_hour_after_the_run(stack: Stack) -> None:
    mine = world(stack)
    ticket = mine.caller.made("/events/tickets", {"runId": mine.run["id"]})["ticket"]
    stack.execute(
        mine.caller.tenant_id,
        "update runs set finished_at = now() - interval '61 minutes' where id = %s",
        mine.run["id"],
    )
    opened = stack.http.request("GET", f"/api/v1/events/runs/{mine.run['id']}?ticket={ticket}")
    assert opened.status_code == 401
    refused = mine.caller.post("/events/tickets", {"runId": mine.run["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "ticket_window_over")


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_an_expiry_outside_the_calendar_is_422(stack: Stack, instant: str) -> None:
    response = stack.tenant().post("/tokens", {"name": "t", "scopes": ["runs:read"], "expiresAt": instant})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")
    assert [part["pointer"] for part in response.json()["errors"]] == ["#/expiresAt"]
