"""The API and the authorizer as Lambda calls them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from api_stack import Stack, world
from cryptography.hazmat.primitives.asymmetric import rsa

from authorizer.handler import Unauthorized
from authorizer.handler import handler as authorize
from nyxcore import clock
from nyxcore.settings import settings
from nyxcore.tenancy import service

_EVENTS = Path(__file__).parents[3] / "events"


def _event(name: str, token: str | None = None, **changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((_EVENTS / f"{name}.json").read_text()) | changes
    if token is not None:
        event["headers"]["Authorization"] = f"Bearer {token}"
        event["multiValueHeaders"]["Authorization"] = [f"Bearer {token}"]
    return event


@pytest.fixture(scope="module")
def invoke_api(stack: Stack) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    from api.handler import handler

    yield lambda event: handler(event, None)  # type: ignore[arg-type]  # the context is not looked at
    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)


def test_the_api_answers_a_gateway_event(invoke_api: Callable[..., dict[str, Any]]) -> None:
    answer = invoke_api(_event("ApiFunction"))

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["status"] == "ok"


def test_a_problem_leaves_lambda_as_text_and_not_as_base64(
    invoke_api: Callable[..., dict[str, Any]],
) -> None:
    answer = invoke_api(_event("ApiFunction", path="/api/v1/nothing"))

    assert (answer["statusCode"], answer["isBase64Encoded"]) == (404, False)
    assert json.loads(answer["body"])["code"] == "not_found"


def test_the_authorizer_allows_the_whole_stage_to_a_token(stack: Stack) -> None:
    caller = stack.tenant()

    answer = authorize(_event("AuthorizerFunction", caller.token), None)

    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == "arn:aws:execute-api:us-east-1:123456789012:abcde12345/live/*"
    assert answer["context"] == {"tenantId": str(caller.tenant_id), "actor": f"token:{caller.issued.id}"}


def test_the_authorizer_says_unauthorized_to_who_is_nobody(stack: Stack) -> None:
    for event in (_event("AuthorizerFunction"), _event("AuthorizerFunction", headers=None)):
        with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
            authorize(event, None)


class UserPool:
    """An issuer of JWTs, whose key set the service knows."""

    issuer = "https://pool.example"

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        self.jwks = json.dumps({"keys": [public | {"kid": "k1", "alg": "RS256", "use": "sig"}]})

    def sign(self, tenant_id: UUID, subject: str, **changes: Any) -> str:
        claims = {
            "iss": self.issuer,
            "aud": "client",
            "sub": subject,
            "exp": int(clock.now().timestamp()) + 600,
            "custom:tenant_id": str(tenant_id),
        } | changes
        return jwt.encode(claims, self._key, "RS256", {"kid": "k1"})


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> UserPool:
    made = UserPool()
    configured = settings().model_copy(
        update={
            "user_pool_issuer": made.issuer,
            "user_pool_audience": "client",
            "user_pool_jwks": made.jwks,
        }
    )
    monkeypatch.setattr(service, "settings", lambda: configured)
    return made


def _status(stack: Stack, token: str, method: str = "GET") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return stack.http.request(method, "/api/v1/projects", headers=headers, json={"name": "x"}).status_code


def test_a_member_is_let_in_by_jwt_with_the_scopes_of_the_role(stack: Stack, pool: UserPool) -> None:
    tenant_id = stack.tenant().tenant_id
    for subject, role in (("alice", "owner"), ("bob", "viewer")):
        stack.execute(
            tenant_id,
            "insert into members (tenant_id, subject, role) values (%s, %s, %s)",
            tenant_id,
            subject,
            role,
        )
    assert _status(stack, pool.sign(tenant_id, "alice"), "POST") == 201
    assert _status(stack, pool.sign(tenant_id, "bob")) == 200
    assert _status(stack, pool.sign(tenant_id, "bob"), "POST") == 403
    by = stack.execute(tenant_id, "select actor from audit_log where action = 'project.create'")
    assert by == [{"actor": "member:alice"}]


def test_a_ticket_that_was_asked_for_with_a_jwt_dies_with_the_membership(
    stack: Stack, pool: UserPool
) -> None:
    found = world(stack)
    tenant_id, run_id = found.caller.tenant_id, found.run["id"]
    stack.execute(
        tenant_id, "insert into members (tenant_id, subject, role) values (%s, 'alice', 'viewer')", tenant_id
    )
    headers = {"Authorization": f"Bearer {pool.sign(tenant_id, 'alice')}"}
    asked = stack.http.request("POST", "/api/v1/events/tickets", headers=headers, json={"runId": run_id})
    stream = f"/api/v1/events/runs/{run_id}?ticket={asked.json()['ticket']}"
    assert stack.http.request("GET", stream).status_code == 200
    stack.execute(tenant_id, "delete from members where subject = 'alice'")
    assert stack.http.request("GET", stream).status_code == 401


def test_a_member_of_one_tenant_is_nobody_in_another(stack: Stack, pool: UserPool) -> None:
    mine, other = stack.tenant().tenant_id, stack.tenant().tenant_id
    stack.execute(mine, "insert into members (tenant_id, subject, role) values (%s, 'alice', 'owner')", mine)
    assert _status(stack, pool.sign(other, "alice")) == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": None},
        {"exp": 1},
        {"custom:tenant_id": "no uuid"},
        {"sub": None},
    ],
)
def test_a_jwt_that_is_not_for_this_api_is_refused(
    stack: Stack, pool: UserPool, changes: dict[str, Any]
) -> None:
    tenant_id = stack.tenant().tenant_id
    stack.execute(
        tenant_id, "insert into members (tenant_id, subject, role) values (%s, 'a', 'owner')", tenant_id
    )
    assert _status(stack, pool.sign(tenant_id, "a")) == 200
    claims = {name: value for name, value in changes.items() if value is not None}
    token = pool.sign(tenant_id, "a", **claims)
    if len(claims) < len(changes):
        token = _without(pool, tenant_id, next(iter(changes)))
    assert _status(stack, token) == 401


def _without(pool: UserPool, tenant_id: UUID, claim: str) -> str:
    claims = jwt.decode(pool.sign(tenant_id, "a"), options={"verify_signature": False})
    del claims[claim]
    return jwt.encode(claims, pool._key, "RS256", {"kid": "k1"})


def test_a_jwt_signed_by_anyone_else_is_refused(stack: Stack, pool: UserPool) -> None:
    tenant_id = stack.tenant().tenant_id
    stack.execute(
        tenant_id, "insert into members (tenant_id, subject, role) values (%s, 'a', 'owner')", tenant_id
    )
    good = pool.sign(tenant_id, "a")
    head, body, _ = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').rstrip(b"=").decode()
    public = json.loads(pool.jwks)["keys"][0]["n"]
    confused = jwt.encode({"sub": "a"}, public[:64], "HS256", {"kid": "k1"})
    for token in (UserPool().sign(tenant_id, "a"), f"{none}.{body}.", f"{head}.{body}.AAAA", confused):
        assert _status(stack, token) == 401


def test_without_a_user_pool_no_jwt_is_taken(stack: Stack) -> None:
    assert _status(stack, UserPool().sign(stack.tenant().tenant_id, "alice")) == 401
