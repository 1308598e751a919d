"""Schemathesis over the OpenAPI: requests that fit the document, and requests that do not, against the application.

Every check of schemathesis is on: no 5xx, only documented statuses, media types, headers and schemas, data that
fits accepted and data that does not refused, methods that are not served, no answer without a token. What the
document cannot say (an id that exists, an instant that has not passed, a folder that is there) is put into a
request that fits before it is sent.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
import schemathesis
from api_stack import Stack, World, world
from schemathesis import GenerationMode

from api.app import create_app
from nyxcore.settings import settings

_SEED = 20261123
_LONG = "NYX_SOAK" in os.environ
_EXAMPLES = 200 if _LONG else 40
_SEQUENCES = 200 if _LONG else 10
# The test sends the token itself; what happens without one is a check of its own (ignored_auth).
_GENERATION = {"mode": "all", "with-security-parameters": False}
# What refuses data that does not fit: beside what schemathesis takes for granted, a body of more than 4 MB is 413.
_REFUSALS = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]


@pytest.fixture(scope="module")
def seeded(stack: Stack) -> Iterator[World]:
    """A tenant with one of everything, on the embedded stack, where a path is taken too."""
    embedded = settings().model_copy(update={"deployment": "embedded"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nyxcore.projects.service.settings", lambda: embedded)
        made = world(stack, waiting=True)
        # links for archives go to a repository of their own: the newest archive of this one is there
        path = f"/projects/{made.project['id']}/repositories"
        yield replace(made, repository=made.caller.made(path, {"source": "archive", "name": "spare"}))


def _document() -> Any:
    application = create_app()
    config = schemathesis.Config.from_dict(
        {
            "seed": _SEED,
            "generation": _GENERATION,
            "checks": {"negative_data_rejection": {"expected-statuses": _REFUSALS}},
        }
    )
    # from a dictionary: to ask the application for it would read the settings before there are any
    loaded = schemathesis.openapi.from_dict(application.openapi(), config=config)
    loaded.app = application
    return loaded


_schema = _document()


@_schema.parametrize()  # type: ignore[untyped-decorator]
@hypothesis.settings(max_examples=_EXAMPLES, derandomize=True, deadline=None, database=None)
def test_no_request_finds_a_difference_to_the_document(case: schemathesis.Case[Any], seeded: World) -> None:
    if _fits(case):
        _name_what_exists(case, seeded)
        _make_acceptable(case, seeded)
    case.call_and_validate(headers={"Authorization": f"Bearer {seeded.caller.token}"})


def _fits(case: schemathesis.Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


def _name_what_exists(case: schemathesis.Case[Any], seeded: World) -> None:
    """Ids of the tenant's things; left unknown where the operation removes what they name."""
    if not _name(case).startswith(("delete", "revoke")):
        for parameter in case.path_parameters:
            if parameter != "kind":
                case.path_parameters[parameter] = seeded.path(f"{{{parameter}}}")


def _make_acceptable(case: schemathesis.Case[Any], seeded: World) -> None:
    """What a document cannot say of the other parts of a request."""
    case.query.pop("cursor", None)
    if "Idempotency-Key" in case.headers:  # one that came before with another body is refused
        case.headers["Idempotency-Key"] = str(uuid4())
    if isinstance(case.body, dict):
        if _name(case) in _WHOLE:
            case.body.clear()
        case.body.update(_true_members(_name(case), case.body, seeded))


def _name(case: schemathesis.Case[Any]) -> str:
    name: str = case.operation.definition.raw["operationId"]
    return name


# bodies that are right only as a whole: what the linter says of others is tested where it stands
_WORKFLOW = {"name": "x", "goal": "x", "steps": [{"key": "a", "prompt": "{{input}}"}]}
_WHOLE: dict[str, dict[str, Any]] = {
    "createWorkflow": _WORKFLOW,
    "changeWorkflow": _WORKFLOW,
    "previewWorkflow": {"input": None},
    "previewDraft": {"workflow": _WORKFLOW, "input": "x"},
    "importWorkflow": {"file": json.dumps({"format": 1, "workflow": _WORKFLOW, "personas": []})},
    "decideStep": {"decision": "approve"},
}


def _true_members(name: str, body: dict[str, Any], seeded: World) -> dict[str, Any]:
    if name in _WHOLE:
        return copy.deepcopy(_WHOLE[name])
    if name == "createRun":
        return {
            "kind": "auto-fix",
            "input": None,
            "projectId": seeded.project["id"],
            "repositoryId": seeded.run["repositoryId"],
            "workflowId": None,
        }
    if name == "createRepository":
        return {"path": "/"} if body["source"] == "path" else {}
    if name == "createToken":
        return {"projectId": seeded.project["id"], "expiresAt": None}
    if name == "createReport":
        return {"style": "technical", "language": "en", "model": None, "persona": None}
    if name == "createPersona":
        copied = {"basedOn": seeded.persona["id"]} if "basedOn" in body else {}
        return {"key": None, **copied}
    if name in {"createTeam", "changeTeam"} and "personaIds" in body:
        return {"personaIds": [each["personaId"] for each in seeded.team["members"]]}
    if name == "putCredential":
        return {"name": "ours", "protocol": "openai", "baseUrl": None, "secret": "a-secret-of-many-letters"}
    if name == "putBudget":
        return {"projectId": seeded.project["id"]}
    if name == "createTicket":
        return {"runId": seeded.run["id"]}
    return {}


def test_no_sequence_of_requests_finds_a_difference_to_the_document(stack: Stack, seeded: World) -> None:
    class Sequences(_schema.as_state_machine()):  # type: ignore[misc]  # a class made at run time
        def setup(self) -> None:
            # a tenant of its own for each sequence: what one deletes, the next finds, and hypothesis may repeat it
            self.ours = world(stack, waiting=True)

        def get_call_kwargs(self, case: schemathesis.Case[Any]) -> dict[str, Any]:
            return {"headers": {"Authorization": f"Bearer {self.ours.caller.token}"}}

        def before_call(self, case: schemathesis.Case[Any]) -> None:
            if _fits(case):
                _make_acceptable(case, self.ours)

    Sequences.run(
        settings=hypothesis.settings(
            max_examples=_SEQUENCES, stateful_step_count=8, derandomize=True, deadline=None, database=None
        )
    )
