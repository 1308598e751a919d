"""/personas and /teams."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic.json_schema import SkipJsonSchema

from api.caller import RunsReader, WorkflowsWriter
from api.creating import IdempotencyKey, create_one
from api.openapi import problems
from api.parameters import PageOf, PageParameters, PersonaId, TeamId, page_of
from nyxcore.db.connection import database
from nyxcore.personas import service, teams
from nyxcore.personas.models import (
    Category,
    NewPersona,
    Persona,
    PersonaChange,
    PersonaPicker,
    Team,
    TeamChange,
    TeamDraft,
)
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.teams import workflow_of

router = APIRouter(tags=["personas"])


@router.get("/personas", operation_id="listPersonas", summary="Choose a persona")
def list_personas(
    caller: RunsReader,
    *,
    q: Annotated[
        str,
        Query(
            max_length=200, description="words that all have to be on the card; case and accents do not count"
        ),
    ] = "",
    category: Annotated[Category | SkipJsonSchema[None], Query()] = None,
) -> PersonaPicker:
    """The built-in personas and the tenant's own, at most 200, in the sections of a picker; not paged."""
    with database().transaction(caller.tenant_id) as connection:
        return service.pick(connection, caller, q, category)


@router.post(
    "/personas",
    operation_id="createPersona",
    summary="Create a persona, or copy one",
    status_code=201,
    response_model=Persona,
    responses=problems(404, 409),
)
def create_persona(
    request: Request, caller: WorkflowsWriter, body: NewPersona, key: IdempotencyKey = None
) -> Response:
    """A persona of the tenant's own; with `basedOn` a copy, of which only what differs is sent.

    409 `persona_key_taken`, and `too_many_personas` from the 201st on.
    """
    return create_one(
        request,
        caller,
        key,
        body,
        lambda connection: service.create_persona(connection, caller, body),
        collection="/personas",
    )


@router.get("/personas/{personaId}", operation_id="getPersona", summary="Get a persona")
def get_persona(caller: RunsReader, persona_id: PersonaId) -> Persona:
    """One persona, with its prompt and what it puts before the system prompt of a step."""
    with database().transaction(caller.tenant_id) as connection:
        return service.get_persona(connection, caller, persona_id)


@router.patch(
    "/personas/{personaId}",
    operation_id="changePersona",
    summary="Change a persona",
    responses=problems(409),
)
def change_persona(caller: WorkflowsWriter, persona_id: PersonaId, body: PersonaChange) -> Persona:
    """The persona as it is now; what is left out stays. 409 `persona_built_in` for one of the product's: copy it."""
    with database().transaction(caller.tenant_id) as connection:
        return service.change_persona(connection, caller, persona_id, body)


@router.delete(
    "/personas/{personaId}",
    operation_id="deletePersona",
    summary="Delete a persona",
    status_code=204,
    responses=problems(409),
)
def delete_persona(caller: WorkflowsWriter, persona_id: PersonaId) -> None:
    """It can no longer be chosen. Teams show it as gone, runs that began with it go on.

    409 `persona_built_in` for one of the product's.
    """
    with database().transaction(caller.tenant_id) as connection:
        service.delete_persona(connection, caller, persona_id)


@router.post(
    "/teams",
    operation_id="createTeam",
    summary="Create a team",
    status_code=201,
    response_model=Team,
    responses=problems(404),
)
def create_team(
    request: Request, caller: WorkflowsWriter, body: TeamDraft, key: IdempotencyKey = None
) -> Response:
    """Two to eight personas in the order in which they speak, and the pattern in which they work."""
    return create_one(
        request,
        caller,
        key,
        body,
        lambda connection: teams.create_team(connection, caller, body),
        collection="/teams",
    )


@router.get("/teams", operation_id="listTeams", summary="List teams")
def list_teams(caller: RunsReader, page: PageParameters) -> PageOf[Team]:
    """The tenant's teams, newest first."""
    with database().transaction(caller.tenant_id) as connection:
        return page_of(teams.list_teams(connection, caller, page))


@router.get("/teams/{teamId}", operation_id="getTeam", summary="Get a team")
def get_team(caller: RunsReader, team_id: TeamId) -> Team:
    """One team."""
    with database().transaction(caller.tenant_id) as connection:
        return teams.get_team(connection, caller, team_id)


@router.get(
    "/teams/{teamId}/workflow",
    operation_id="getTeamWorkflow",
    summary="Get what a team does as a workflow",
    response_model_exclude_unset=True,
    responses=problems(409),
)
def get_team_workflow(caller: RunsReader, team_id: TeamId) -> Workflow:
    """The team's pattern with its personas; POST it to /workflows, and run that on a question as its input.

    409 `team_incomplete` where a persona of it was deleted.
    """
    with database().transaction(caller.tenant_id) as connection:
        return workflow_of(teams.get_team(connection, caller, team_id))


@router.patch("/teams/{teamId}", operation_id="changeTeam", summary="Change a team")
def change_team(caller: WorkflowsWriter, team_id: TeamId, body: TeamChange) -> Team:
    """The team as it is now; what is left out stays. New `personaIds` replace all: none of them may be gone."""
    with database().transaction(caller.tenant_id) as connection:
        return teams.change_team(connection, caller, team_id, body)


@router.delete("/teams/{teamId}", operation_id="deleteTeam", summary="Delete a team", status_code=204)
def delete_team(caller: WorkflowsWriter, team_id: TeamId) -> None:
    """The team is gone for good; its personas stay."""
    with database().transaction(caller.tenant_id) as connection:
        teams.delete_team(connection, caller, team_id)
