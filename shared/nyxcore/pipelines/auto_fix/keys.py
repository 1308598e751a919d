"""Where the documents of an auto-fix run stand in S3, and what they say."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from nyxcore.storage.objects import repository_key

MANIFEST = "source/manifest.json"
PLAN = "source/plan.json"
OUTCOME, OUTCOME_PATCH = "outcome", "patch"
"""What a run keeps of its end for the next one on the same tree."""


class Retried(BaseModel):
    """A run that a later one goes on from: the number of its packs, of which it may have finished only some."""

    model_config = ConfigDict(frozen=True)

    run_id: UUID
    packs: int


class Plan(BaseModel):
    """What scan decides and the later tasks follow; stored in S3 beside the manifest.

    A retry reads it too: it is kept as long as the records that it tells of.
    """

    model_config = ConfigDict(frozen=True)

    repository_id: UUID
    tree_sha256: str
    fingerprint: str  # rules, tools, options and project settings: same value, same results
    settings: dict[str, Any]
    unsafe: bool
    categories: tuple[str, ...] | None
    packs: tuple[int, ...]
    source_files: int
    known_packs: int  # packs of the earlier run whose records may be used again
    known_run: UUID | None
    retried: tuple[Retried, ...] = ()  # whose records may be used again, newest first; some may be missing
    unchanged: bool  # the whole tree is known: nothing is detected or verified anew

    def known_key(self, tenant_id: UUID, run_id: UUID, name: str) -> str:
        """S3 key of what `run_id` learned of the repository under this fingerprint."""
        return known_key(tenant_id, self.repository_id, self.fingerprint, run_id, name)


class Known(BaseModel):
    """What the last finished run with the same fingerprint left: the index of its records."""

    model_config = ConfigDict(frozen=True)

    run_id: UUID
    tree_sha256: str
    packs: int


def known_key(tenant_id: UUID, repository_id: UUID, fingerprint: str, run_id: UUID, name: str) -> str:
    """S3 key of what a run learned of a repository under a fingerprint."""
    return repository_key(tenant_id, repository_id, f"known/{fingerprint}/{run_id}/{name}")


def known_index_key(tenant_id: UUID, repository_id: UUID, fingerprint: str) -> str:
    """S3 key of the `Known` of one repository and fingerprint."""
    return repository_key(tenant_id, repository_id, f"known/{fingerprint}/index.json")
