"""Makes reports from a run's rows; without a model, and complete."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.analysis.rules import ast_grep_rules, python_rules
from nyxcore.db.connection import Connection
from nyxcore.errors import InvalidInput, NotFound, RunNotFinished
from nyxcore.findings import repository as findings
from nyxcore.pages.models import Language
from nyxcore.projects import repository as projects
from nyxcore.reports import repository
from nyxcore.reports.auto_fix import AutoFixReport, Skipped, render, title
from nyxcore.reports.models import Report, Style
from nyxcore.runs import repository as runs
from nyxcore.runs.models import FINISHED
from nyxcore.storage import objects

SCAN_SUMMARY = "scan.json"
PATCH = "fixes.patch"
_ALL = 2**31 - 1


def create(
    connection: Connection, tenant_id: UUID, run_id: UUID, *, style: Style, language: Language = "en"
) -> Report:
    """A new version of the report on a finished run.

    Raises
    ------
    NotFound : there is no such run.
    RunNotFinished : it has not ended yet, so its numbers would be wrong tomorrow.
    InvalidInput : a style or language that is not available.
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
    InvalidInput : a style or language that is not available.
    """
    if style != "technical":
        raise InvalidInput(f"style {style!r} is not available yet: ask for 'technical'")
    if language != "en":
        raise InvalidInput(f"language {language!r} is not available yet: ask for 'en'")
    data = _auto_fix(connection, tenant_id, run)
    return repository.insert(
        connection,
        tenant_id,
        project_id=run["project_id"],
        run_id=run["id"],
        type=run["kind"],
        style=style,
        language=language,
        title=title(data.project, data.date),
        content=render(data),
        created_at=clock.now(),
    )


def _auto_fix(connection: Connection, tenant_id: UUID, run: dict[str, Any]) -> AutoFixReport:
    run_id: UUID = run["id"]
    project = projects.get_project(connection, tenant_id, run["project_id"])
    repository_of_run = projects.get_repository(connection, tenant_id, run["repository_id"])
    if project is None or repository_of_run is None:  # deleted since the run was read, and the run with them
        raise NotFound(f"there is no run {run_id}")
    started = run["started_at"] or run["created_at"]
    summary = _scan_summary(tenant_id, run_id)
    rules = (*python_rules().values(), *ast_grep_rules().values())
    return AutoFixReport(
        project=project.name,
        repository=repository_of_run.name,
        run_id=run_id,
        date=started,
        duration=(run["finished_at"] or clock.now()) - started,
        unsafe=bool(run["options"].get("unsafe")),
        files=int(run["counts"].get("files", 0)),
        findings=[placed.row for placed in findings.list_findings(connection, tenant_id, run_id, limit=_ALL)],
        fixes=[placed.row for placed in findings.list_fixes(connection, tenant_id, run_id, limit=_ALL)],
        skipped=[
            Skipped(reason, left["count"], left["examples"]) for reason, left in summary["skipped"].items()
        ],
        notes=summary["notes"],
        explanations={rule.id: rule.explanation for rule in rules},
        tools={"ruff": version("ruff"), "ast-grep": version("ast-grep-cli")},
        patch_bytes=objects.size(objects.run_key(tenant_id, run_id, PATCH)) or 0,
    )


def _scan_summary(tenant_id: UUID, run_id: UUID) -> dict[str, Any]:
    """What scan left out and noted; nothing for a run that ended before it."""
    try:
        summary: dict[str, Any] = json.loads(objects.get(objects.run_key(tenant_id, run_id, SCAN_SUMMARY)))
    except KeyError:
        return {"skipped": {}, "notes": []}
    return summary
