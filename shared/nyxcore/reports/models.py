"""Reports, as they are kept and shown."""

from __future__ import annotations

from typing import Literal, get_args
from uuid import UUID

from pydantic import Field

from nyxcore.pages.models import Language
from nyxcore.runs.models import PipelineKind
from nyxcore.wire import Instant, WireModel

Style = Literal["executive", "security", "technical", "marketing"]

STYLES: tuple[Style, ...] = get_args(Style)
LANGUAGES: tuple[Language, ...] = get_args(Language)


class ReportSummary(WireModel):
    """A report as it is listed: all but its content, which may be megabytes."""

    id: UUID
    project_id: UUID
    run_id: UUID
    type: PipelineKind
    style: Style
    language: Language
    version: int = Field(description="counted from 1 for each run, style and language")
    title: str = Field(examples=["Flask · Auto-fix · 2026-11-23"])
    content_hash: str = Field(description="SHA-256 of the content in UTF-8, lower-case hex")
    model: str | None = Field(description="the model that wrote its prose, or null")
    persona: str | None = Field(description="the key of the persona in whose voice it did, or null")
    tokens: int
    usd: float
    created_at: Instant


class Report(ReportSummary):
    """A report, whole."""

    content: str = Field(description="Markdown")
