"""A run as it is shown now: what dies in its row is made anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nyxcore import clock
from nyxcore.runs.models import Run, run_of
from nyxcore.settings import settings
from nyxcore.storage import links


def shown(row: Mapping[str, Any]) -> Run:
    """The run of a row; the link to a PDF that it has made is signed anew, since the one it ended with is dead soon."""
    run = run_of(row, settings().public_base_url)
    if row["kind"] != "pdf" or run.result is None:
        return run
    link = links.of_pdf(row["input"]["target"], row["input"]["filename"])
    signed = {"url": link.url, "expiresAt": clock.rfc3339(link.expires_at)}
    return run.model_copy(update={"result": run.result | signed})
