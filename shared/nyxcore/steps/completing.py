"""How a step ends: by its calls, by the run of its analysis, or by the report that it writes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from nyxcore import clock
from nyxcore.db.connection import Connection
from nyxcore.reports import workflow as workflow_reports
from nyxcore.runs import repository as runs_repository
from nyxcore.runs.models import FINISHED, Event
from nyxcore.settings import settings
from nyxcore.steps import facts, repository
from nyxcore.steps.calls import repository as call_rows
from nyxcore.steps.outcome import outcome
from nyxcore.steps.pinned import Pinned
from nyxcore.steps.values import JUDGE
from nyxcore.workflows.definition import Step

PICK_LIFETIME = timedelta(days=7)
"""How long a step waits for a person to pick one of its answers."""


def complete(connection: Connection, tenant_id: UUID, run: Pinned, step: Step) -> list[Event]:
    """End the step, let it wait, or have its answers judged, if all of its calls have ended."""
    if call_rows.has_open_calls(connection, tenant_id, run.id, step.key):
        return []  # without reading what the others have come to: a step may have 500 of them
    calls = call_rows.answers(connection, tenant_id, run.id, [step.key])
    found = outcome(step, calls)
    match found.status:
        case "judging":
            model = step.judged_by(settings().default_model)
            judge = {"part": len(calls), "label": JUDGE, "item": None, "model": model}
            call_rows.insert_calls(connection, tenant_id, run.id, step.key, [judge])
            return []
        case "waiting":
            until = clock.now() + PICK_LIFETIME
            return enter(connection, tenant_id, run, step, "waiting", output=found.output, expires_at=until)
        case "succeeded" if step.type == "report":
            return write_report(connection, tenant_id, run, step, found.output)
        case "succeeded":
            return enter(connection, tenant_id, run, step, "succeeded", output=found.output, data=found.data)
        case "failed":
            return enter(connection, tenant_id, run, step, "failed", error=found.error)


def enter(
    connection: Connection, tenant_id: UUID, run: Pinned, step: Step, status: str, **columns: Any
) -> list[Event]:
    """Give the step another status, `columns` as `repository.set_status` takes them; the event that tells of it."""
    attempt = repository.set_status(connection, tenant_id, run.id, step.key, status, **columns)
    return [Event("step", {"key": step.key, "status": status, "attempt": attempt})]


def complete_analysis(
    connection: Connection, tenant_id: UUID, run: Pinned, step: Step, child_id: UUID | None
) -> list[Event]:
    """End an analysis with what its run has found, once that has ended; None is a run that was deleted."""
    child = child_id and runs_repository.get(connection, tenant_id, child_id)
    if child and child["status"] not in FINISHED:
        return []
    if not child or child["status"] != "succeeded":
        error = (child and child["error"]) or {
            "code": "analysis_failed",
            "message": f"its run {child_id} was {child['status']}" if child else "its run was deleted",
        }
        return enter(connection, tenant_id, run, step, "failed", error=error)
    output = facts.facts_of(connection, tenant_id, child)
    return enter(connection, tenant_id, run, step, "succeeded", output=output)


def write_report(
    connection: Connection, tenant_id: UUID, run: Pinned, step: Step, content: str
) -> list[Event]:
    """Keep `content` as a report of the run, and end the step with it."""
    report = workflow_reports.keep(
        connection, tenant_id, run.row, content, style=step.style or "technical", name=run.workflow.name
    )
    ended = enter(connection, tenant_id, run, step, "succeeded", output=report.content)
    return [Event("report", {"id": str(report.id), "title": report.title}), *ended]
