"""Projects, repositories and archives over HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from api_stack import Stack, world

from nyxcore.settings import Settings, settings

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_a_project_is_made_read_renamed_and_deleted(stack: Stack) -> None:
    caller = stack.tenant()

    made = caller.post("/projects", {"name": "Flask"})
    assert made.status_code == 201
    project = made.json()
    assert set(project) == {"id", "name", "createdAt", "updatedAt"}
    assert _INSTANT.fullmatch(project["createdAt"])
    assert made.headers["location"] == f"https://nyx.example/api/v1/projects/{project['id']}"

    assert caller.get(f"/projects/{project['id']}").json() == project
    renamed = caller.call("PATCH", f"/projects/{project['id']}", json={"name": "Flask 3"}).json()
    assert (renamed["name"], renamed["id"]) == ("Flask 3", project["id"])
    assert caller.call("DELETE", f"/projects/{project['id']}").status_code == 204
    assert caller.get(f"/projects/{project['id']}").status_code == 404


def test_every_change_is_in_the_audit_log_with_who_did_it(stack: Stack) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "Flask"})
    caller.call("PATCH", f"/projects/{project['id']}", json={"name": "Flask 3"})
    caller.call("DELETE", f"/projects/{project['id']}")

    log = stack.execute(caller.tenant_id, "select actor, action, target from audit_log order by id")

    target = f"project:{project['id']}"
    assert [(row["action"], row["target"]) for row in log if row["actor"] == f"token:{caller.issued.id}"] == [
        ("project.create", target),
        ("project.rename", target),
        ("project.delete", target),
    ]


def test_a_project_with_a_run_that_goes_on_is_not_deleted(stack: Stack) -> None:
    unfinished = world(stack, finished=False)

    refused = unfinished.caller.call("DELETE", f"/projects/{unfinished.project['id']}")

    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert unfinished.run["id"] in refused.json()["detail"]
    unfinished.caller.post(f"/runs/{unfinished.run['id']}/cancel")
    assert unfinished.caller.call("DELETE", f"/projects/{unfinished.project['id']}").status_code == 204


def test_pages_show_every_project_once_newest_first_while_others_come(stack: Stack) -> None:
    caller = stack.tenant()
    ids = [caller.made("/projects", {"name": f"p{n}"})["id"] for n in range(7)]

    first = caller.get("/projects?limit=3").json()
    caller.made("/projects", {"name": "a late one"})
    seen, cursor = [item["id"] for item in first["items"]], first["nextCursor"]
    while cursor:
        page = caller.get("/projects", params={"limit": "3", "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        caller.made("/projects", {"name": "another late one"})

    assert seen == ids[::-1]


@pytest.mark.parametrize("cursor", ["nonsense", "cnVuczphYmM", "//////", "é"])
def test_a_cursor_that_the_list_never_issued_is_400(stack: Stack, cursor: str) -> None:
    refused = stack.tenant().get("/projects", params={"cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_cursor")


def test_a_cursor_of_another_list_is_400(stack: Stack) -> None:
    caller = stack.tenant()
    for n in range(2):
        caller.made("/projects", {"name": f"p{n}"})
    cursor = caller.get("/projects?limit=1").json()["nextCursor"]
    assert caller.get("/runs", params={"cursor": cursor}).json()["code"] == "bad_cursor"


@pytest.mark.parametrize("limit", ["0", "201", "many"])
def test_a_limit_outside_1_to_200_is_422_and_names_the_parameter(stack: Stack, limit: str) -> None:
    refused = stack.tenant().get(f"/projects?limit={limit}")
    assert refused.status_code == 422
    assert [part["parameter"] for part in refused.json()["errors"]] == ["limit"]


def test_repositories_are_listed_with_their_source(stack: Stack) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "p"})
    path = f"/projects/{project['id']}/repositories"
    github = caller.made(path, {"source": "github", "name": "pallets/flask", "ref": "main"})
    archive = caller.made(path, {"source": "archive", "name": "flask"})

    assert caller.get(path).json() == {"items": [archive, github], "nextCursor": None}
    assert (github["source"], github["ref"], github["projectId"]) == ("github", "main", project["id"])
    assert caller.get(f"/repositories/{archive['id']}").json() == archive


@pytest.mark.parametrize(
    "body",
    [
        {"source": "svn", "name": "x"},
        {"source": "github", "name": "no-owner"},
        {"source": "archive", "name": "x", "path": "/tmp"},
        {"source": "path", "name": "x"},
        {"source": "path", "name": "x", "path": "relative"},
        {"source": "archive", "name": " "},
        {"source": "archive", "name": "a\u0000b"},
        {"source": "archive", "name": "x", "colour": "red"},
    ],
)
def test_a_repository_that_makes_no_sense_is_422(stack: Stack, body: dict[str, str]) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "p"})
    refused = caller.post(f"/projects/{project['id']}/repositories", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")


def test_a_path_is_taken_where_the_embedded_stack_runs_and_nowhere_else(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "p"})
    path = f"/projects/{project['id']}/repositories"
    body = {"source": "path", "name": "here", "path": str(tmp_path)}
    assert caller.post(path, body).status_code == 422

    embedded: Settings = settings().model_copy(update={"deployment": "embedded"})
    monkeypatch.setattr("nyxcore.projects.service.settings", lambda: embedded)
    assert caller.made(path, body)["path"] == str(tmp_path)
    missing = caller.post(path, body | {"path": str(tmp_path / "missing")})
    assert missing.status_code == 422
    assert str(tmp_path / "missing") in missing.json()["detail"]


def test_an_archive_link_is_new_each_time_and_signs_size_and_checksum(stack: Stack) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "p"})
    repository = caller.made(
        f"/projects/{project['id']}/repositories", {"source": "archive", "name": "flask"}
    )
    path = f"/repositories/{repository['id']}/archive"
    link = caller.made(path, {"filename": "flask.tar.gz", "bytes": 5, "sha256": "ab" * 32})

    assert set(link) == {"url", "method", "headers", "expiresAt"}
    assert link["method"] == "PUT"
    assert link["headers"] == {
        "Content-Length": "5",
        "x-amz-checksum-sha256": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
    }
    signed = parse_qs(urlsplit(link["url"]).query)["X-Amz-SignedHeaders"][0].split(";")
    assert {"content-length", "x-amz-checksum-sha256"} <= set(signed)
    again = caller.made(path, {"filename": "flask.zip"})
    assert urlsplit(again["url"]).path != urlsplit(link["url"]).path
    assert again["headers"] == {}
    stored = stack.execute(
        caller.tenant_id, "select archive_key from repositories where id = %s", repository["id"]
    )
    assert urlsplit(again["url"]).path.endswith(stored[0]["archive_key"])
    assert stored[0]["archive_key"].startswith(f"{caller.tenant_id}/")


@pytest.mark.parametrize("filename", ["flask.rar", "../flask.zip", "flask", ".zip", "a/b.zip"])
def test_an_archive_of_another_form_is_422(stack: Stack, filename: str) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "p"})
    repository = caller.made(f"/projects/{project['id']}/repositories", {"source": "archive", "name": "f"})
    refused = caller.post(f"/repositories/{repository['id']}/archive", {"filename": filename})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "#/filename"


def test_only_a_repository_with_source_archive_takes_an_archive(stack: Stack) -> None:
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "p"})
    repository = caller.made(
        f"/projects/{project['id']}/repositories", {"source": "github", "name": "pallets/flask"}
    )
    refused = caller.post(f"/repositories/{repository['id']}/archive", {"filename": "flask.zip"})
    assert refused.status_code == 409


@pytest.mark.parametrize("noun", ["projects", "repositories", "runs", "findings", "reports"])
def test_anothers_id_answers_as_an_unknown_one_and_as_one_that_is_none(stack: Stack, noun: str) -> None:
    theirs, mine = world(stack), stack.tenant()
    known = {
        "projects": theirs.project["id"],
        "repositories": theirs.repository["id"],
        "runs": theirs.run["id"],
        "findings": str(theirs.finding_id),
        "reports": str(theirs.report.id),
    }[noun]
    assert theirs.caller.get(f"/{noun}/{known}").status_code == 200

    answers = []
    for each in (known, str(uuid4()), "no-uuid"):
        response = mine.get(f"/{noun}/{each}")
        answers.append((response.status_code, response.text.replace(each, "ID")))

    assert len(set(answers)) == 1
    assert answers[0][0] == 404
