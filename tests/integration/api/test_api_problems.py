"""Errors, headers, limits, health and documentation: what every client relies on."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import psycopg
import pytest
from api_stack import Stack

from api import docs_page
from nyxcore.db import connection as connections
from nyxcore.db.connection import Database
from nyxcore.errors import NyxError
from nyxcore.projects import service

_LIMIT = 4 * 1024 * 1024


def test_an_error_is_a_problem_with_a_code(stack: Stack) -> None:
    response = stack.tenant().get("/projects/0198f2a0-0000-7000-8000-000000000000")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "/api/v1/docs#problem-not_found",
        "title": "Not found",
        "status": 404,
        "detail": "there is no project 0198f2a0-0000-7000-8000-000000000000",
        "code": "not_found",
    }


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/", "/api/v1/projects/", "/api/v2/health"])
def test_an_unknown_path_is_404(stack: Stack, path: str) -> None:
    response = stack.http.request("GET", path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/projects", "GET, POST"),
        ("POST", "/projects/1", "DELETE, GET, PATCH"),
        ("GET", "/events/tickets", "POST"),
        ("DELETE", "/health", "GET"),
    ],
)
def test_a_method_that_is_not_served_is_405_and_says_which_are(
    stack: Stack, method: str, path: str, allowed: str
) -> None:
    response = stack.http.request(method, f"/api/v1{path}")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("content", [b"{", b"", b'{"name": "\xff"}', b"[" * 100_000])
def test_a_body_that_is_no_json_is_400_or_422(stack: Stack, content: bytes) -> None:
    response = stack.tenant().call(
        "POST", "/projects", content=content, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == (422 if content == b"" else 400)
    assert response.json()["code"] == ("invalid_input" if content == b"" else "malformed_json")


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""]
)
def test_a_body_of_another_type_is_415(stack: Stack, media_type: str) -> None:
    response = stack.tenant().call(
        "POST", "/projects", content=b'{"name": "x"}', headers={"Content-Type": media_type}
    )
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_what_is_wrong_in_a_body_is_named_by_pointer(stack: Stack) -> None:
    response = stack.tenant().post("/tokens", {"name": "", "scopes": ["runs:read", "fly"], "a/b": 1})
    assert response.status_code == 422
    assert {part["pointer"] for part in response.json()["errors"]} == {"#/name", "#/scopes/1", "#/a~1b"}


def test_the_variant_of_a_union_is_no_part_of_the_pointer(stack: Stack) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "p"})
    response = caller.post(f"/projects/{project['id']}/repositories", {"source": "github", "name": "x"})
    assert [part["pointer"] for part in response.json()["errors"]] == ["#/name"]


def test_a_variant_with_the_name_of_a_member_is_no_part_of_the_pointer_either(stack: Stack) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "p"})
    body = {"source": "path", "name": "x", "path": "not/absolute"}
    response = caller.post(f"/projects/{project['id']}/repositories", body)
    assert [part["pointer"] for part in response.json()["errors"]] == ["#/path"]


def test_a_body_of_4_mb_is_read_and_one_byte_more_is_413(stack: Stack) -> None:
    caller = stack.tenant()
    frame = b'{"name": ""}'
    headers = {"Content-Type": "application/json"}
    full = b'{"name": "' + b"x" * (_LIMIT - len(frame)) + b'"}'
    assert caller.call("POST", "/projects", content=full, headers=headers).status_code == 422
    refused = caller.call("POST", "/projects", content=full + b" ", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


def test_a_large_body_without_its_length_is_413_too(stack: Stack) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * (1024 * 1024)

    refused = stack.tenant().call(
        "POST", "/projects", content=pieces(), headers={"Content-Type": "application/json"}
    )
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


def test_a_fault_shows_nothing_of_what_is_inside(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(service, "list_projects", fail)
    response = stack.tenant().get("/projects", headers={"X-Request-Id": "abc-1"})
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text
    assert response.headers["x-request-id"] == "abc-1"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "abc-1" in caplog.text and "the secret of the house" in caplog.text


def test_a_database_that_does_not_answer_is_503_without_its_words(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = stack.tenant()
    gone = Database("postgresql://nyx_app:hidden@127.0.0.1:1/nowhere")
    monkeypatch.setattr(connections, "_database", gone)
    for path in ("/health", "/projects"):
        response = caller.get(path)
        assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
        assert response.headers["retry-after"]
        assert "127.0.0.1" not in response.text


def test_an_error_of_the_database_in_the_middle_is_503(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise psycopg.OperationalError("terminating connection of host 10.0.0.1")

    monkeypatch.setattr(service, "list_projects", fail)
    response = stack.tenant().get("/projects")
    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert "10.0.0.1" not in response.text


def test_health_names_the_schema_and_the_parts(stack: Stack) -> None:
    response = stack.http.request("GET", "/api/v1/health")
    assert response.status_code == 200
    health = response.json()
    assert health["status"] == "ok"
    assert health["schemaVersion"] >= 4
    assert {"nyxcore", "python", "postgresql", "vector", "ruff"} <= set(health["versions"])


def test_health_is_503_on_a_schema_that_is_too_old(stack: Stack) -> None:
    with stack.owner() as connection:
        rows = connection.execute(
            "delete from schema_migrations where version = (select max(version) from schema_migrations)"
            " returning version, name, sha256, applied_at"
        ).fetchall()
    try:
        response = stack.http.request("GET", "/api/v1/health")
        assert (response.status_code, response.json()["code"]) == (503, "schema_outdated")
    finally:
        with stack.owner() as connection:
            connection.execute(
                "insert into schema_migrations values (%s, %s, %s, %s)", tuple(rows[0].values())
            )


def test_every_answer_has_a_request_id_and_security_headers(stack: Stack) -> None:
    for path in ("/api/v1/health", "/api/v1/nothing", "/api/v1/projects", "/api/v1/openapi.json"):
        headers = stack.http.request("GET", path).headers
        assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-request-id"])
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "max-age" in headers["strict-transport-security"]
    echoed = stack.http.request("GET", "/api/v1/health", headers={"X-Request-Id": "trace:1.2"})
    assert echoed.headers["x-request-id"] == "trace:1.2"
    replaced = stack.http.request("GET", "/api/v1/health", headers={"X-Request-Id": "a b"})
    assert replaced.headers["x-request-id"] != "a b"


def test_query_strings_are_not_logged(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="nyxcore"):
        stack.http.request(
            "GET", "/api/v1/events/runs/0198f2a0-0000-7000-8000-000000000000?ticket=nyxt_hidden"
        )
    assert "/api/v1/events/runs/0198f2a0" in caplog.text
    assert "nyxt_hidden" not in caplog.text


def test_cors_is_for_the_configured_origins_without_credentials(stack: Stack) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    ours = stack.http.request("OPTIONS", "/api/v1/runs", headers={"Origin": "https://app.example"} | asks)
    assert ours.status_code == 200
    assert ours.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-credentials" not in ours.headers
    theirs = stack.http.request("GET", "/api/v1/health", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in theirs.headers


class _Page(HTMLParser):
    """Every id, link and place that a page loads something from."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {given["id"] or ""} if "id" in given else set()
        self.links |= {given["href"] or ""} if tag == "a" else set()
        self.loads += [tag] if tag in {"script", "link", "img", "iframe"} else []


