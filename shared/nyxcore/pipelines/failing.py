"""Fail: the last task of a pipeline in which another one broke down."""

from __future__ import annotations

import errno
import json
import os

from nyxcore.db.connection import Database
from nyxcore.errors import DatabaseUnavailable, every_error
from nyxcore.pipelines.task import TaskInput
from nyxcore.reports.print_errors import PRINT_ERRORS
from nyxcore.runs import service as runs
from nyxcore.runs.dispatch import dispatch

_TOO_LONG = "A task took longer than it may. Try again; if it happens again, the repository is too large."
_NO_DATABASE = "The database did not answer a task of the pipeline. A retry goes on from what is done."
_LAMBDA_ERRORS = {
    "States.Timeout": _TOO_LONG,
    "Sandbox.Timedout": _TOO_LONG,
    "Runtime.OutOfMemory": "A task ran out of memory. Try again with fewer files.",
}


def fail(db: Database, task: TaskInput) -> None:
    """End the run as failed with the reason that the state machine caught, and start what waits."""
    with db.transaction(task.tenant_id) as connection:
        runs.finish_run(
            connection, task.tenant_id, task.run_id, "failed", error=reason_of(task.failure or {})
        )
    dispatch(db, [task.tenant_id])


def reason_of(failure: dict[str, str]) -> dict[str, str]:
    """`{code, message}` of what Step Functions caught: ours as they are, others in general words."""
    name = failure.get("Error", "")
    if name == DatabaseUnavailable.__name__:  # libpq's words name hosts and roles: they are for the log
        return {"code": DatabaseUnavailable.code, "message": _NO_DATABASE}
    codes = {kind.__name__: kind.code for kind in (*every_error(), *PRINT_ERRORS)}
    if name in codes:
        return {"code": codes[name], "message": _message(failure.get("Cause", ""))}
    if os.strerror(errno.ENOSPC) in failure.get("Cause", ""):  # from S3, Postgres or the work folder alike
        full = "There is no room left for the run's data. Free some room on the disk, then retry the run."
        return {"code": "storage_full", "message": full}
    general = "A task of the pipeline broke down. Its log has the details; a retry goes on from what is done."
    return {"code": "task_failed", "message": _LAMBDA_ERRORS.get(name, general)}


def _message(cause: str) -> str:
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause or "no reason was recorded"
