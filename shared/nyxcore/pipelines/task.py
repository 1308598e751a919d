"""The shape of what every task of every pipeline is given."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from nyxcore.storage.objects import run_key


class TaskInput(BaseModel):
    """Input of every task: ids and, in a Map, the number of one pack. Documents never travel here."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    tenant_id: UUID
    run_id: UUID
    source: dict[str, Any] = Field(default_factory=dict)
    pack: int = 0
    failure: dict[str, str] | None = None

    def key(self, name: str) -> str:
        """S3 key of something that belongs to this run."""
        return run_key(self.tenant_id, self.run_id, name)
