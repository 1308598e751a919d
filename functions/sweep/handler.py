"""Every minute: the sweep. When an execution ends badly: the end of its run. All else: nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict

from nyxcore.db.connection import database
from nyxcore.pipelines.workflow import tasks as workflow
from nyxcore.runs.sweep import execution_ended, sweep
from nyxcore.steps.service import tend_all

_log = logging.getLogger(__name__)


def handler(event: object, _context: object) -> dict[str, object]:
    """What was done: the numbers of a sweep, or the run that was ended (None when there was none to end)."""
    detail_type = event.get("detail-type") if isinstance(event, Mapping) else None
    if isinstance(event, Mapping) and detail_type == "Step Functions Execution Status Change":
        if workflow.stopped(database(), event):
            return {"ended": None}
        run = execution_ended(database(), event)
        return {"ended": run and str(run.id)}
    if detail_type == "Scheduled Event":
        result = sweep(database())
        tend_all(database())
        counts = asdict(result)
        return {name: len(value) if isinstance(value, list) else value for name, value in counts.items()}
    _log.info("ignored an event of type %r", detail_type)
    return {}
