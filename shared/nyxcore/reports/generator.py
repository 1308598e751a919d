"""Makes reports from a run's rows; without a model, and complete."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound, RunNotFinished
from nyxcore.pages.models import Language
from nyxcore.reports import repository
from nyxcore.reports.facts import Spoken
from nyxcore.reports.kinds import Draft, type_of
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
    row = _run(connection, tenant_id, run_id)
    if row["status"] not in FINISHED:
        raise RunNotFinished(f"run {run_id} is {row['status']}: ask for a report once it has finished")
    return write(connection, tenant_id, row, style=style, language=language)


@dataclass(frozen=True)
class Written:
    """A report that is to be kept."""

    title: str
    content: str
    style: Style
    language: Language


def write(
    connection: Connection, tenant_id: UUID, run: dict[str, Any], *, style: Style, language: Language = "en"
) -> Report:
    """The report on `run`, a row of `runs`, as the next version of its style and language.

    Raises
    ------
    NotFound : its project was deleted meanwhile.
    InvalidInput : there are no reports on runs of this kind.
    """
    made = _draft(connection, tenant_id, run, style, language, spoken=None)
    return _insert(connection, tenant_id, run, Written(made.title, made.content, style, language))


def draft(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    style: Style,
    language: Language,
    *,
    spoken: Spoken | None = None,
) -> Draft:
    """The computed report on a run, not kept. Raises NotFound, InvalidInput."""
    run = _run(connection, tenant_id, run_id)
    return _draft(connection, tenant_id, run, style, language, spoken=spoken)


def keep(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    written: Written,
    *,
    spoken: Spoken | None,
    persona: str | None,
) -> Report:
    """Keep a report on a run, with prose in it, as the next version. Raises NotFound."""
    run = _run(connection, tenant_id, run_id)
    return _insert(connection, tenant_id, run, written, persona=persona, **(asdict(spoken) if spoken else {}))


def _draft(
    connection: Connection,
    tenant_id: UUID,
    run: dict[str, Any],
    style: Style,
    language: Language,
    *,
    spoken: Spoken | None,
) -> Draft:
    written_by = type_of(run["kind"])
    return written_by.write(connection, tenant_id, run, style, language_of(language), spoken=spoken)


def _run(connection: Connection, tenant_id: UUID, run_id: UUID) -> dict[str, Any]:
    row = runs.get(connection, tenant_id, run_id)
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    return row


def _insert(
    connection: Connection, tenant_id: UUID, run: dict[str, Any], written: Written, **spoken: Any
) -> Report:
    return repository.insert(
        connection,
        tenant_id,
        project_id=run["project_id"],
        run_id=run["id"],
        type=run["kind"],
        style=written.style,
        language=written.language,
        title=written.title,
        content=written.content,
        created_at=clock.now(),
        **spoken,
    )
