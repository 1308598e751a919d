"""Reports as one principal sees them: listed, read, deleted and restored."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.paging import Page, PageRequest, cut
from nyxcore.reports import repository
from nyxcore.reports.models import Report, ReportSummary
from nyxcore.reports.repository import Kept, ReportFilter
from nyxcore.tenancy.models import Principal
from nyxcore.tenancy.service import audit


def list_reports(
    connection: Connection, principal: Principal, wanted: ReportFilter, page: PageRequest
) -> Page[ReportSummary]:
    """Reports, newest first, without their content and without those that are deleted."""
    after = page.after_id("reports")
    if principal.project_id is not None:
        if not principal.sees(wanted.project_id or principal.project_id):
            return Page([], None)
        wanted = replace(wanted, project_id=principal.project_id)
    rows = repository.list_reports(
        connection, principal.tenant_id, wanted=wanted, after=after, limit=page.limit + 1
    )
    return cut(rows, page.limit, "reports", lambda report: report.id)


def get_report(connection: Connection, principal: Principal, report_id: UUID) -> Report:
    """The report. Raises NotFound, for a deleted one too."""
    kept = _find(connection, principal, report_id)
    if kept.deleted_at is not None:
        raise _no_report(report_id)
    return kept.report


def delete_report(connection: Connection, principal: Principal, report_id: UUID) -> None:
    """Hide the report; it can be restored until the tenant's retention removes it. Raises NotFound."""
    get_report(connection, principal, report_id)
    repository.set_deleted(connection, principal.tenant_id, report_id, clock.now())
    _audit(connection, principal, "report.delete", report_id)


def restore_report(connection: Connection, principal: Principal, report_id: UUID) -> Report:
    """The report, deleted no more; one that was not deleted stays as it is.

    Raises
    ------
    NotFound : there is none, or it was deleted longer ago than the tenant keeps them, removed or not.
    """
    kept = _find(connection, principal, report_id)
    if kept.expired:
        raise _no_report(report_id)
    if kept.deleted_at is not None:
        repository.set_deleted(connection, principal.tenant_id, report_id, None)
        _audit(connection, principal, "report.restore", report_id)
    return kept.report


def _find(connection: Connection, principal: Principal, report_id: UUID) -> Kept:
    kept = repository.get(connection, principal.tenant_id, report_id)
    if kept is None or not principal.sees(kept.report.project_id):
        raise _no_report(report_id)
    return kept


def _no_report(report_id: UUID) -> NotFound:
    return NotFound(f"there is no report {report_id}")


def _audit(connection: Connection, principal: Principal, action: str, report_id: UUID) -> None:
    target = f"report:{report_id}"
    audit(connection, principal.tenant_id, actor=principal.actor, action=action, target=target)