def test_the_documentation_shows_every_operation_and_loads_nothing(stack: Stack) -> None:
    response = stack.http.request("GET", "/api/v1/docs")
    assert response.status_code == 200
    assert response.headers["content-security-policy"] == docs_page.POLICY
    page = _Page()
    page.feed(response.text)
    document = stack.http.request("GET", "/api/v1/openapi.json").json()
    names = {operation["operationId"] for item in document["paths"].values() for operation in item.values()}
    assert names <= page.ids
    assert page.loads == []
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= page.ids
    codes = {error.code for error in NyxError.__subclasses__() if error.__module__.startswith("nyxcore")}
    assert {f"problem-{code}" for code in codes} <= page.ids


def test_every_operation_is_described_with_examples(stack: Stack) -> None:
    document = stack.http.request("GET", "/api/v1/openapi.json").json()
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"] and operation["description"] and operation["operationId"]
            bodies = [operation["requestBody"]] if "requestBody" in operation else []
            for part in [*operation["responses"].values(), *bodies]:
                for media in part.get("content", {}).values():
                    assert "example" in media, operation["operationId"]
            problems = {status for status, each in operation["responses"].items() if status >= "400"}
            assert {"500", "503"} <= problems
            for status in problems:
                assert "application/problem+json" in operation["responses"][status]["content"]
