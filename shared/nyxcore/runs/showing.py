"""A run as it is shown now, to whoever asks: what dies in its row is made anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.runs import repository
from nyxcore.runs.models import Run, run_of, without_link
from nyxcore.settings import settings
from nyxcore.storage import links


def shown(
    connection: Connection, tenant_id: UUID, rows: Sequence[Mapping[str, Any]], *, with_links: bool
) -> list[Run]:
    """The runs of these rows.

    Parameters
    ----------
    with_links : whether whoever asks may read reports. A run that has made a PDF then has the link to it, signed now;
        not that of a report which was deleted since.
    """
    printed = {row["id"]: row["input"] for row in rows if row["kind"] == "pdf" and row["result"] is not None}
    wanted = {UUID(given["report_id"]) for given in printed.values() if given.get("report_id")}
    kept = repository.reports_kept(connection, tenant_id, wanted) if wanted and with_links else set()
    runs = []
    for row in rows:
        run = run_of(row, settings().public_base_url)
        if (given := printed.get(row["id"])) is not None:
            report_id = given.get("report_id")
            readable = with_links and (report_id is None or UUID(report_id) in kept)
            known = without_link(run.result or {})
            run = run.model_copy(update={"result": known | (_signed(given) if readable else {})})
        runs.append(run)
    return runs


def _signed(given: Mapping[str, Any]) -> dict[str, Any]:
    link = links.of_pdf(given["target"], given["filename"])
    return {"url": link.url, "expiresAt": clock.rfc3339(link.expires_at)}
