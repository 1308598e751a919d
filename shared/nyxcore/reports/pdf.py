"""PDFs: what is printed, under which key it is kept, and the link that downloads it.

A PDF is kept under the hash of all that decides how it looks. So it is printed once, found again by whoever asks
for the same, and can be printed anew when retention has removed it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from nyxcore.db.connection import Connection
from nyxcore.pages.fingerprint import fingerprint
from nyxcore.pages.models import Language, Paper
from nyxcore.reports.models import Report
from nyxcore.reports.naming import file_name, report_file_name
from nyxcore.runs import service as runs
from nyxcore.runs.models import Run
from nyxcore.storage import links, objects
from nyxcore.tenancy.models import Principal
from nyxcore.wire import Instant, WireModel


class Pdf(WireModel):
    """A printed document, and the link that downloads it."""

    url: str = Field(description="takes no credentials; a presigned S3 GET")
    expires_at: Instant = Field(description="when the link ends; ask again for another one")
    pages: int
    bytes: int


class PdfInput(BaseModel):
    """What a run of kind `pdf` prints; its `input`. Of `report_id` and `markdown_key` one is set.

    Attributes
    ----------
    target : S3 key of the PDF.
    filename : name under which it is downloaded.
    created : what the document gives as the time when it was made; of Markdown that was sent, the day.
    """

    model_config = ConfigDict(frozen=True)

    target: str
    filename: str
    title: str
    language: Language
    paper: Paper
    created: datetime
    report_id: UUID | None = None
    markdown_key: str | None = None


def of_report(tenant_id: UUID, report: Report, *, paper: Paper) -> PdfInput:
    """What is to be printed of a report."""
    looks = [str(report.id), report.content_hash, paper]
    return PdfInput(
        target=_target(tenant_id, looks),
        filename=report_file_name(report.title, report.style, "pdf"),
        title=report.title,
        language=report.language,
        paper=paper,
        created=report.created_at,
        report_id=report.id,
    )


def of_markdown(
    tenant_id: UUID, markdown: str, *, title: str, language: Language, paper: Paper, now: datetime
) -> PdfInput:
    """What is to be printed of Markdown that somebody sent; it is kept for a day under its hash."""
    content = markdown.encode()
    digest = hashlib.sha256(content).hexdigest()
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    key = objects.page_key(tenant_id, f"{digest}.md")
    objects.put(key, content, content_type="text/markdown; charset=utf-8", tag=objects.DAY_TAG)
    return PdfInput(
        target=_target(tenant_id, [digest, title, language, paper, today.isoformat()]),
        filename=file_name(title, "pdf"),
        title=title,
        language=language,
        paper=paper,
        created=today,
        markdown_key=key,
    )


def find(wanted: PdfInput) -> Pdf | None:
    """The PDF with a new link, if it has been printed."""
    described = objects.describe(wanted.target)
    if described is None:
        return None
    link = links.of_pdf(wanted.target, wanted.filename)
    return Pdf(
        url=link.url,
        expires_at=link.expires_at,
        pages=int(described.metadata["pages"]),
        bytes=described.bytes,
    )


def start(connection: Connection, principal: Principal, wanted: PdfInput, *, project_id: UUID | None) -> Run:
    """The run that prints it; the one that does so already, where there is one.

    Raises
    ------
    InvalidInput : no PDF can be made here.
    """
    return runs.create_pdf_run(
        connection,
        principal.tenant_id,
        project_id=project_id,
        input=wanted.model_dump(mode="json"),
        actor=principal.actor,
    )


def _target(tenant_id: UUID, looks: list[str]) -> str:
    digest = hashlib.sha256(json.dumps([fingerprint(), *looks]).encode()).hexdigest()
    return objects.pdf_key(tenant_id, f"{digest}.pdf")
