"""The engine's records as rows: ids are derived from the run and the record's key, so twice gives the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from nyxcore import ids
from nyxcore.findings.models import Evidence, FindingRow, FixRow, Settlement

# A pack's findings are numbered from `pack * PACK_STRIDE`: packs are worked on side by side.
PACK_STRIDE = 1_000_000

type Record = Mapping[str, Any]


def finding_row(run_id: UUID, record: Record, position: int) -> FindingRow:
    """A finding as it is written when it is found."""
    return FindingRow(
        id=finding_id(run_id, record["key"]),
        position=position,
        category=record["category"],
        severity=record["severity"],
        rule=record["rule"],
        title=_storable(record["title"]),
        message=_storable(record["message"]),
        file=record["file"],
        start_line=record["startLine"],
        end_line=record["endLine"],
        source=record["source"],
        fingerprint=record["fingerprint"],
    )


def settlement(run_id: UUID, record: Record) -> Settlement:
    """The state in which the engine leaves a finding."""
    fix = record["fix"]
    reason = record["reason"]
    return Settlement(
        finding_id=finding_id(run_id, record["key"]),
        state=record["state"],
        reason=_storable(reason) if reason else None,
        fix_id=fix_id(run_id, fix) if fix else None,
    )


def fix_row(run_id: UUID, record: Record, position: int) -> FixRow:
    """A fix that held."""
    return FixRow(
        id=fix_id(run_id, record["key"]),
        position=position,
        file=record["file"],
        base_sha256=bytes.fromhex(record["baseSha256"]),
        edits=record["edits"],
        diff=_storable(record["diff"]),
        explanation=_storable(record["explanation"]),
        safe=record["safe"],
        evidence=[
            Evidence(check=e["check"], ok=e["ok"], detail=_storable(e["detail"])) for e in record["evidence"]
        ],
        needs=[fix_id(run_id, key) for key in record["needs"]],
        finding_ids=[finding_id(run_id, key) for key in record["findings"]],
    )


def finding_id(run_id: UUID, key: str) -> UUID:
    """Id of the finding that the engine calls `key`."""
    return ids.derived(run_id, f"finding:{key}")


def fix_id(run_id: UUID, key: str) -> UUID:
    """Id of the fix that the engine calls `key`."""
    return ids.derived(run_id, f"fix:{key}")


def _storable(text: str) -> str:
    """Postgres text holds no NUL."""
    return text.replace("\0", "\ufffd")
