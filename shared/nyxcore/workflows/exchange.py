"""Workflows that leave as a file and come in from one, together with the personas that they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from uuid import UUID

from pydantic import Field, ValidationError

from nyxcore.db.connection import Connection
from nyxcore.errors import InvalidInput
from nyxcore.personas import service as personas
from nyxcore.personas.models import PersonaDraft, PersonaRow
from nyxcore.tenancy.models import Principal
from nyxcore.wire import WireModel
from nyxcore.workflows import service
from nyxcore.workflows.bundle import Bundle, BundledPersona, pack, personas_of, unpack
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.models import StoredWorkflow

_LONGEST_STEM = 36
_SAID = ("name", "category", "summary", "traits", "specializations", "prompt", "portrait")


class PersonaTaken(WireModel):
    """What became of a persona of the file."""

    key: str = Field(description="in the file", examples=["threat-modeller"])
    id: UUID
    taken_as: str = Field(
        description="what the workflow calls it here: another key where another persona has that of the file",
        examples=["threat-modeller-2"],
    )
    created: bool = Field(description="false where the very same persona was there already")


class Imported(WireModel):
    """A workflow that came from a file, and its personas."""

    workflow: StoredWorkflow
    personas: list[PersonaTaken]


def export(connection: Connection, tenant_id: UUID, workflow_id: UUID) -> str:
    """The newest version as a file; the built-in personas that it names stay out.

    Raises
    ------
    NotFound : there is no such workflow, or a persona that it names was deleted.
    """
    workflow = service.definition(service.get(connection, tenant_id, workflow_id))
    rows = [personas.by_key(connection, tenant_id, key) for key in personas_of(workflow)]
    return pack(workflow, [_bundled(row) for row in rows if row.origin == "own"])


def take_in(
    connection: Connection, principal: Principal, text: str, *, workflow_id: UUID | None = None
) -> Imported:
    """Keep the workflow of a file, and those of its personas that are not here yet.

    Nothing that the tenant has is changed: a persona whose key another one has here gets a key of its own, and
    the workflow names it by that.

    Parameters
    ----------
    workflow_id : the workflow of which this is the next version; None makes a new one.

    Raises
    ------
    WorkflowRefused : with every flaw of the file.
    InvalidInput : a persona that cannot be kept.
    NotFound, Forbidden, TooManyPersonas
    """
    known = personas.keys(connection, principal.tenant_id)
    bundle = unpack(text, known=known)
    taken = [_taken(connection, principal, persona, bundle) for persona in bundle.personas]
    workflow = renamed(bundle.workflow, {each.key: each.taken_as for each in taken})
    stored = (
        service.create(connection, principal, workflow)
        if workflow_id is None
        else service.change(connection, principal, workflow_id, workflow)
    )
    return Imported(workflow=stored, personas=taken)


def renamed(workflow: Workflow, keys: Mapping[str, str]) -> Workflow:
    """The workflow, its personas called by other keys."""
    document = service.as_document(workflow)
    for step in document["steps"]:
        for holder in (step, step.get("judge") or {}):
            if holder.get("persona") in keys:
                holder["persona"] = keys[holder["persona"]]
    return Workflow.model_validate(document)


def _taken(
    connection: Connection, principal: Principal, persona: BundledPersona, bundle: Bundle
) -> PersonaTaken:
    """The persona as it is here, found or made."""
    known = personas.keys(connection, principal.tenant_id)
    others = {each.key for each in bundle.personas} - {persona.key}
    wanted = _draft(persona)
    for key in _candidates(persona.key):
        if key in known:
            row = personas.by_key(connection, principal.tenant_id, key)
            if _same(row, wanted):
                return PersonaTaken(key=persona.key, id=row.id, taken_as=key, created=False)
        elif key not in others:
            made = personas.create_persona(connection, principal, wanted.model_copy(update={"key": key}))
            return PersonaTaken(key=persona.key, id=made.id, taken_as=key, created=True)
    raise AssertionError("the candidates never end")


def _candidates(key: str) -> Iterator[str]:
    """The key itself, then the same with a number."""
    yield key
    yield from (f"{key[:_LONGEST_STEM]}-{number}" for number in count(2))


def _same(row: PersonaRow, wanted: PersonaDraft) -> bool:
    return all(getattr(row, name) == getattr(wanted, name) for name in _SAID)


def _draft(persona: BundledPersona) -> PersonaDraft:
    """The persona as the service keeps it. Raises InvalidInput, naming what it cannot keep."""
    given = persona.model_dump(exclude_none=True)
    try:
        return PersonaDraft.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        member = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"persona {persona.key}: {member}: {first['msg']}") from error


def _bundled(row: PersonaRow) -> BundledPersona:
    return BundledPersona.model_validate({"key": row.key} | {name: getattr(row, name) for name in _SAID})
