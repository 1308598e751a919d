"""Reads a run's rows and documents into the facts of its report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from itertools import pairwise
from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.analysis.rulebook import rules
from nyxcore.db.connection import Connection
from nyxcore.errors import NotFound
from nyxcore.findings import repository as findings
from nyxcore.projects import repository as projects
from nyxcore.reports import repository
from nyxcore.reports.facts import Ending, Facts, Phase, Skipped, Source, Spoken
from nyxcore.storage import objects

SCAN_SUMMARY = "scan.json"
PATCH = "fixes.patch"
_ALL = 2**31 - 1


def read(connection: Connection, tenant_id: UUID, run: dict[str, Any], spoken: Spoken | None) -> Facts:
    """The facts of `run`, a row of `runs` that works on a repository.

    Raises
    ------
    NotFound : its project was deleted since the row was read, and the run with it.
    """
    run_id: UUID = run["id"]
    project = projects.get_project(connection, tenant_id, run["project_id"])
    repository_of_run = projects.get_repository(connection, tenant_id, run["repository_id"])
    if project is None or repository_of_run is None:
        raise NotFound(f"there is no run {run_id}")
    started: datetime = run["started_at"] or run["created_at"]
    ended: datetime = run["finished_at"] or clock.now()
    summary = _scan_summary(tenant_id, run_id)
    return Facts(
        project=project.name,
        kind=run["kind"],
        run_id=run_id,
        ending=_ending(run["status"]),
        error=(run["error"] or {}).get("message"),
        date=started,
        duration=ended - started,
        under_way=run["finished_at"] is None,
        unsafe=bool(run["options"].get("unsafe")),
        categories=run["options"].get("categories"),
        source=Source(
            repository_of_run.name,
            archive=run["source"].get("filename"),
            tree=summary.get("tree"),
            commit=run["source"].get("commit"),
        ),
        files=int(run["counts"].get("files", 0)),
        findings=[placed.row for placed in findings.list_findings(connection, tenant_id, run_id, limit=_ALL)],
        fixes=[placed.row for placed in findings.list_fixes(connection, tenant_id, run_id, limit=_ALL)],
        skipped=[
            Skipped(reason, left["count"], left["examples"]) for reason, left in summary["skipped"].items()
        ],
        notes=summary["notes"],
        phases=_phases(repository.phases(connection, tenant_id, run_id), run["finished_at"]),
        earlier=repository.earlier(connection, tenant_id, run_id),
        explanations={rule.id: rule.explanation for rule in rules().values()},
        tools={"ruff": version("ruff"), "ast-grep": version("ast-grep-cli")},
        patch_bytes=objects.size(objects.run_key(tenant_id, run_id, PATCH)) or 0,
        tokens=run["cost_tokens"],
        usd=run["cost_usd"],
        spoken=spoken,
    )


def _ending(status: str) -> Ending:
    """A run that is writing its own report has done all else."""
    if status == "failed":
        return "failed"
    return "cancelled" if status == "cancelled" else "complete"


def _phases(begun: Sequence[tuple[str, datetime]], ended: datetime | None) -> list[Phase]:
    """Each phase up to the beginning of the next, the last one to the end of the run, if that has come."""
    until = [*begun, ("", ended)] if ended is not None else begun
    return [Phase(name, end - start) for (name, start), (_, end) in pairwise(until)]


def _scan_summary(tenant_id: UUID, run_id: UUID) -> Mapping[str, Any]:
    """What scan left out and noted; nothing for a run that ended before it."""
    try:
        summary: dict[str, Any] = json.loads(objects.get(objects.run_key(tenant_id, run_id, SCAN_SUMMARY)))
    except KeyError:
        return {"skipped": {}, "notes": []}
    return summary
