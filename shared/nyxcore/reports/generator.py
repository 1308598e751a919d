"""Makes reports from a run's rows; without a model, and complete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound, RunNotFinished
from nyxcore.pages.models import Language
from nyxcore.reports import repository
from nyxcore.reports.kinds import type_of
from nyxcore.reports.language import language_of
from nyxcore.reports.models import Report, Style
from nyxcore.runs import repository as runs
from nyxcore.runs.models import FINISHED


def create(
    connection: Connection, tenant_id: UUID, run_id: UUID, *, style: Style, language: Language = "en"
) -> Report:
    """A new version of the report on a finished run.

    Raises
    ------
    NotFound : there is no such run.
    RunNotFinished : it has not ended yet, so its numbers would be wrong tomorrow.
    InvalidInput : there are no reports on runs of this kind.
    """
    row = runs.get(connection, tenant_id, run_id)
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    if row["status"] not in FINISHED:
        raise RunNotFinished(f"run {run_id} is {row['status']}: ask for a report once it has finished")
    return write(connection, tenant_id, row, style=style, language=language)


def write(
    connection: Connection, tenant_id: UUID, run: dict[str, Any], *, style: Style, language: Language = "en"
) -> Report:
    """The report on `run`, a row of `runs`, as the next version of its style and language.

    Raises
    ------
    NotFound : its project was deleted meanwhile.
    InvalidInput : there are no reports on runs of this kind.
    """
    spoken = language_of(language)
    draft = type_of(run["kind"]).write(connection, tenant_id, run, style, spoken)
    return repository.insert(
        connection,
        tenant_id,
        project_id=run["project_id"],
        run_id=run["id"],
        type=run["kind"],
        style=style,
        language=spoken.code,
        title=draft.title,
        content=draft.content,
        created_at=clock.now(),
    )
