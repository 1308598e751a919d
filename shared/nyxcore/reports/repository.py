"""SQL of reports."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.ids import uuid7
from nyxcore.pages.models import Language
from nyxcore.reports.facts import Earlier
from nyxcore.reports.models import Report, ReportSummary, Style
from nyxcore.runs.models import PipelineKind

_VERSION = """
select coalesce(max(version), 0) + 1 as version from reports
where tenant_id = %s and run_id = %s and style = %s and language = %s
"""

_LIST = """
select id, project_id, run_id, type, style, language, version, title,
       encode(content_sha256, 'hex') as content_hash, model, persona, tokens, usd, created_at
from reports
where tenant_id = %(tenant)s and deleted_at is null
  and (%(project)s::uuid is null or project_id = %(project)s)
  and (%(run)s::uuid is null or run_id = %(run)s)
  and (%(type)s::text is null or type = %(type)s)
  and (%(style)s::text is null or style = %(style)s)
  and (%(after)s::uuid is null or id < %(after)s)
order by id desc limit %(limit)s
"""

_GET = """
select id, project_id, run_id, type, style, language, version, title, content,
       encode(content_sha256, 'hex') as content_hash, model, persona, tokens, usd, created_at, deleted_at,
       coalesce(deleted_at < clock_timestamp() - make_interval(days => s.report_retention_days), false) as expired
from reports join tenant_settings s using (tenant_id) where tenant_id = %s and id = %s and content <> ''
"""

# The newest version of its run, style and language stays as a row without words: its number is not given again.
_EXPIRE = """
with expired as (
    select r.id, exists (select from reports later where later.tenant_id = r.tenant_id and later.run_id = r.run_id
                         and later.style = r.style and later.language = r.language and later.version > r.version)
                 as superseded
    from reports r join tenant_settings s using (tenant_id)
    where r.tenant_id = %(tenant)s
      and r.deleted_at < clock_timestamp() - make_interval(days => s.report_retention_days)
), removed as (
    delete from reports r using expired e where r.tenant_id = %(tenant)s and r.id = e.id and e.superseded
    returning r.content
), emptied as (
    update reports r set title = '', content = '', content_sha256 = sha256('') from expired e
    where r.tenant_id = %(tenant)s and r.id = e.id and not e.superseded and r.content <> ''
    returning r.id
)
select (select count(*) from removed where content <> '') + (select count(*) from emptied) as reports
"""

_PHASES = """
select data->>'phase' as phase, created_at from run_events
where tenant_id = %s and run_id = %s and type = 'phase' order by seq
"""

# The options count too: a run that looked for one category alone says nothing about what is gone of the others.
_EARLIER = """
with earlier as (
    select before.id, coalesce(before.started_at, before.created_at) as date
    from runs this join runs before on before.tenant_id = this.tenant_id
         and before.repository_id = this.repository_id and before.kind = this.kind and before.id < this.id
         and before.status = 'succeeded'
         and before.options->'categories' is not distinct from this.options->'categories'
    where this.tenant_id = %(tenant)s and this.id = %(run)s
    order by before.id desc limit 1
)
select earlier.date, f.fingerprint, f.severity, f.category
from earlier left join findings f on f.tenant_id = %(tenant)s and f.run_id = earlier.id
"""


@dataclass(frozen=True)
class ReportFilter:
    """Which reports are asked for; None is any."""

    project_id: UUID | None = None
    run_id: UUID | None = None
    type: PipelineKind | None = None
    style: Style | None = None


@dataclass(frozen=True)
class Kept:
    """A report, when it was deleted, and whether that is longer ago than it can be restored."""

    report: Report
    deleted_at: datetime | None
    expired: bool


def insert(
    connection: Connection,
    tenant_id: UUID,
    *,
    project_id: UUID,
    run_id: UUID,
    type: PipelineKind,
    style: Style,
    language: Language,
    title: str,
    content: str,
    created_at: datetime,
    provider: str | None = None,
    model: str | None = None,
    persona: str | None = None,
    tokens: int = 0,
    usd: Decimal = Decimal(0),
) -> Report:
    """Keep a report under the next version of its run, style and language."""
    # Two at once would take the same number: the run's row makes them take turns.
    connection.execute(
        "select 1 from runs where tenant_id = %s and id = %s for no key update", (tenant_id, run_id)
    )
    row = connection.execute(_VERSION, (tenant_id, run_id, style, language)).fetchone()
    digest = hashlib.sha256(content.encode())
    report = Report(
        id=uuid7(),
        project_id=project_id,
        run_id=run_id,
        type=type,
        style=style,
        language=language,
        version=row["version"] if row else 1,
        title=title,
        content=content,
        content_hash=digest.hexdigest(),
        model=model,
        persona=persona,
        tokens=tokens,
        usd=float(usd),
        created_at=created_at,
    )
    connection.execute(
        "insert into reports (tenant_id, id, project_id, run_id, type, style, language, version, title,"
        " content, content_sha256, provider, model, persona, tokens, usd, created_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            *(tenant_id, report.id, project_id, run_id, type, style, language, report.version, title),
            *(content, digest.digest(), provider, model, persona, tokens, usd, created_at),
        ),
    )
    return report


def list_reports(
    connection: Connection, tenant_id: UUID, *, wanted: ReportFilter, after: UUID | None, limit: int
) -> list[ReportSummary]:
    """Reports that are not deleted, newest first."""
    rows = connection.execute(
        _LIST,
        {
            "tenant": tenant_id,
            "project": wanted.project_id,
            "run": wanted.run_id,
            "type": wanted.type,
            "style": wanted.style,
            "after": after,
            "limit": limit,
        },
    ).fetchall()
    return [ReportSummary(**row) for row in rows]


def get(connection: Connection, tenant_id: UUID, report_id: UUID) -> Kept | None:
    """The report, deleted or not; or None."""
    row: dict[str, Any] | None = connection.execute(_GET, (tenant_id, report_id)).fetchone()
    if row is None:
        return None
    deleted_at, expired = row.pop("deleted_at"), row.pop("expired")
    return Kept(Report(**row), deleted_at, expired)


def set_deleted(connection: Connection, tenant_id: UUID, report_id: UUID, moment: datetime | None) -> None:
    """Mark the report as deleted then, or with None as kept."""
    connection.execute(
        "update reports set deleted_at = %s where tenant_id = %s and id = %s", (moment, tenant_id, report_id)
    )


def delete_expired(connection: Connection, tenant_id: UUID) -> int:
    """Remove the reports that were deleted longer ago than the tenant keeps them; how many."""
    row = connection.execute(_EXPIRE, {"tenant": tenant_id}).fetchone()
    return int(row["reports"]) if row else 0


def phases(connection: Connection, tenant_id: UUID, run_id: UUID) -> list[tuple[str, datetime]]:
    """The phases of a run and when each began, in their order; none once retention has removed its events."""
    rows = connection.execute(_PHASES, (tenant_id, run_id)).fetchall()
    return [(row["phase"], row["created_at"]) for row in rows]


def earlier(connection: Connection, tenant_id: UUID, run_id: UUID) -> Earlier | None:
    """What the last run found that succeeded before this one: same kind, repository and categories; or None."""
    rows = connection.execute(_EARLIER, {"tenant": tenant_id, "run": run_id}).fetchall()
    if not rows:
        return None
    found = [row for row in rows if row["fingerprint"] is not None]  # it may have found nothing
    return Earlier(
        date=rows[0]["date"],
        severities={row["fingerprint"]: row["severity"] for row in found},
        categories={row["fingerprint"]: row["category"] for row in found},
    )
