"""Who may call what: every operation of the OpenAPI, as nobody, without its scope, as another tenant, pinned."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from api_stack import Caller, Stack, World, world

from api.app import create_app
from nyxcore.tenancy.models import SCOPES


class Operation(NamedTuple):
    method: str
    path: str
    name: str
    scope: str
    body: dict[str, Any] | None


def _operations() -> list[Operation]:
    found = []
    for path, item in create_app().openapi()["paths"].items():
        for method, operation in item.items():
            for scheme in operation.get("security", ()):
                for scope in scheme.get("bearer", ()):
                    name = operation["operationId"]
                    found.append(Operation(method.upper(), path, name, scope, _BODIES.get(name)))
    return found


# A body that is acceptable, with `{projectId}` and the like where it names something of the tenant.
_BODIES: dict[str, dict[str, Any]] = {
    "createProject": {"name": "x"},
    "renameProject": {"name": "x"},
    "createRepository": {"source": "archive", "name": "x"},
    "createArchiveLink": {"filename": "x.zip"},
    "createRun": {"kind": "auto-fix", "projectId": "{projectId}", "repositoryId": "{repositoryId}"},
    "judgeFinding": {"state": "not_a_bug", "reason": "x"},
    "createReport": {"style": "technical"},
    "printReport": {"reportId": "{reportId}"},
    "createToken": {"name": "x", "scopes": ["runs:read"], "projectId": "{projectId}"},
    "createTicket": {"runId": "{runId}"},
    "createPersona": {"name": "x", "category": "other", "prompt": "x"},
    "changePersona": {"name": "x"},
    "createTeam": {"name": "x", "personaIds": ["{personaId}", "{builtInId}"]},
    "changeTeam": {"name": "x", "personaIds": ["{builtInId}", "{personaId}"]},
    "createWorkflow": {"name": "x", "goal": "x", "steps": [{"key": "a", "prompt": "x"}]},
    "changeWorkflow": {"name": "x", "goal": "x", "steps": [{"key": "a", "prompt": "y"}]},
    "previewWorkflow": {"input": "x"},
    "previewDraft": {"workflow": {"name": "x", "goal": "x", "steps": [{"key": "a", "prompt": "x"}]}},
    "importWorkflow": {"file": "workflow:\n  name: x\n  goal: x\n  steps:\n  - key: a\n    prompt: x\n"},
    "decideStep": {"decision": "approve"},
    "putCredential": {"name": "openai", "protocol": "openai", "secret": "a-secret-of-many-letters"},
    "putBudget": {"projectId": "{projectId}", "monthlyUsd": 5},
}
_OPERATIONS = _operations()
_LISTS = {
    "listProjects", "listRuns", "listReports", "listTokens", "listPersonas", "listTeams", "listCredentials",
    "listBudgets", "createProject", "createPersona", "putCredential", "listWorkflows", "createWorkflow",
    "listWorkflowTemplates", "previewDraft", "importWorkflow",
}  # fmt: skip
"""Operations on the whole tenant: no id of theirs can be another's."""
_OF_ALL_PROJECTS = {"createProject", "putCredential", "deleteCredential", "importWorkflow"} | {
    f"{verb}{noun}" for verb in ("create", "change", "delete") for noun in ("Persona", "Team", "Workflow")
}
"""What a pinned token may not change, since it is not of its project alone."""
_SHARED = {
    "listPersonas", "getPersona", "listTeams", "getTeam", "listWorkflows", "getWorkflow", "listWorkflowVersions",
    "listWorkflowTemplates", "previewWorkflow", "previewDraft", "exportWorkflow", "getTeamWorkflow",
}  # fmt: skip
"""What a pinned token sees, though it is of no project."""


@pytest.fixture(scope="module")
def theirs(stack: Stack) -> World:
    return world(stack, waiting=True)


def _send(operation: Operation, caller: Caller, target: World) -> Any:
    body = operation.body and {key: _with_ids(value, target) for key, value in operation.body.items()}
    options = {} if body is None else {"json": body}
    return caller.call(operation.method, target.path(operation.path), **options)


def _with_ids(value: Any, target: World) -> Any:
    if isinstance(value, list):
        return [_with_ids(each, target) for each in value]
    return target.path(value) if isinstance(value, str) else value


def test_every_operation_but_health_names_a_scope() -> None:
    document = create_app().openapi()
    names = {operation["operationId"] for item in document["paths"].values() for operation in item.values()}
    assert names - {operation.name for operation in _OPERATIONS} == {"getHealth"}
    takes_body = {
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    }
    assert takes_body == set(_BODIES), "an operation that takes a body needs one in this test"


@pytest.mark.parametrize("operation", _OPERATIONS, ids=lambda each: each.name)
def test_without_a_token_it_is_401(stack: Stack, theirs: World, operation: Operation) -> None:
    response = stack.http.request(
        operation.method, f"/api/v1{theirs.path(operation.path)}", json=operation.body or {}
    )
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("operation", _OPERATIONS, ids=lambda each: each.name)
def test_with_every_other_scope_it_is_403_and_names_the_scope(
    stack: Stack, theirs: World, operation: Operation
) -> None:
    others = [scope for scope in SCOPES if scope != operation.scope]
    response = _send(operation, stack.caller(theirs.caller.tenant_id, others), theirs)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert operation.scope in response.json()["detail"]


@pytest.mark.parametrize("operation", _OPERATIONS, ids=lambda each: each.name)
def test_another_tenant_is_told_404(stack: Stack, theirs: World, operation: Operation) -> None:
    response = _send(operation, stack.tenant(), theirs)
    if operation.name in _LISTS:
        assert response.status_code in {200, 201}
        assert str(theirs.caller.tenant_id) not in response.text
        assert theirs.project["id"] not in response.text
    else:
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("operation", _OPERATIONS, ids=lambda each: each.name)
def test_a_token_pinned_to_another_project_is_told_404(
    stack: Stack, theirs: World, operation: Operation
) -> None:
    other = theirs.caller.made("/projects", {"name": "another"})
    response = _send(operation, stack.caller(theirs.caller.tenant_id, SCOPES, other["id"]), theirs)
    if operation.name in _OF_ALL_PROJECTS:
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    elif operation.name in _SHARED:
        assert response.status_code == 200
    elif operation.name in _LISTS:
        assert theirs.project["id"] not in response.text
        assert all(item.get("projectId", other["id"]) == other["id"] for item in response.json()["items"])
    else:
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("operation", _OPERATIONS, ids=lambda each: each.name)
def test_with_its_scope_alone_and_a_pin_to_the_project_it_is_let_in(
    stack: Stack, operation: Operation
) -> None:
    target = world(stack, waiting=True)
    if operation.name == "deleteProject":  # which is refused while one of its runs goes on
        target.caller.made(f"/runs/{target.waiting['id']}/cancel", None)
    pinned = stack.caller(target.caller.tenant_id, [operation.scope], target.project["id"])  # type: ignore[list-item]
    response = _send(operation, pinned, target)
    if operation.name in _OF_ALL_PROJECTS:
        assert response.status_code == 403
        assert target.project["id"] in response.json()["detail"]
    elif operation.name == "createToken":  # it lacks runs:read itself, so it cannot hand it out
        assert "runs:read" in response.json()["detail"]
    elif operation.name == "revokeToken":  # the other token has no pin, so it is not there
        assert response.json()["code"] == "not_found"
    elif operation.name == "cancelRun":
        assert response.json()["code"] == "run_finished"
    else:
        assert response.status_code < 400, response.text
