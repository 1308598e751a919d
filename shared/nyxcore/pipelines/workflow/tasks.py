"""Prepare, record and fail: what an execution of the workflow pipeline does beside the call itself; and its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from nyxcore.db.connection import Database
from nyxcore.pipelines import failing
from nyxcore.pipelines.task import TaskInput
from nyxcore.steps import engine, service
from nyxcore.steps.calls import service as calls


class CallInput(BaseModel):
    """Which call an execution makes: step, part of its calls, attempt. `delay` is what it has waited before."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    key: str
    part: int
    attempt: int

    @property
    def place(self) -> tuple[str, int, int]:
        """As `nyxcore.steps` takes it."""
        return self.key, self.part, self.attempt


class WorkflowTask(TaskInput):
    """Input of the tasks; without `call`, of an execution that opens a run or, `woken`, goes on with it."""

    call: CallInput | None = None
    woken: bool = False


def prepare(db: Database, task: WorkflowTask) -> dict[str, Any] | None:
    """The `PreparedCall` that is to be made; None where there is nothing to ask."""
    if task.call is None:
        go_on = engine.advance if task.woken else engine.open_run
        go_on(db, task.tenant_id, task.run_id)
        return None
    prepared = calls.prepare(db, task.tenant_id, task.run_id, task.call.place)
    return None if prepared is None else prepared.model_dump()


def record(db: Database, task: WorkflowTask) -> None:
    """Enter the answer, and start what has become ready."""
    if task.call is not None:
        calls.record(db, task.tenant_id, task.run_id, task.call.place)


def fail(db: Database, task: WorkflowTask) -> None:
    """End the call that broke down; or the run, where it was its opening that did. A woken run is woken again."""
    if task.call is not None:
        reason = failing.reason_of(task.failure or {})
        calls.broke_down(db, task.tenant_id, task.run_id, task.call.place, reason)
    elif task.woken:
        service.wake(db, task.tenant_id, task.run_id)
    else:
        failing.fail(db, task)


def stopped(db: Database, event: Mapping[str, Any]) -> bool:
    """End the call of an execution that ended badly, as `service.call_lost`; whether `event` is of a call.

    `event` is EventBridge's "Step Functions Execution Status Change".
    """
    try:
        task = WorkflowTask.model_validate_json(event["detail"]["input"])
    except (KeyError, TypeError, ValidationError):
        return False
    if task.call is None:
        return False
    service.call_lost(db, task.tenant_id, task.run_id, task.call.place)
    return True
