"""What a run found, and the fixes for it: rows that the pipeline writes, objects that the API shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from nyxcore.analysis.rules.tables import Category, Severity
from nyxcore.wire import RequestModel, WireModel

State = Literal["open", "fixed", "no_fix", "not_a_bug", "failed"]
FinalState = Literal["fixed", "no_fix", "not_a_bug", "failed"]

_REASON = r"^[^\u0000]*[^\u0000-\u0020\s][^\u0000]*$"
Reason = Annotated[str, Field(min_length=1, max_length=2000, pattern=_REASON, examples=["A test fixture."])]


class Finding(WireModel):
    """Something in the code that may deserve a person's time."""

    id: UUID
    run_id: UUID
    category: Category
    severity: Severity
    rule: str = Field(examples=["ruff:S602"])
    title: str
    message: str
    file: str = Field(examples=["pkg/a.py"])
    start_line: int = Field(description="counted from 1")
    end_line: int
    state: State
    reason: str | None = Field(description="why it is in this state")
    fix_id: UUID | None
    source: str = Field(examples=["ruff"])
    fingerprint: str = Field(description="the same for the same finding in another run")


class Evidence(WireModel):
    """One thing that was checked of a fix, and what came out."""

    check: str = Field(examples=["reparses"])
    ok: bool
    detail: str


class Fix(WireModel):
    """A change that settles findings, with the evidence that it does."""

    id: UUID
    finding_ids: list[UUID]
    diff: str = Field(description="unified diff of this fix alone")
    explanation: str
    needs: list[UUID] = Field(description="fixes without which this one does not apply")
    safe: bool
    evidence: list[Evidence]
    pull_request: dict[str, Any] | None


class Dismissal(RequestModel):
    """The finding is not a bug, says a person."""

    state: Literal["not_a_bug"]
    reason: Reason


class Reopening(RequestModel):
    """The dismissal is taken back: the finding returns to the state in which its run left it."""

    state: Literal["open"]
    reason: Reason | None = None


Judgement = Annotated[Dismissal | Reopening, Field(discriminator="state")]


@dataclass(frozen=True)
class FindingRow:
    """A finding as the pipeline writes it; its state is `open` until it is settled.

    `position` is its place in the run's list, from 0, unique in the run.
    """

    id: UUID
    position: int
    category: Category
    severity: Severity
    rule: str
    title: str
    message: str
    file: str
    start_line: int
    end_line: int
    source: str
    fingerprint: str


@dataclass(frozen=True)
class FixRow:
    """A fix as the pipeline writes it.

    `edits` are JSON objects; `base_sha256` is the digest of the file that they apply to. `finding_ids` are
    for events alone: what a fix settles is kept at the findings (`Settlement.fix_id`).
    """

    id: UUID
    position: int
    file: str
    base_sha256: bytes
    edits: Sequence[Mapping[str, object]]
    diff: str
    explanation: str
    safe: bool
    evidence: Sequence[Evidence]
    needs: Sequence[UUID] = ()
    finding_ids: Sequence[UUID] = field(default=())


@dataclass(frozen=True)
class Settlement:
    """The state in which the run leaves a finding."""

    finding_id: UUID
    state: FinalState
    reason: str | None
    fix_id: UUID | None = None


def finding_event_item(
    run_id: UUID, row: FindingRow, settlement: Settlement | None = None
) -> dict[str, object]:
    """The finding as an item of a `findings` event: `open`, or as it was settled."""
    finding = Finding(
        id=row.id,
        run_id=run_id,
        category=row.category,
        severity=row.severity,
        rule=row.rule,
        title=row.title,
        message=row.message,
        file=row.file,
        start_line=row.start_line,
        end_line=row.end_line,
        state=settlement.state if settlement else "open",
        reason=settlement.reason if settlement else None,
        fix_id=settlement.fix_id if settlement else None,
        source=row.source,
        fingerprint=row.fingerprint,
    )
    return finding.model_dump(mode="json", by_alias=True)


def fix_event_item(row: FixRow) -> dict[str, object]:
    """The fix as an item of a `fixes` event: without its diff, which may be long."""
    fix = Fix(
        id=row.id,
        finding_ids=list(row.finding_ids),
        diff="",
        explanation=row.explanation,
        needs=list(row.needs),
        safe=row.safe,
        evidence=list(row.evidence),
        pull_request=None,
    )
    return fix.model_dump(mode="json", by_alias=True, exclude={"diff"})
