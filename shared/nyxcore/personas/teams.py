"""Teams: personas in an order, with the pattern in which they work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.ids import uuid7
from nyxcore.paging import Page, PageRequest, cut
from nyxcore.personas import repository
from nyxcore.personas.models import PersonaRow, Team, TeamChange, TeamDraft, TeamMember, TeamRow
from nyxcore.personas.portraits import data_uri
from nyxcore.personas.service import no_persona
from nyxcore.tenancy.models import Principal
from nyxcore.tenancy.service import audit


def create_team(connection: Connection, principal: Principal, draft: TeamDraft) -> Team:
    """A new team.

    Raises
    ------
    Forbidden : the token is pinned to a project.
    NotFound : a persona of it.
    """
    principal.require_unpinned("teams")
    _require_living(connection, principal.tenant_id, draft.persona_ids)
    now = clock.now()
    row = TeamRow(id=uuid7(), **draft.model_dump(), created_at=now, updated_at=now)
    repository.insert_team(connection, principal.tenant_id, row)
    _audit(connection, principal, "team.create", row.id, name=row.name)
    return _shown(connection, principal.tenant_id, [row])[0]


def get_team(connection: Connection, principal: Principal, team_id: UUID) -> Team:
    """The team; a persona of it that was deleted since is shown as gone. Raises NotFound."""
    row = repository.get_team(connection, principal.tenant_id, team_id)
    if row is None:
        raise _no_team(team_id)
    return _shown(connection, principal.tenant_id, [row])[0]


def list_teams(connection: Connection, principal: Principal, page: PageRequest) -> Page[Team]:
    """Teams, newest first."""
    after = page.after_id("teams")
    rows = repository.list_teams(connection, principal.tenant_id, after=after, limit=page.limit + 1)
    return cut(_shown(connection, principal.tenant_id, rows), page.limit, "teams", lambda team: team.id)


def change_team(connection: Connection, principal: Principal, team_id: UUID, change: TeamChange) -> Team:
    """The team as it is now.

    Raises
    ------
    Forbidden : the token is pinned to a project.
    NotFound : the team, or a persona that it is to have.
    """
    principal.require_unpinned("teams")
    changes = change.model_dump(exclude_unset=True)
    if changes:
        if not repository.change_team(connection, principal.tenant_id, team_id, changes, clock.now()):
            raise _no_team(team_id)
        _require_living(connection, principal.tenant_id, changes.get("persona_ids", []))
        _audit(connection, principal, "team.change", team_id, changed=sorted(changes))
    return get_team(connection, principal, team_id)


def delete_team(connection: Connection, principal: Principal, team_id: UUID) -> None:
    """Remove the team; its personas stay. Raises Forbidden and NotFound."""
    principal.require_unpinned("teams")
    if not repository.delete_team(connection, principal.tenant_id, team_id):
        raise _no_team(team_id)
    _audit(connection, principal, "team.delete", team_id)


def _require_living(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> None:
    found = repository.get_personas(connection, tenant_id, ids)
    for persona_id in ids:
        if persona_id not in found or found[persona_id].gone:
            raise no_persona(persona_id)


def _shown(connection: Connection, tenant_id: UUID, rows: Sequence[TeamRow]) -> list[Team]:
    ids = {persona_id for row in rows for persona_id in row.persona_ids}
    found = repository.get_personas(connection, tenant_id, sorted(ids))
    return [_team(row, found) for row in rows]


def _team(row: TeamRow, personas: Mapping[UUID, PersonaRow]) -> Team:
    return Team(
        id=row.id,
        name=row.name,
        description=row.description,
        pattern=row.pattern,
        members=[_member(personas[persona_id]) for persona_id in row.persona_ids],
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _member(persona: PersonaRow) -> TeamMember:
    return TeamMember(
        persona_id=persona.id,
        key=persona.key,
        name=persona.name,
        category=persona.category,
        portrait_uri=data_uri(persona.portrait),
        gone=persona.gone,
    )


def _no_team(team_id: UUID) -> NotFound:
    return NotFound(f"there is no team {team_id}")


def _audit(
    connection: Connection, principal: Principal, action: str, team_id: UUID, **details: object
) -> None:
    target = f"team:{team_id}"
    audit(connection, principal.tenant_id, actor=principal.actor, action=action, target=target, **details)
