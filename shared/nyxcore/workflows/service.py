"""Workflows as a tenant keeps them: made, changed by new versions, listed, hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.paging import Page, PageRequest, cut
from nyxcore.personas import service as personas
from nyxcore.settings import settings
from nyxcore.tenancy.models import Principal
from nyxcore.tenancy.service import audit
from nyxcore.workflows import lint, repository
from nyxcore.workflows.definition import Workflow
from nyxcore.workflows.models import StoredWorkflow, WorkflowSummary, WorkflowVersion

_OURS = ("id", "version", "createdBy", "createdAt", "updatedAt")
_OURS_HERE = {"id", "version", "created_by", "created_at", "updated_at"}


def accept(connection: Connection, tenant_id: UUID, document: Mapping[str, Any]) -> Workflow:
    """The workflow in the body of a request; what a GET has added to it is left out.

    Raises
    ------
    WorkflowRefused : with every flaw that it has, personas that the tenant does not have among them.
    """
    known = personas.keys(connection, tenant_id)
    return lint.accept({name: value for name, value in document.items() if name not in _OURS}, personas=known)


def create(connection: Connection, principal: Principal, workflow: Workflow) -> StoredWorkflow:
    """Keep a workflow as its first version. Raises Forbidden for a token that is pinned to a project."""
    principal.require_unpinned("workflows")
    workflow_id = repository.insert(
        connection,
        principal.tenant_id,
        name=workflow.name,
        definition=as_document(workflow),
        actor=principal.actor,
    )
    _audit(connection, principal, "workflow.create", workflow_id, 1)
    return get(connection, principal.tenant_id, workflow_id)


def change(
    connection: Connection, principal: Principal, workflow_id: UUID, workflow: Workflow
) -> StoredWorkflow:
    """Keep a workflow as the next version of an earlier one; runs that began keep theirs.

    Raises
    ------
    NotFound : there is no such workflow.
    Forbidden : the token is pinned to a project.
    """
    principal.require_unpinned("workflows")
    version = repository.add_version(
        connection,
        principal.tenant_id,
        workflow_id,
        name=workflow.name,
        definition=as_document(workflow),
        actor=principal.actor,
    )
    if version is None:
        raise _missing(workflow_id)
    _audit(connection, principal, "workflow.change", workflow_id, version)
    return get(connection, principal.tenant_id, workflow_id)


def get(connection: Connection, tenant_id: UUID, workflow_id: UUID) -> StoredWorkflow:
    """The workflow in its newest version. Raises NotFound."""
    row = repository.get(connection, tenant_id, workflow_id)
    if row is None or row["deleted_at"] is not None:
        raise _missing(workflow_id)
    names = {"id": "id", "version": "version", "created_by": "createdBy"}
    told = {wire: row[name] for name, wire in names.items()}
    moments = {"createdAt": row["created_at"], "updatedAt": row["updated_at"]}
    return StoredWorkflow.model_validate(row["definition"] | told | moments)


def listed(connection: Connection, tenant_id: UUID, page: PageRequest) -> Page[WorkflowSummary]:
    """Workflows, newest first, without their definitions."""
    rows = repository.find(connection, tenant_id, after=page.after_id("workflows"), limit=page.limit + 1)
    found = [WorkflowSummary(**row) for row in rows]
    return cut(found, page.limit, "workflows", lambda workflow: workflow.id)


def versions(connection: Connection, tenant_id: UUID, workflow_id: UUID) -> list[WorkflowVersion]:
    """The newest versions, at most 100, newest first. Raises NotFound."""
    get(connection, tenant_id, workflow_id)
    rows = repository.versions(connection, tenant_id, workflow_id, before=None, limit=100)
    return [
        WorkflowVersion.model_validate(
            row["definition"]
            | {"version": row["version"], "createdBy": row["created_by"], "createdAt": row["created_at"]}
        )
        for row in rows
    ]


def delete(connection: Connection, principal: Principal, workflow_id: UUID) -> None:
    """Hide the workflow; its runs go on, and keep what they have pinned. Raises as `change` does."""
    principal.require_unpinned("workflows")
    if not repository.set_deleted(connection, principal.tenant_id, workflow_id):
        raise _missing(workflow_id)
    _audit(connection, principal, "workflow.delete", workflow_id, None)


def definition(stored: StoredWorkflow) -> Workflow:
    """The definition alone."""
    return Workflow.model_validate(
        stored.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=_OURS_HERE)
    )


def models_of(workflow: Workflow) -> list[str]:
    """Every model that a run of the workflow may ask, fallbacks and judges included, each once."""
    found: list[str] = []
    for step in workflow.steps:
        if step.asks_model:
            own = step.model or settings().default_model
            judge = [step.judge.model or own] if step.judge else [own] if step.pick == "judge" else []
            found += [*(step.models or [own]), *step.fallbacks, *judge]
    return list(dict.fromkeys(found))


def as_document(workflow: Workflow) -> dict[str, Any]:
    """The definition as it was written: what was left out stays out."""
    return workflow.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _missing(workflow_id: UUID) -> NotFound:
    return NotFound(f"there is no workflow {workflow_id}")


def _audit(
    connection: Connection, principal: Principal, action: str, workflow_id: UUID, version: int | None
) -> None:
    details = {} if version is None else {"version": version}
    target = f"workflow:{workflow_id}"
    audit(connection, principal.tenant_id, actor=principal.actor, action=action, target=target, **details)
