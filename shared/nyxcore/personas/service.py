"""Personas: the product's and a tenant's own, as one list; what they have been used for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.ids import uuid7
from nyxcore.personas import library, picker, repository
from nyxcore.personas.errors import PersonaBuiltIn, PersonaKeyTaken, TooManyPersonas
from nyxcore.personas.models import (
    Category,
    Persona,
    PersonaChange,
    PersonaCopy,
    PersonaDraft,
    PersonaPicker,
    PersonaRow,
)
from nyxcore.personas.progress import XP_A_USE
from nyxcore.tenancy.models import Principal
from nyxcore.tenancy.service import audit

MOST_OWN = 200
"""Personas of its own that a tenant may have, so that the picker is one answer of a bounded size."""


def install_built_in(connection: Connection) -> list[str]:
    """Make the built-in personas of the database those of this version; keys of the ones that changed.

    Called after the migrations, with the owner's rights. What the product no longer has is retired, not removed:
    teams and runs name it.
    """
    now = clock.now()
    present = library.read()
    written = [each.key for each in present if repository.write_built_in(connection, each, now)]
    return sorted(written + repository.retire_built_in(connection, [each.id for each in present], now))


def pick(
    connection: Connection, principal: Principal, query: str, category: Category | None
) -> PersonaPicker:
    """Every persona that can be chosen and matches, in sections."""
    rows = repository.list_personas(connection, principal.tenant_id)
    return picker.pick(rows, query=query, category=category)


def get_persona(connection: Connection, principal: Principal, persona_id: UUID) -> Persona:
    """The persona. Raises NotFound, for a deleted one too."""
    return picker.whole(_living(connection, principal.tenant_id, persona_id))


def create_persona(
    connection: Connection, principal: Principal, draft: PersonaDraft | PersonaCopy
) -> Persona:
    """A new persona of the tenant.

    Raises
    ------
    Forbidden : the token is pinned to a project; personas belong to all of them.
    NotFound : the persona to be copied.
    TooManyPersonas, PersonaKeyTaken
    """
    principal.require_unpinned("personas")
    tenant_id = principal.tenant_id
    repository.hold_personas(connection, tenant_id)
    rows = repository.list_personas(connection, tenant_id)
    if sum(row.origin == "own" for row in rows) >= MOST_OWN:
        raise TooManyPersonas(f"there are {MOST_OWN} personas of your own: delete one first")
    row = _drafted(draft) if isinstance(draft, PersonaDraft) else _copied(connection, tenant_id, draft)
    row = replace(row, key=_free_key(draft.key, row.name, {each.key for each in rows}))
    repository.insert_persona(connection, tenant_id, row)
    based_on = None if row.based_on is None else str(row.based_on)
    _audit(connection, principal, "persona.create", row.id, name=row.name, key=row.key, based_on=based_on)
    return picker.whole(row)


def change_persona(
    connection: Connection, principal: Principal, persona_id: UUID, change: PersonaChange
) -> Persona:
    """The persona as it is now. A run that has sent its prompt is not touched.

    Raises
    ------
    Forbidden, NotFound, PersonaBuiltIn
    """
    principal.require_unpinned("personas")
    _own(connection, principal.tenant_id, persona_id)
    changes = change.model_dump(exclude_unset=True)
    if changes:
        if not repository.change_persona(connection, principal.tenant_id, persona_id, changes, clock.now()):
            raise no_persona(persona_id)
        _audit(connection, principal, "persona.change", persona_id, changed=sorted(changes))
    return get_persona(connection, principal, persona_id)


def delete_persona(connection: Connection, principal: Principal, persona_id: UUID) -> None:
    """Take the persona off the picker; teams show it as gone, and runs that were made before go on with it.

    Raises
    ------
    Forbidden, NotFound, PersonaBuiltIn
    """
    principal.require_unpinned("personas")
    _own(connection, principal.tenant_id, persona_id)
    if not repository.delete_persona(connection, principal.tenant_id, persona_id, clock.now()):
        raise no_persona(persona_id)
    _audit(connection, principal, "persona.delete", persona_id)


def by_key(connection: Connection, tenant_id: UUID, key: str, since: datetime | None = None) -> PersonaRow:
    """The persona that a workflow calls `key`. Raises NotFound, naming what there is.

    A tenant's own persona comes before a built-in one of the same key that a later version of the product brings.
    `since` is when the run was made that asks: a persona that was deleted after that still speaks in it.
    """
    row = repository.persona_of_key(connection, tenant_id, key, since)
    if row is None:
        known = sorted(each.key for each in repository.list_personas(connection, tenant_id))
        raise NotFound(f"there is no persona {key!r}: there are {', '.join(known)}")
    return row


def keys(connection: Connection, tenant_id: UUID) -> set[str]:
    """What a workflow may name as a persona."""
    return {row.key for row in repository.list_personas(connection, tenant_id)}


def by_id(connection: Connection, tenant_id: UUID, persona_id: UUID) -> PersonaRow:
    """The persona, deleted ones included, for a run that began with it. Raises NotFound."""
    found = repository.get_personas(connection, tenant_id, [persona_id]).get(persona_id)
    if found is None:
        raise no_persona(persona_id)
    return found


def used(connection: Connection, tenant_id: UUID, persona_id: UUID, *, run_id: UUID, step: str) -> int:
    """Count that this step used the persona, once however often it is recorded; the XP afterwards.

    Part of the transaction that records the step. Call it before events are appended, which comes last, and in
    the order of ids for several personas: each holds its row until the transaction ends.

    Raises
    ------
    NotFound : there is no such persona (a deleted one counts), or no such run.
    """
    by_id(connection, tenant_id, persona_id)
    try:
        return repository.count_use(connection, tenant_id, persona_id, run_id=run_id, step=step, xp=XP_A_USE)
    except ForeignKeyViolation as error:
        raise NotFound(f"there is no run {run_id}") from error


def no_persona(persona_id: UUID) -> NotFound:
    """What is said of an id that names no persona, or one that was deleted, or another tenant's."""
    return NotFound(f"there is no persona {persona_id}")


