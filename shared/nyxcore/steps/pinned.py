"""A run of a workflow, with the version of the workflow that it began with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from nyxcore.budgets.models import Limit
from nyxcore.budgets.service import Asked
from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.workflows import repository
from nyxcore.workflows.definition import Budget, Step, Workflow
from nyxcore.workflows.dependencies import needs_of


@dataclass(frozen=True)
class Version:
    """A version of a workflow, with what every change of a run asks of it."""

    workflow: Workflow

    @cached_property
    def by_key(self) -> dict[str, Step]:
        """The steps by their keys."""
        return {step.key: step for step in self.workflow.steps}

    @cached_property
    def needs(self) -> dict[str, list[str]]:
        """The graph, as `nyxcore.workflows.graph` takes it; to work it out is to read every prompt."""
        return needs_of(self.workflow)


@dataclass(frozen=True)
class Pinned:
    """A run as the engine sees it.

    Attributes
    ----------
    row : the run's row.
    version : the version that it pins.
    """

    row: Mapping[str, Any]
    version: Version

    @property
    def id(self) -> UUID:
        """The run's id."""
        found: UUID = self.row["id"]
        return found

    @property
    def status(self) -> str:
        """The run's status when its row was read."""
        return str(self.row["status"])

    @property
    def workflow(self) -> Workflow:
        """The definition that it pins."""
        return self.version.workflow

    @property
    def needs(self) -> dict[str, list[str]]:
        """What each step needs, directly."""
        return self.version.needs

    def asked(self, step: Step) -> Asked:
        """Whose limits a call of the step has to keep."""
        limits = (_limit(self.workflow.budget), _limit(step.budget))
        return Asked(self.id, step.key, self.row["project_id"], *limits)

    def step(self, key: str) -> Step:
        """The step of this key."""
        return self.version.by_key[key]


def _limit(budget: Budget | None) -> Limit:
    if budget is None:
        return Limit()
    return Limit(None if budget.usd is None else Decimal(str(budget.usd)), budget.tokens)


_MOST_KEPT = 32
_kept: dict[tuple[UUID, int], Version] = {}
"""Versions that this process has read: they never change, and reading a large one takes longer than its step."""


def pinned(connection: Connection, tenant_id: UUID, row: Mapping[str, Any]) -> Pinned:
    """The run with its workflow. Raises NotFound when its version is gone."""
    key = (row["workflow_id"], row["workflow_version"])
    version = _kept.get(key)
    if version is None:
        definition = repository.definition_of(connection, tenant_id, *key)
        if definition is None:
            raise NotFound(f"there is no version {key[1]} of workflow {key[0]}")
        version = Version(Workflow.model_validate(definition))
        while len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)), None)
        _kept[key] = version
    return Pinned(row, version)
