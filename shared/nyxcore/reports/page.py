"""A report, or Markdown that somebody sent, as the page that is printed and shown."""

from __future__ import annotations

from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.pages.models import PageDocument, Paper
from nyxcore.pages.service import page_html
from nyxcore.reports import repository
from nyxcore.reports.language import language_of
from nyxcore.reports.models import Report
from nyxcore.reports.pdf import PdfInput, of_report
from nyxcore.settings import settings
from nyxcore.storage import objects


def document(connection: Connection, tenant_id: UUID, wanted: PdfInput) -> PageDocument:
    """What is laid out as a page.

    Raises
    ------
    NotFound : the report was deleted meanwhile, or the Markdown is no longer kept.
    """
    if wanted.report_id is not None:
        kept = repository.get(connection, tenant_id, wanted.report_id)
        if kept is None or kept.deleted_at is not None:
            raise NotFound(f"there is no report {wanted.report_id}")
        return page_of(kept.report, wanted.paper)
    try:
        content = objects.get(wanted.markdown_key or "")
    except KeyError:
        raise NotFound("the Markdown is no longer kept: send it again") from None
    return PageDocument(
        title=wanted.title,
        project="",
        kind="",
        date=wanted.created,
        language=wanted.language,
        paper=wanted.paper,
        markdown=content.decode(),
        url=None,
    )


def page_of(report: Report, paper: Paper) -> PageDocument:
    """A report as the page that shows it."""
    project = report.title.rsplit(" · ", 2)[0]
    return PageDocument(
        title=report.title,
        project=project,
        kind=language_of(report.language)(f"style.{report.style}"),
        date=report.created_at,
        language=report.language,
        paper=paper,
        markdown=report.content,
        url=address(report.id),
    )


def address(report_id: UUID) -> str:
    """Where people see the report: what its QR code leads to."""
    return f"{settings().report_base_url.rstrip('/')}/reports/{report_id}"


def shown(tenant_id: UUID, report: Report) -> bytes:
    """The report's page, for a screen: as it was printed, or without drawn diagrams where it was not yet."""
    try:
        return objects.get(f"{of_report(tenant_id, report, paper='A4').target.removesuffix('.pdf')}.html")
    except KeyError:
        return page_html(page_of(report, "A4")).encode()
