"""What the renderer is handed: finished, whole, and the same each time."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from nyxcore.pages.models import PageDocument
from nyxcore.pages.service import print_job

WHEN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def job(markdown: str = "text", **changes: Any) -> dict[str, Any]:
    given = {"title": "Flask", "project": "Flask", "kind": "", "date": WHEN} | changes
    parsed: dict[str, Any] = json.loads(print_job(PageDocument(markdown=markdown, **given)))
    return parsed


def test_a_job_has_what_the_renderer_needs_and_nothing_else() -> None:
    assert job().keys() == {"html", "diagrams", "header", "footer", "author", "created"}
    assert job()["created"] == "2026-11-23T10:00:00Z"


def test_a_title_that_the_text_repeats_stands_on_the_cover_only() -> None:
    html = job("# Flask & Co\n\ntext", title="Flask & Co")["html"]
    assert html.count("<h1") == 1
    assert "<h1>Flask &amp; Co</h1>" in html


def test_a_first_heading_that_is_not_the_title_stays() -> None:
    assert job("# Another\n\ntext")["html"].count("<h1") == 2


def test_a_diagram_that_cannot_be_drawn_leaves_its_source_and_a_note() -> None:
    found = job("```mermaid\ngraph TD; A-->B\n```", language="de")["diagrams"]
    assert [diagram["alt"] for diagram in found] == ["Diagramm 1"]
    assert "A--&gt;B" in found[0]["fallback"]
    assert "konnte nicht gezeichnet werden" in found[0]["fallback"]


def test_a_date_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        job(date=datetime(2026, 11, 23))
