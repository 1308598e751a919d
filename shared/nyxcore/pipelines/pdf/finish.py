"""Finish: the run ends with what is known of its PDF; the link is signed for whoever reads the run."""

from __future__ import annotations

from nyxcore.db.connection import Database
from nyxcore.errors import NotFound
from nyxcore.pipelines.task import TaskInput
from nyxcore.reports import pdf
from nyxcore.runs import repository, service
from nyxcore.runs.dispatch import dispatch


def finish(db: Database, task: TaskInput) -> None:
    """End the run as succeeded, its result being the PDF's pages and bytes, and start what waits.

    Raises
    ------
    NotFound : the run, or the PDF that the task before has written, is gone.
    """
    with db.transaction(task.tenant_id) as connection:
        row = repository.get(connection, task.tenant_id, task.run_id)
        if row is None:
            raise NotFound(f"there is no run {task.run_id}")
        printed = pdf.find(pdf.PdfInput.model_validate(row["input"]))
        if printed is None:
            raise NotFound("the PDF is gone from storage: ask for it again")
        result = printed.model_dump(mode="json", include={"pages", "bytes"})
        service.finish_run(connection, task.tenant_id, task.run_id, "succeeded", result=result)
    dispatch(db, [task.tenant_id])
