"""Reports over HTTP: written, listed, read in their forms, deleted and restored."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from api_stack import Stack, World, world

from nyxcore.storage import objects


@pytest.fixture(scope="module")
def done(stack: Stack) -> World:
    """A tenant whose run has succeeded; tests do not change it."""
    return world(stack)


def test_reports_are_listed_without_content_and_read_with_it(stack: Stack, done: World) -> None:
    caller, report = done.caller, done.report
    listed = caller.get("/reports").json()["items"]
    whole = caller.get(f"/reports/{report.id}").json()

    assert whole["content"] == "# Report\n"
    assert (whole["version"], whole["language"], whole["type"]) == (1, "en", "auto-fix")
    assert listed == [{key: value for key, value in whole.items() if key != "content"}]
    assert caller.get(f"/runs/{done.run['id']}/reports").json()["items"] == listed
    for query, count in [("style=technical", 1), ("style=executive", 0), ("type=refactor", 0)]:
        assert len(caller.get(f"/reports?{query}").json()["items"]) == count
    assert caller.get("/reports?style=blue").status_code == 422


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("text/markdown", "text/markdown; charset=utf-8"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/markdown; charset=utf-8"),
        ("application/json;q=0.5, text/markdown", "text/markdown; charset=utf-8"),
        ("text/html, */*;q=0.1", "text/html; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        ("image/png", None),
        ("application/json;q=0", None),
        ("application/json;q=nan", None),
        ("*/*;q=nan", None),
        ("*/*;q=inf", None),
        ("*/*;q=-1", None),
        ("*/*;q=1.5", None),
        ("*/*;q=x", None),
        ("application/json;q=inf, text/markdown;q=0.1", "text/markdown; charset=utf-8"),
    ],
)
def test_a_report_comes_in_the_form_that_accept_asks_for(
    done: World, accept: str, answer: str | None
) -> None:
    response = done.caller.get(f"/reports/{done.report.id}", headers={"Accept": accept})
    if answer is None:
        assert (response.status_code, response.json()["code"]) == (406, "not_acceptable")
    else:
        assert (response.status_code, response.headers["content-type"]) == (200, answer)
        assert "Report" in response.text


def test_a_report_has_an_address_for_its_markdown(stack: Stack, done: World) -> None:
    response = done.caller.get(f"/reports/{done.report.id}.md", headers={"Accept": "image/png"})
    assert (response.status_code, response.text) == (200, "# Report\n")
    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    for path in (f"/reports/{uuid4()}.md", f"/reports/{done.report.id}.txt", "/reports/x.md"):
        assert done.caller.get(path).status_code in {404, 422}
    assert stack.tenant().get(f"/reports/{done.report.id}.md").status_code == 404
    document = done.caller.http.request("GET", "/api/v1/openapi.json").json()
    answer = document["paths"]["/api/v1/reports/{reportId}.md"]["get"]["responses"]["200"]
    assert list(answer["content"]) == ["text/markdown"]


def test_a_report_above_4_mb_is_behind_a_link(stack: Stack) -> None:
    made = world(stack)
    long = stack.report(made.caller.tenant_id, made.run, "é" * (2 * 1024 * 1024 + 1), style="executive")
    answer = made.caller.get(f"/reports/{long.id}", headers={"Accept": "text/markdown"})
    assert answer.status_code == 303
    assert "X-Amz-Signature" in answer.headers["location"]
    prefix = objects.run_key(made.caller.tenant_id, UUID(made.run["id"]), "reports/")
    assert prefix in answer.headers["location"]  # the API's role may write to `*/runs/*`, not to any key


def test_a_report_is_deleted_and_restored(stack: Stack) -> None:
    made = world(stack)
    path = f"/reports/{made.report.id}"
    before = made.caller.get(path).json()

    assert made.caller.call("DELETE", path).status_code == 204
    assert made.caller.get(path).status_code == 404
    assert made.caller.call("DELETE", path).status_code == 404
    assert made.caller.get("/reports").json()["items"] == []
    restored = made.caller.post(f"{path}/restore")
    assert restored.status_code == 200
    assert restored.json()["id"] == before["id"]
    assert made.caller.get(path).json() == before
    assert made.caller.post(f"{path}/restore").status_code == 200


def test_a_new_report_is_the_next_version_of_its_style(stack: Stack) -> None:
    made = world(stack)
    answer = made.caller.post(f"/runs/{made.run['id']}/reports", {"style": "technical"})
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert (report["version"], report["style"], report["runId"]) == (2, "technical", made.run["id"])
    assert answer.headers["location"].endswith(f"/reports/{report['id']}")
    assert made.caller.get(f"/reports/{report['id']}").json() == report


@pytest.mark.parametrize("style", ["executive", "security", "technical", "marketing"])
def test_a_report_comes_in_the_style_and_language_that_are_asked_for(done: World, style: str) -> None:
    answer = done.caller.post(f"/runs/{done.run['id']}/reports", {"style": style, "language": "de"})
    report = answer.json()
    assert (answer.status_code, report["style"], report["language"]) == (201, style, "de")
    assert report["title"].startswith("demo · Auto-Fix · ")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"style": "technical", "language": "fr"}, "#/language"), ({"style": "blue"}, "#/style")],
)
def test_a_report_in_an_unknown_style_or_language_is_422(
    done: World, body: dict[str, str], pointer: str
) -> None:
    answer = done.caller.post(f"/runs/{done.run['id']}/reports", body)
    assert answer.status_code == 422
    assert [part["pointer"] for part in answer.json()["errors"]] == [pointer]
