"""PDFs over HTTP: found, made, waited for, refused. What prints them is tried in tests/integration/stack."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from api_stack import Caller, Stack, World, world

from api.routers import pdf as router
from nyxcore import clock
from nyxcore.reports import pdf
from nyxcore.runs import service as runs
from nyxcore.settings import settings
from nyxcore.storage import links, objects

PRINTED = b"%PDF-1.7 seven bytes"


@pytest.fixture(scope="module")
def done(stack: Stack) -> World:
    return world(stack)


def ask(done: World, **changes: Any) -> httpx.Response:
    return done.caller.post("/reports/pdf", {"reportId": str(done.report.id)} | changes)


def print_now(target: str) -> None:
    """What the printer does: the PDF under its key, with its number of pages."""
    objects.client().put_object(
        Bucket=settings().bucket,
        Key=target,
        Body=PRINTED,
        Metadata={"pages": "7"},
        ContentType="application/pdf",
    )


def target_of(stack: Stack, done: World, run_id: str) -> str:
    (row,) = stack.execute(done.caller.tenant_id, "select input from runs where id = %s", UUID(run_id))
    target: str = row["input"]["target"]
    return target


def test_what_takes_long_is_a_run_and_is_found_without_one_once_it_is_printed(stack: Stack) -> None:
    done = world(stack)
    asked = ask(done)
    assert asked.status_code == 202, asked.text
    run = asked.json()
    assert run["kind"] == "pdf"
    assert run["projectId"] == done.project["id"]
    assert asked.headers["location"] == run["links"]["self"]
    assert run["links"]["events"].endswith(f"/api/v1/events/runs/{run['id']}")
    assert ask(done).json()["id"] == run["id"]  # the same PDF is not made twice at a time

    print_now(target_of(stack, done, run["id"]))
    found = ask(done)
    assert found.status_code == 200
    assert found.json().keys() == {"url", "expiresAt", "pages", "bytes"}
    assert (found.json()["pages"], found.json()["bytes"]) == (7, len(PRINTED))
    assert ask(done, paper="Letter").status_code == 202  # another paper is another PDF


def test_the_link_downloads_under_a_readable_name_for_a_quarter_of_an_hour(stack: Stack, done: World) -> None:
    body = {"markdown": "# Protokoll\n", "title": "Müller · Protokoll: März"}
    run = done.caller.post("/reports/pdf", body).json()
    print_now(target_of(stack, done, run["id"]))
    link = urlsplit(done.caller.post("/reports/pdf", body).json()["url"])
    query = parse_qs(link.query)
    assert query["X-Amz-Expires"] == ["900"]
    disposition = query["response-content-disposition"][0]
    assert unquote(disposition.partition("filename*=UTF-8''")[2]) == "Müller · Protokoll März.pdf"
    assert 'filename="Muller - Protokoll Marz.pdf"' in disposition
    assert query["response-content-type"] == ["application/pdf"]


def test_markdown_belongs_to_no_project_and_no_token_of_a_project_sees_its_run(
    stack: Stack, done: World
) -> None:
    run = done.caller.post("/reports/pdf", {"markdown": "# A", "title": "A"}).json()
    assert run["projectId"] is None
    assert run["id"] in {each["id"] for each in done.caller.get("/runs?kind=pdf").json()["items"]}
    pinned = stack.caller(done.caller.tenant_id, project_id=UUID(done.project["id"]))
    assert pinned.get(f"/runs/{run['id']}").status_code == 404
    assert run["id"] not in {each["id"] for each in pinned.get("/runs").json()["items"]}
    own = pinned.post("/reports/pdf", {"markdown": "# B", "title": "B"}).json()
    assert own["projectId"] == done.project["id"]


def test_another_tenant_gets_neither_the_report_nor_its_pdf(stack: Stack, done: World) -> None:
    stranger = stack.tenant()
    assert stranger.post("/reports/pdf", {"reportId": str(done.report.id)}).status_code == 404
    same = {"markdown": "# The same", "title": "Same"}
    ours, theirs = done.caller.post("/reports/pdf", same).json(), stranger.post("/reports/pdf", same).json()
    assert ours["id"] != theirs["id"]
    assert target_of(stack, done, ours["id"]).startswith(f"{done.caller.tenant_id}/pdf/")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"reportId": "no id"}, 422),
        ({"reportId": str(uuid4())}, 404),
        ({"reportId": str(uuid4()), "markdown": "# A"}, 422),
        ({"markdown": "# A"}, 422),
        ({"markdown": "", "title": "A"}, 422),
        ({"markdown": "# A", "title": "A", "language": "fr"}, 422),
        ({"markdown": "# A", "title": "A", "paper": "A3"}, 422),
    ],
)
def test_what_cannot_be_printed_is_refused(done: World, body: dict[str, object], status: int) -> None:
    assert done.caller.post("/reports/pdf", body).status_code == status


def test_a_deleted_report_is_not_printed(stack: Stack) -> None:
    done = world(stack)
    assert done.caller.call("DELETE", f"/reports/{done.report.id}").status_code == 204
    assert ask(done).status_code == 404


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("too_many_pages", 422),
        ("markdown_too_large", 413),
        ("not_found", 404),
        ("fonts_missing", 503),
        ("browser_failed", 503),
        ("task_failed", 500),
    ],
)
def test_a_caller_that_waits_is_told_why_it_failed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, code: str, status: int
) -> None:
    patient = settings().model_copy(update={"pdf_patience_seconds": 20.0})
    monkeypatch.setattr(router, "settings", lambda: patient)
    done = world(stack)
    answers: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(ask(done)))
    waiting.start()
    while not (made := done.caller.get("/runs?kind=pdf").json()["items"]):
        assert waiting.is_alive()
    error = {"code": code, "message": "It has 5,000 pages."}
    with stack.db.transaction(done.caller.tenant_id) as connection:
        runs.finish_run(connection, done.caller.tenant_id, UUID(made[0]["id"]), "failed", error=error)
    waiting.join(30)
    assert answers[0].status_code == status
    if status != 500:
        assert (answers[0].json()["code"], answers[0].json()["detail"]) == (code, "It has 5,000 pages.")


def test_a_pdf_is_looked_for_under_what_decides_its_looks(stack: Stack, done: World) -> None:
    tenant_id = done.caller.tenant_id
    a4 = pdf.of_report(tenant_id, done.report, paper="A4")
    assert a4.target == pdf.of_report(tenant_id, done.report, paper="A4").target
    assert a4.target != pdf.of_report(tenant_id, done.report, paper="Letter").target
    other = done.report.model_copy(update={"content_hash": "0" * 64})
    assert a4.target != pdf.of_report(tenant_id, other, paper="A4").target


def test_the_link_of_a_run_is_signed_anew_whenever_the_run_is_read(
    stack: Stack, done: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = done.caller.post("/reports/pdf", {"markdown": "# Anew", "title": "Anew"}).json()
    stale = {"url": "https://dead.example", "expiresAt": "2026-01-01T00:00:00.000Z", "pages": 7, "bytes": 3}
    with stack.db.transaction(done.caller.tenant_id) as connection:
        runs.finish_run(connection, done.caller.tenant_id, UUID(run["id"]), "succeeded", result=stale)
    tomorrow = clock.now().replace(microsecond=0) + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    listed = next(
        each for each in done.caller.get("/runs?kind=pdf").json()["items"] if each["id"] == run["id"]
    )
    for shown in (done.caller.get(f"/runs/{run['id']}").json(), listed):
        result = shown["result"]
        assert (result["pages"], result["bytes"]) == (7, 3)
        assert datetime.fromisoformat(result["expiresAt"]) == tomorrow + timedelta(seconds=900)
        assert target_of(stack, done, run["id"]) in result["url"] and "X-Amz-Signature" in result["url"]


def printed_run(stack: Stack, done: World, body: dict[str, object]) -> str:
    """Id of a run that has made this PDF."""
    run_id: str = done.caller.post("/reports/pdf", body).json()["id"]
    with stack.db.transaction(done.caller.tenant_id) as connection:
        result = {"pages": 7, "bytes": 3}
        runs.finish_run(connection, done.caller.tenant_id, UUID(run_id), "succeeded", result=result)
    return run_id


def results(caller: Caller, run_id: str) -> list[dict[str, object]]:
    """The run's result, read by itself and in the list."""
    listed = caller.get("/runs?kind=pdf").json()["items"]
    return [
        caller.get(f"/runs/{run_id}").json()["result"],
        next(each["result"] for each in listed if each["id"] == run_id),
    ]