def _living(connection: Connection, tenant_id: UUID, persona_id: UUID) -> PersonaRow:
    row = by_id(connection, tenant_id, persona_id)
    if row.gone:
        raise no_persona(persona_id)
    return row


def _own(connection: Connection, tenant_id: UUID, persona_id: UUID) -> PersonaRow:
    row = _living(connection, tenant_id, persona_id)
    if row.origin == "built-in":
        raise PersonaBuiltIn(
            f"{row.name} is built in and stays as it is: copy it with POST /personas"
            f' {{"basedOn": "{persona_id}"}} and change the copy'
        )
    return row


def _drafted(draft: PersonaDraft) -> PersonaRow:
    now = clock.now()
    return PersonaRow(
        id=uuid7(),
        key="",
        origin="own",
        name=draft.name,
        category=draft.category,
        summary=draft.summary,
        traits=draft.traits,
        specializations=draft.specializations,
        prompt=draft.prompt,
        portrait=draft.portrait,
        based_on=None,
        created_at=now,
        updated_at=now,
        gone_at=None,
        xp=0,
        uses=0,
    )


def _copied(connection: Connection, tenant_id: UUID, draft: PersonaCopy) -> PersonaRow:
    base = _living(connection, tenant_id, draft.based_on)
    given = draft.model_dump(exclude={"based_on", "key"}, exclude_none=True)
    now = clock.now()
    own = {"id": uuid7(), "origin": "own", "based_on": base.id, "created_at": now, "updated_at": now}
    return replace(base, **given | own | {"xp": 0, "uses": 0})


def _free_key(asked: str | None, name: str, taken: Set[str]) -> str:
    """The key that was asked for, or one made of the name, numbered where it is taken."""
    if asked is not None:
        if asked in taken:
            raise PersonaKeyTaken(f"there is a persona with the key {asked!r} already: choose another key")
        return asked
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).lstrip("-0123456789")[:36].strip("-")
    # a name in a script that has no such letters leaves nothing
    stem = words or "persona"
    return next(
        key
        for key in (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3)))
        if key not in taken
    )


def _audit(
    connection: Connection, principal: Principal, action: str, persona_id: UUID, **details: object
) -> None:
    target = f"persona:{persona_id}"
    audit(connection, principal.tenant_id, actor=principal.actor, action=action, target=target, **details)
