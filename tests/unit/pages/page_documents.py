"""Documents to make pages of, and what a reader finds in such a page."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

from nyxcore.pages.models import PageDocument
from nyxcore.pages.service import print_job

WHEN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def document(markdown: str = "text", **changes: Any) -> PageDocument:
    """A document about Flask."""
    given = {"title": "Flask · Auto-fix · 2026-11-23", "project": "Flask", "kind": "Auto-fix", "date": WHEN}
    return PageDocument(markdown=markdown, **(given | changes))


def job(markdown: str = "text", **changes: Any) -> dict[str, Any]:
    """Its print job."""
    parsed: dict[str, Any] = json.loads(print_job(document(markdown, **changes)))
    return parsed


def page(markdown: str = "text", **changes: Any) -> str:
    """The HTML of its print job."""
    html: str = job(markdown, **changes)["html"]
    return html


def body(html: str) -> str:
    """What stands in the page's `<main>`."""
    return html.partition("<main>")[2].partition("</main>")[0]


def words(html: str) -> str:
    """What HTML says, without its tags."""
    return unescape(re.sub(r"<[^>]*>", "", html))


def families(html: str) -> set[str]:
    """The font families that a page brings."""
    return set(re.findall(r'@font-face\{font-family:"([^"]+)"', html))
