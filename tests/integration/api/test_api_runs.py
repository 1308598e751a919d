"""Runs, findings, fixes and patches over HTTP."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest
from api_stack import PATCH, Stack, World, finding_row, fix_row, queued_run, world

from nyxcore.findings import repository as findings
from nyxcore.findings.models import Finding, Fix, finding_event_item, fix_event_item
from nyxcore.storage import objects


@pytest.fixture(scope="module")
def done(stack: Stack) -> World:
    """A tenant whose run has succeeded; tests do not change it."""
    return world(stack)


def test_a_run_is_accepted_with_its_location_and_can_be_followed(stack: Stack) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "p"})
    repository = caller.made(f"/projects/{project['id']}/repositories", {"source": "archive", "name": "r"})
    body = {"kind": "auto-fix", "projectId": project["id"], "repositoryId": repository["id"]}
    missing = caller.post("/runs", body)
    assert (missing.status_code, missing.json()["code"]) == (409, "archive_missing")

    queued_run(stack, caller, project["id"], repository["id"])
    accepted = caller.post("/runs", body | {"options": {"unsafe": True, "categories": ["bug"]}})

    run = accepted.json()
    assert (accepted.status_code, run["status"], run["kind"]) == (202, "queued", "auto-fix")
    assert (
        accepted.headers["location"] == f"https://nyx.example/api/v1/runs/{run['id']}" == run["links"]["self"]
    )
    assert caller.get(f"/runs/{run['id']}").json() == run
    assert caller.get("/runs").json()["items"][0]["id"] == run["id"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"kind": "dance"}, 422),
        ({"options": {"unsafe": "yes"}}, 422),
        ({"options": {"unknown": 1}}, 422),
        ({"repositoryId": None}, 422),
        ({"repositoryId": str(uuid4())}, 404),
        ({"projectId": str(uuid4())}, 404),
        ({"workflowId": str(uuid4())}, 422),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(
    stack: Stack, done: World, change: dict[str, object], status: int
) -> None:
    body = {"kind": "auto-fix", "projectId": done.project["id"], "repositoryId": done.repository["id"]}
    assert done.caller.post("/runs", body | change).status_code == status


def test_runs_are_filtered(stack: Stack, done: World) -> None:
    caller = done.caller
    for query, count in [
        ("kind=auto-fix", 1),
        ("kind=refactor", 0),
        ("status=succeeded", 1),
        ("status=queued", 0),
        (f"projectId={done.project['id']}", 1),
        (f"projectId={uuid4()}", 0),
    ]:
        assert len(caller.get(f"/runs?{query}").json()["items"]) == count, query
    assert caller.get("/runs?status=asleep").status_code == 422


def test_cancel_ends_a_run_and_may_be_repeated_and_retry_makes_a_new_one(stack: Stack) -> None:
    queued = world(stack, finished=False)
    path = f"/runs/{queued.run['id']}"
    assert queued.caller.post(f"{path}/retry").json()["code"] == "run_not_finished"
    cancelled = queued.caller.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert queued.caller.post(f"{path}/cancel").json() == cancelled.json()

    again = queued.caller.post(f"{path}/retry")
    assert (again.status_code, again.json()["retryOf"]) == (202, queued.run["id"])
    assert queued.caller.get(f"/runs/{again.json()['id']}").json()["status"] == "queued"


def test_a_run_that_has_succeeded_cannot_be_cancelled(done: World) -> None:
    refused = done.caller.post(f"/runs/{done.run['id']}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "run_finished")


def test_findings_are_as_the_contract_says_and_are_filtered(done: World) -> None:
    page = done.caller.get(f"/runs/{done.run['id']}/findings").json()
    first = page["items"][0]
    fixes = done.caller.get(f"/runs/{done.run['id']}/fixes").json()["items"]
    assert first == {
        "id": str(done.finding_id),
        "runId": done.run["id"],
        "category": "security",
        "severity": "high",
        "rule": "ruff:S602",
        "title": "Shell",
        "message": "subprocess call with shell=True",
        "file": "pkg/a.py",
        "startLine": 1,
        "endLine": 1,
        "state": "fixed",
        "reason": None,
        "fixId": fixes[0]["id"],
        "source": "ruff",
        "fingerprint": "0" * 64,
    }
    assert fixes == [
        {
            "id": fixes[0]["id"],
            "findingIds": [first["id"]],
            "diff": "--- a/pkg/a.py\n+++ b/pkg/a.py\n",
            "explanation": "Runs without a shell.",
            "needs": [],
            "safe": True,
            "evidence": [{"check": "reparses", "ok": True, "detail": "the file still parses"}],
            "pullRequest": None,
        }
    ]
    for query, count in [
        ("state=fixed", 1),
        ("state=no_fix", 1),
        ("severity=low", 0),
        ("category=security", 2),
    ]:
        found = done.caller.get(f"/runs/{done.run['id']}/findings?{query}").json()["items"]
        assert len(found) == count, query


def test_findings_and_fixes_come_in_their_order_over_all_pages(stack: Stack) -> None:
    made = world(stack, finished=False)
    run_id = UUID(made.run["id"])
    rows = [finding_row(position) for position in range(2, 9)]
    fixes = [fix_row(position) for position in range(1, 6)]
    with stack.db.transaction(made.caller.tenant_id) as connection:
        findings.insert_findings(connection, made.caller.tenant_id, run_id, rows[::-1])
        findings.insert_fixes(connection, made.caller.tenant_id, run_id, fixes[::-1])
    for noun, expected in (("findings", rows), ("fixes", fixes)):
        seen, cursor = [], None
        while True:
            query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = made.caller.get(f"/runs/{run_id}/{noun}", params=query).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        assert seen[-len(expected) :] == [str(row.id) for row in expected]
        assert len(seen) == len(set(seen))


def test_a_page_of_long_diffs_is_shorter_than_its_limit(stack: Stack) -> None:
    made = world(stack, finished=False)
    run_id = UUID(made.run["id"])
    long = [fix_row(position, diff="x" * 1_500_000) for position in range(1, 4)]
    with stack.db.transaction(made.caller.tenant_id) as connection:
        findings.insert_fixes(connection, made.caller.tenant_id, run_id, long)
    page = made.caller.get(f"/runs/{run_id}/fixes").json()
    assert len(page["items"]) == 2
    rest = made.caller.get(f"/runs/{run_id}/fixes", params={"cursor": page["nextCursor"]}).json()
    assert [item["id"] for item in rest["items"]] == [str(long[1].id)]


def test_writing_findings_and_fixes_twice_changes_nothing(stack: Stack) -> None:
    made = world(stack, finished=False)
    run_id = UUID(made.run["id"])
    rows, fixes = [finding_row(9)], [fix_row(9, needs=[UUID(int=1), UUID(int=2)])]
    with stack.db.transaction(made.caller.tenant_id) as connection:
        assert findings.insert_findings(connection, made.caller.tenant_id, run_id, rows) == {rows[0].id}
        assert findings.insert_findings(connection, made.caller.tenant_id, run_id, rows) == set()
        assert findings.insert_fixes(connection, made.caller.tenant_id, run_id, fixes) == {fixes[0].id}
        assert findings.insert_fixes(connection, made.caller.tenant_id, run_id, fixes) == set()
        placed = findings.list_fixes(connection, made.caller.tenant_id, run_id, after=8, limit=9)
    assert [(each.row.needs, each.position) for each in placed] == [(fixes[0].needs, 9)]


def test_what_is_still_open_at_the_end_is_left_as_failed_with_the_reason(stack: Stack) -> None:
    made = world(stack, finished=False)
    run_id = UUID(made.run["id"])
    row = finding_row(9)
    with stack.db.transaction(made.caller.tenant_id) as connection:
        findings.insert_findings(connection, made.caller.tenant_id, run_id, [row])
        assert (
            findings.settle_rest(connection, made.caller.tenant_id, run_id, reason="the run was cancelled")
            == 1
        )
    found = made.caller.get(f"/findings/{row.id}").json()
    assert (found["state"], found["reason"]) == ("failed", "the run was cancelled")


def test_event_items_are_the_objects_of_the_contract() -> None:
    row, fix = finding_row(0), fix_row(0, finding_ids=(UUID(int=7),))
    item = finding_event_item(UUID(int=1), row)
    assert list(item) == list(json.loads(Finding.model_validate(item).model_dump_json(by_alias=True)))
    assert (item["state"], item["runId"], item["startLine"]) == ("open", str(UUID(int=1)), 1)
    assert "diff" not in fix_event_item(fix)
    assert fix_event_item(fix)["findingIds"] == [str(UUID(int=7))]
    assert set(fix_event_item(fix)) == {field.alias for field in Fix.model_fields.values()} - {"diff"}


def test_a_finding_is_dismissed_and_the_dismissal_taken_back(stack: Stack) -> None:
    made = world(stack)
    path = f"/findings/{made.finding_id}"
    before = made.caller.get(path).json()

    dismissed = made.caller.call("PATCH", path, json={"state": "not_a_bug", "reason": "a test fixture"})
    assert dismissed.status_code == 200
    assert dismissed.json() == before | {"state": "not_a_bug", "reason": "a test fixture"}
    assert made.caller.get(path).json() == dismissed.json()
    back = made.caller.call("PATCH", path, json={"state": "open", "reason": "it is one"})
    assert back.json() == before
    assert made.caller.call("PATCH", path, json={"state": "open"}).json() == before


@pytest.mark.parametrize(
    "body",
    [
        {"state": "fixed", "reason": "x"},
        {"state": "not_a_bug"},
        {"state": "not_a_bug", "reason": " "},
        {},
        [],
    ],
)
def test_a_judgement_that_makes_no_sense_is_422(done: World, body: object) -> None:
    assert done.caller.call("PATCH", f"/findings/{done.finding_id}", json=body).status_code == 422


def test_a_finding_of_a_run_that_goes_on_is_not_judged(stack: Stack) -> None:
    made = world(stack, finished=False)
    refused = made.caller.call(
        "PATCH", f"/findings/{made.finding_id}", json={"state": "not_a_bug", "reason": "x"}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "run_not_finished")


def test_the_patch_is_a_diff(done: World) -> None:
    patch = done.caller.get(f"/runs/{done.run['id']}/patch")
    assert (patch.status_code, patch.content) == (200, PATCH)
    assert patch.headers["content-type"] == "text/x-diff; charset=utf-8"


def test_a_patch_is_409_while_the_run_goes_on_and_empty_without_a_fix(stack: Stack) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "p"})
    repository = caller.made(f"/projects/{project['id']}/repositories", {"source": "archive", "name": "r"})
    run = queued_run(stack, caller, project["id"], repository["id"])
    early = caller.get(f"/runs/{run['id']}/patch")
    assert (early.status_code, early.json()["code"]) == (409, "run_not_finished")
    stack.finish(caller.tenant_id, UUID(run["id"]))
    empty = caller.get(f"/runs/{run['id']}/patch")
    assert (empty.status_code, empty.content) == (200, b"")


def test_a_patch_above_4_mb_is_behind_a_link(stack: Stack) -> None:
    made = world(stack)
    key = objects.run_key(made.caller.tenant_id, UUID(made.run["id"]), "fixes.patch")
    objects.put(key, b"x" * (4 * 1024 * 1024 + 1))
    answer = made.caller.get(f"/runs/{made.run['id']}/patch")
    assert answer.status_code == 303
    assert key in answer.headers["location"]
    assert "X-Amz-Signature" in answer.headers["location"]


@pytest.mark.parametrize("text", ['{"a": [1e999]}', '{"a": NaN}', '{"a":' * 500 + "1" + "}" * 500])
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}])
def test_an_input_that_cannot_be_kept_is_422(done: World, text: str, key: dict[str, str]) -> None:
    asked = f'{{"kind": "auto-fix", "projectId": "{done.project["id"]}", "input": {text}}}'
    response = done.caller.call(
        "POST", "/runs", content=asked, headers={"Content-Type": "application/json"} | key
    )
    assert response.status_code == 422
    assert [part["pointer"] for part in response.json()["errors"]] == ["#/input"]