def test_who_may_not_read_reports_gets_no_link_from_the_run_that_printed_one(
    stack: Stack, done: World
) -> None:
    run_id = printed_run(stack, done, {"reportId": str(done.report.id), "paper": "Letter"})
    assert all("url" in result for result in results(done.caller, run_id))
    stranger = stack.caller(scopes=["runs:read"], tenant_id=done.caller.tenant_id)
    assert stranger.get(f"/reports/{done.report.id}").status_code == 403
    assert results(stranger, run_id) == [{"pages": 7, "bytes": 3}] * 2


def test_the_run_that_printed_a_report_has_no_link_while_it_is_deleted(stack: Stack) -> None:
    done = world(stack)
    run_id = printed_run(stack, done, {"reportId": str(done.report.id)})
    assert done.caller.call("DELETE", f"/reports/{done.report.id}").status_code == 204
    assert results(done.caller, run_id) == [{"pages": 7, "bytes": 3}] * 2
    assert done.caller.post(f"/reports/{done.report.id}/restore").status_code == 200
    assert all("url" in result for result in results(done.caller, run_id))


def test_a_link_lasts_as_long_as_the_settings_say(
    stack: Stack, done: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"markdown": "# Short", "title": "Short"}
    print_now(target_of(stack, done, done.caller.post("/reports/pdf", body).json()["id"]))
    now = clock.now().replace(microsecond=0)
    monkeypatch.setattr(clock, "now", lambda: now)
    for seconds in (900, 60):
        changed = settings().model_copy(update={"link_seconds": seconds})
        monkeypatch.setattr(links, "settings", lambda changed=changed: changed)
        found = done.caller.post("/reports/pdf", body).json()
        assert datetime.fromisoformat(found["expiresAt"]) == now + timedelta(seconds=seconds)
        assert parse_qs(urlsplit(found["url"]).query)["X-Amz-Expires"] == [str(seconds)]
