"""Reports over HTTP: written, listed, read in their forms, deleted and restored."""

from __future__ import annotations

import hashlib
from uuid import UUID, uuid4

import pytest
from api_stack import Stack, World, world

from nyxcore.reports import repository
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
        ("", "application/json"),
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
    refused = done.caller.call("DELETE", f"/reports/{done.report.id}.md")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
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


def reports_of(made: World, count: int) -> list[str]:
    """Ids of further reports on the run, oldest first."""
    path = f"/runs/{made.run['id']}/reports"
    return [made.caller.made(path, {"style": "executive"})["id"] for _ in range(count)]


def test_lists_of_reports_are_paged_and_filtered_by_project(stack: Stack) -> None:
    made = world(stack)
    newest_first = [*reversed(reports_of(made, 4)), str(made.report.id)]
    for path in ("/reports", f"/runs/{made.run['id']}/reports", f"/reports?projectId={made.project['id']}"):
        found, cursor = [], ""
        while cursor is not None:
            sign = "&" if "?" in path else "?"
            page = made.caller.get(f"{path}{sign}limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
            assert len(page["items"]) <= 2
            found += [item["id"] for item in page["items"]]
            cursor = page["nextCursor"]
        assert found == newest_first
    other = made.caller.made("/projects", {"name": "other"})
    assert made.caller.get(f"/reports?projectId={other['id']}").json() == {"items": [], "nextCursor": None}
    assert made.caller.get("/reports?cursor=nonsense").json()["code"] == "bad_cursor"


def test_who_deleted_and_who_restored_a_report_is_in_the_audit_log(stack: Stack) -> None:
    made = world(stack)
    path = f"/reports/{made.report.id}"
    made.caller.call("DELETE", path)
    made.caller.post(f"{path}/restore")
    made.caller.post(f"{path}/restore")  # changes nothing, and is no event
    rows = stack.execute(
        made.caller.tenant_id,
        "select actor, action, target from audit_log where action like 'report.%%' order by id",
    )
    actor, target = f"token:{made.caller.issued.id}", f"report:{made.report.id}"
    assert rows == [
        {"actor": actor, "action": action, "target": target} for action in ("report.delete", "report.restore")
    ]


def test_an_older_version_stays_readable_and_every_hash_is_that_of_its_content(stack: Stack) -> None:
    made = world(stack)
    first, second = (made.caller.get(f"/reports/{id_}").json() for id_ in reports_of(made, 2))
    assert [first["version"], second["version"]] == [1, 2]
    assert made.caller.get(f"/reports/{first['id']}").json() == first
    for one in (first, second, made.caller.get(f"/reports/{made.report.id}").json()):
        assert one["contentHash"] == hashlib.sha256(one["content"].encode()).hexdigest()


def test_a_report_that_a_model_writes_is_a_run(stack: Stack) -> None:
    made = world(stack)
    credential = {
        "name": "ours",
        "protocol": "openai",
        "baseUrl": "https://models.example/v1",
        "secret": "a-secret-of-many-letters",
    }
    assert made.caller.call("PUT", "/credentials", json=credential).status_code == 200
    body = {"style": "executive", "model": "ours:m"}
    answer = made.caller.post(f"/runs/{made.run['id']}/reports", body)
    assert answer.status_code == 202, answer.text
    run = answer.json()
    assert (run["kind"], run["projectId"]) == ("report", made.project["id"])
    assert answer.headers["location"] == run["links"]["self"]


def deleted_days_ago(stack: Stack, made: World, report_id: str, days: int) -> None:
    assert made.caller.call("DELETE", f"/reports/{report_id}").status_code == 204
    stack.execute(
        made.caller.tenant_id,
        "update reports set deleted_at = deleted_at - make_interval(days => %s) where id = %s",
        days,
        report_id,
    )


@pytest.mark.parametrize(("days", "status"), [(29, 200), (31, 404)])
def test_a_report_is_restored_within_30_days_whether_it_is_removed_or_not(
    stack: Stack, days: int, status: int
) -> None:
    made = world(stack)
    deleted_days_ago(stack, made, str(made.report.id), days)
    assert made.caller.post(f"/reports/{made.report.id}/restore").status_code == status


def test_a_version_is_not_given_again_after_retention_has_removed_the_newest(stack: Stack) -> None:
    made = world(stack)
    first, second = reports_of(made, 2)
    for id_ in (first, second):
        deleted_days_ago(stack, made, id_, 31)
    for removed in (2, 0):
        with stack.db.transaction(made.caller.tenant_id) as connection:
            assert repository.delete_expired(connection, made.caller.tenant_id) == removed
    rows = stack.execute(
        made.caller.tenant_id, "select title, content from reports where style = 'executive'"
    )
    assert rows == [{"title": "", "content": ""}]  # a number, and no word of it
    assert made.caller.post(f"/reports/{second}/restore").status_code == 404
    (third,) = reports_of(made, 1)
    assert made.caller.get(f"/reports/{third}").json()["version"] == 3
    with stack.db.transaction(made.caller.tenant_id) as connection:
        assert (
            repository.delete_expired(connection, made.caller.tenant_id) == 0
        )  # nothing that anybody misses
    assert len(stack.execute(made.caller.tenant_id, "select 1 from reports where style = 'executive'")) == 1


def test_a_model_is_refused_where_no_section_takes_prose(stack: Stack) -> None:
    made = world(stack, waiting=True)
    stack.finish(made.caller.tenant_id, UUID(made.waiting["id"]))
    body = {"style": "executive", "model": "bedrock:anthropic.claude"}
    answer = made.caller.post(f"/runs/{made.waiting['id']}/reports", body)
    assert answer.status_code == 422
    assert "no section of a report on a run of kind workflow takes prose" in answer.json()["detail"]
    assert made.caller.post(f"/runs/{made.waiting['id']}/reports", {"style": "executive"}).status_code == 201
