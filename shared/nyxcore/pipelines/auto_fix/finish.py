"""Finish: the run ends by itself; a run that has ended before is left as it is."""

from __future__ import annotations

from nyxcore.db.connection import Database
from nyxcore.pipelines.task import TaskInput
from nyxcore.reports import repository as reports_repository
from nyxcore.reports.repository import ReportFilter
from nyxcore.runs import service as runs
from nyxcore.runs.dispatch import dispatch


def finish(db: Database, task: TaskInput) -> None:
    """End the run as succeeded and start what waits."""
    with db.transaction(task.tenant_id) as connection:
        of_run = ReportFilter(run_id=task.run_id)
        made = reports_repository.list_reports(connection, task.tenant_id, wanted=of_run, after=None, limit=1)
        result = {"reportId": str(made[0].id)} if made else None
        runs.finish_run(connection, task.tenant_id, task.run_id, "succeeded", result=result)
    dispatch(db, [task.tenant_id])
