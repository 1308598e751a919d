"""Report: the run's rows become Markdown, once."""

from __future__ import annotations

from nyxcore.db.connection import Database
from nyxcore.pipelines.task import TaskInput
from nyxcore.reports import generator
from nyxcore.reports import repository as reports_repository
from nyxcore.reports.repository import ReportFilter
from nyxcore.runs import repository as runs_repository
from nyxcore.runs import service as runs
from nyxcore.runs.models import Event


def report(db: Database, task: TaskInput) -> None:
    """Write the report in the technical style; a second run of the task finds it there.

    Raises
    ------
    RunFinished : the run ended meanwhile.
    """
    tenant_id, run_id = task.tenant_id, task.run_id
    with db.transaction(tenant_id) as connection:
        runs.phase_started(connection, tenant_id, run_id, "reporting", 1, "reports")
    with db.transaction(tenant_id) as connection:
        run = runs_repository.lock(connection, tenant_id, run_id)  # two at once take turns
        assert run is not None  # noqa: S101 - phase_started raised NotFound
        of_run = ReportFilter(run_id=run_id)
        if reports_repository.list_reports(connection, tenant_id, wanted=of_run, after=None, limit=1):
            return
        made = generator.write(connection, tenant_id, run, style="technical")
        done = {"done": 1, "total": 1, "unit": "reports"}
        events = [Event("progress", done), Event("report", {"id": str(made.id), "title": made.title})]
        runs.append(connection, tenant_id, run_id, events, progress=done)
