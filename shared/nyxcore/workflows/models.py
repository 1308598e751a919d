"""Workflows and their versions, as the API shows them."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from nyxcore.wire import Instant, WireModel
from nyxcore.workflows.definition import Workflow


class WorkflowSummary(WireModel):
    """A workflow as it is listed."""

    id: UUID
    name: str
    version: int = Field(description="the newest; a run keeps the one that it began with")
    created_by: str
    created_at: Instant
    updated_at: Instant


class StoredWorkflow(Workflow):
    """A workflow in its newest version: the definition, and what the service knows of it."""

    id: UUID
    version: int = Field(description="the newest; a run keeps the one that it began with")
    created_by: str
    created_at: Instant
    updated_at: Instant


class WorkflowVersion(Workflow):
    """One version of a workflow, which never changes."""

    version: int
    created_by: str
    created_at: Instant
