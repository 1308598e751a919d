"""Plays Step Functions inside this process: executions of the workflow's state machine, task by task.

It holds to what AWS does: a name starts once, a task that raises is caught by `Fail`, and nothing is larger than
a state or a name may be. Executions of other state machines are kept for the test to end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from nyxcore.db.connection import Database
from nyxcore.errors import RunFinished
from nyxcore.llm import stored_calls
from nyxcore.llm.models import ModelAnswer, ModelCall, ModelFailure
from nyxcore.llm.stored_calls import PreparedCall
from nyxcore.pipelines.workflow import tasks
from nyxcore.pipelines.workflow.tasks import WorkflowTask
from nyxcore.storage import objects

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:{}"
LONGEST_NAME = 80
LARGEST_STATE = 256 * 1024

type Model = Callable[[ModelCall], ModelAnswer | ModelFailure]


@dataclass(frozen=True)
class Execution:
    """One execution: its name and its input."""

    name: str
    input: dict[str, Any]

    @property
    def step(self) -> str | None:
        """The step whose call it makes."""
        call = self.input.get("call")
        return call and call["key"]


class Crash(Exception):
    """The process of a task was killed."""


@dataclass
class Machine:
    """A double of boto3's client of Step Functions, which runs what was started when it is told to.

    Attributes
    ----------
    waiting : executions that were started and have not run; `ended` have run; `stopped` were stopped before.
    others : executions of other state machines, which nobody runs.
    model : answers calls in the place of a real one; None for the offline model, through the real caller.
    asked : every question that a model was really asked.
    refuses : how many further starts Step Functions does not take.
    """

    db: Database
    waiting: list[Execution] = field(default_factory=list)
    ended: list[Execution] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    others: list[Execution] = field(default_factory=list)
    model: Model | None = None
    asked: list[ModelCall] = field(default_factory=list)
    refuses: int = 0
    _names: set[str] = field(default_factory=set)

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:
        assert len(name) <= LONGEST_NAME, name
        assert len(input.encode()) <= LARGEST_STATE, name
        if self.refuses:
            self.refuses -= 1
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "StartExecution")
        if name in self._names:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self._names.add(name)
        mine = stateMachineArn == ARN.format("workflow")
        (self.waiting if mine else self.others).append(Execution(name, json.loads(input)))

    def stop_execution(self, *, executionArn: str, cause: str) -> None:
        name = executionArn.rpartition(":")[2]
        self.stopped.append(name)
        self.waiting = [execution for execution in self.waiting if execution.name != name]

    def run(self, *, db: Database | None = None) -> None:
        """Run what was started, and what that starts, until nothing is left."""
        while self.waiting:
            self.play(self.waiting.pop(0), db=db)

    def take(self, step: str) -> Execution:
        """The waiting execution of a call of this step, taken out of those that `run` runs."""
        execution = next(each for each in self.waiting if each.step == step)
        self.waiting.remove(execution)
        return execution

    def play(self, execution: Execution, *, db: Database | None = None) -> None:
        """Prepare, call, record; or fail, where one of them breaks down."""
        where = db or self.db
        try:
            prepared = self._task(tasks.prepare, execution, where)
            if prepared is not None:
                self.call(PreparedCall.model_validate(prepared))
                self._task(tasks.record, execution, where)
        except RunFinished:
            pass
        except Crash as crash:
            self.fail(execution, crash)
        self.ended.append(execution)

    def prepare(self, execution: Execution, *, db: Database | None = None) -> PreparedCall | None:
        """The first task alone; where the call stands."""
        prepared = self._task(tasks.prepare, execution, db or self.db)
        return PreparedCall.model_validate(prepared) if prepared is not None else None

    def call(self, where: PreparedCall) -> None:
        """The second task: ask the model, unless an answer is there already."""
        if stored_calls.outcome(where) is not None:
            return
        question = ModelCall.model_validate_json(objects.get(where.call))
        self.asked.append(question)
        if self.model is None:
            stored_calls.answer(where, seconds=60)
        else:
            objects.put(where.answer, self.model(question).model_dump_json(by_alias=True).encode())

    def record(self, execution: Execution, *, db: Database | None = None) -> None:
        """The third task alone."""
        self._task(tasks.record, execution, db or self.db)

    def fail(self, execution: Execution, error: Exception) -> None:
        """The task that runs where another one broke down."""
        failure = {"Error": type(error).__name__, "Cause": str(error)}
        self._task(tasks.fail, execution, self.db, failure=failure)

    def _task(
        self, work: Callable[[Database, WorkflowTask], Any], execution: Execution, db: Database, **more: Any
    ) -> Mapping[str, Any] | None:
        result = work(db, WorkflowTask.model_validate(execution.input | more))
        assert len(json.dumps([execution.input, result])) < LARGEST_STATE
        return result
