"""SQL of findings and fixes. Writes take a whole run's rows in one statement; all of them may be repeated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nyxcore.analysis.rules.tables import Category, Severity
from nyxcore.db.connection import Connection
from nyxcore.findings.models import (
    Finding,
    FindingRow,
    Fix,
    FixRow,
    Settlement,
    State,
)

_INSERT_FINDINGS = """
insert into findings (tenant_id, run_id, id, position, category, severity, rule, title, message, file,
                      start_line, end_line, source, fingerprint, state)
select %s, %s, row.*, 'open'
from unnest(%s::uuid[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::int[], %s::int[], %s::text[], %s::text[]) as row
on conflict (tenant_id, id) do nothing
returning id
"""

_INSERT_FIXES = """
insert into fixes (tenant_id, run_id, id, position, file, base_sha256, edits, diff, explanation, safe, needs,
                   evidence)
select %s, %s, row.id, row.position, row.file, row.base_sha256, row.edits::jsonb, row.diff, row.explanation,
       row.safe, row.needs::uuid[], row.evidence::jsonb
from unnest(%s::uuid[], %s::int[], %s::text[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::bool[],
            %s::text[], %s::text[])
     as row (id, position, file, base_sha256, edits, diff, explanation, safe, needs, evidence)
on conflict (tenant_id, id) do nothing
returning id
"""

_SETTLE = """
update findings set state = row.state, reason = row.reason, fix_id = row.fix_id, run_state = row.state,
                    run_reason = row.reason
from unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[]) as row (id, state, reason, fix_id)
where findings.tenant_id = %s and findings.run_id = %s and findings.id = row.id
"""

_FINDINGS = """
select id, run_id, category, severity, rule, title, message, file, start_line, end_line, state, reason,
       fix_id, source, fingerprint, position
from findings
where tenant_id = %(tenant)s and run_id = %(run)s and position > %(after)s
  and (%(category)s::text is null or category = %(category)s)
  and (%(severity)s::text is null or severity = %(severity)s)
  and (%(state)s::text is null or state = %(state)s)
order by position limit %(limit)s
"""

_FINDING = """
select f.id, f.run_id, f.category, f.severity, f.rule, f.title, f.message, f.file, f.start_line, f.end_line,
       f.state, f.reason, f.fix_id, f.source, f.fingerprint, r.project_id,
       r.finished_at is not null as finished
from findings f join runs r on r.tenant_id = f.tenant_id and r.id = f.run_id
where f.tenant_id = %s and f.id = %s
"""

_FIXES = """
select fixes.id, diff, explanation, needs, safe, evidence, pull_request, position,
       array(select f.id from findings f
             where f.tenant_id = fixes.tenant_id and f.fix_id = fixes.id order by f.position) as finding_ids
from fixes
where tenant_id = %s and run_id = %s and position > %s
order by position limit %s
"""


@dataclass(frozen=True)
class FindingFilter:
    """Which findings of a run are asked for; None is any."""

    category: Category | None = None
    severity: Severity | None = None
    state: State | None = None


@dataclass(frozen=True)
class FoundIn:
    """A finding, and what decides who may see and change it."""

    finding: Finding
    project_id: UUID
    run_finished: bool


@dataclass(frozen=True)
class Placed[T]:
    """A row of a run's list, and its place there."""

    row: T
    position: int


def insert_findings(
    connection: Connection, tenant_id: UUID, run_id: UUID, rows: Sequence[FindingRow]
) -> set[UUID]:
    """Write findings as `open`. The ids that are new; those that were there stay as they are."""
    ordered = sorted(rows, key=lambda row: row.position)  # two tasks at once lock in one order
    columns = (
        [row.id for row in ordered],
        [row.position for row in ordered],
        [row.category for row in ordered],
        [row.severity for row in ordered],
        [row.rule for row in ordered],
        [row.title for row in ordered],
        [row.message for row in ordered],
        [row.file for row in ordered],
        [row.start_line for row in ordered],
        [row.end_line for row in ordered],
        [row.source for row in ordered],
        [row.fingerprint for row in ordered],
    )
    found = connection.execute(_INSERT_FINDINGS, (tenant_id, run_id, *columns)).fetchall()
    return {row["id"] for row in found}


def insert_fixes(connection: Connection, tenant_id: UUID, run_id: UUID, rows: Sequence[FixRow]) -> set[UUID]:
    """Write fixes. The ids that are new; those that were there stay as they are.

    What a fix settles is written by `settle_findings`, afterwards.
    """
    ordered = sorted(rows, key=lambda row: row.position)
    columns = (
        [row.id for row in ordered],
        [row.position for row in ordered],
        [row.file for row in ordered],
        [row.base_sha256 for row in ordered],
        [json.dumps(list(row.edits)) for row in ordered],
        [row.diff for row in ordered],
        [row.explanation for row in ordered],
        [row.safe for row in ordered],
        ["{" + ",".join(map(str, row.needs)) + "}" for row in ordered],
        [json.dumps([evidence.model_dump() for evidence in row.evidence]) for row in ordered],
    )
    found = connection.execute(_INSERT_FIXES, (tenant_id, run_id, *columns)).fetchall()
    return {row["id"] for row in found}


def settle_findings(
    connection: Connection, tenant_id: UUID, run_id: UUID, rows: Sequence[Settlement]
) -> None:
    """Write how the run leaves its findings. The fixes that are named must be there already."""
    columns = (
        [row.finding_id for row in rows],
        [row.state for row in rows],
        [row.reason for row in rows],
        [row.fix_id for row in rows],
    )
    connection.execute(_SETTLE, (*columns, tenant_id, run_id))


def settle_rest(connection: Connection, tenant_id: UUID, run_id: UUID, *, reason: str) -> int:
    """Leave as `failed`, with `reason`, what is still `open`: the run ends. How many there were."""
    return connection.execute(
        "update findings set state = 'failed', reason = %(reason)s, run_state = 'failed',"
        " run_reason = %(reason)s"
        " where tenant_id = %(tenant)s and run_id = %(run)s and state = 'open'",
        {"tenant": tenant_id, "run": run_id, "reason": reason},
    ).rowcount


def list_findings(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    *,
    wanted: FindingFilter = FindingFilter(),
    after: int = -1,
    limit: int,
) -> list[Placed[Finding]]:
    """Findings of the run after this position, in order."""
    rows = connection.execute(
        _FINDINGS,
        {
            "tenant": tenant_id,
            "run": run_id,
            "after": after,
            "category": wanted.category,
            "severity": wanted.severity,
            "state": wanted.state,
            "limit": limit,
        },
    ).fetchall()
    return [Placed(Finding(**row), row["position"]) for row in rows]


def get_finding(connection: Connection, tenant_id: UUID, finding_id: UUID) -> FoundIn | None:
    """The finding with its project, or None."""
    row = connection.execute(_FINDING, (tenant_id, finding_id)).fetchone()
    return None if row is None else FoundIn(Finding(**row), row["project_id"], row["finished"])


def dismiss(connection: Connection, tenant_id: UUID, finding_id: UUID, reason: str) -> None:
    """Make it `not_a_bug`, for this reason."""
    connection.execute(
        "update findings set state = 'not_a_bug', reason = %s where tenant_id = %s and id = %s",
        (reason, tenant_id, finding_id),
    )


def reopen(connection: Connection, tenant_id: UUID, finding_id: UUID) -> None:
    """Return it to the state and reason in which its run left it."""
    connection.execute(
        "update findings set state = coalesce(run_state, 'failed'), reason = run_reason"
        " where tenant_id = %s and id = %s",
        (tenant_id, finding_id),
    )


def list_fixes(
    connection: Connection, tenant_id: UUID, run_id: UUID, *, after: int = -1, limit: int
) -> list[Placed[Fix]]:
    """Fixes of the run after this position, in order."""
    rows = connection.execute(_FIXES, (tenant_id, run_id, after, limit)).fetchall()
    return [Placed(_fix(row), row["position"]) for row in rows]


def _fix(row: dict[str, Any]) -> Fix:
    return Fix.model_validate({name: row[name] for name in Fix.model_fields})
