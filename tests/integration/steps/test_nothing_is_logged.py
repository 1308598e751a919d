"""The tasks on the database's side write ids into the log, and no word of a prompt or an answer."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from machine import Machine
from workbench import Workbench, answered

from nyxcore.errors import StatementRefused
from nyxcore.llm.errors import AnswerRefused
from nyxcore.pipelines.workflow.tasks import WorkflowTask
from nyxcore.steps.calls import service as calls
from pipelines import task as tasks_of_lambda
from pipelines.task import task

SECRETS = ("secret plan", "the answer of the model")
ASKED: dict[str, Any] = {
    "key": "one",
    "prompt": "What is in the secret plan? {{input}}",
    "system": "A secret plan.",
}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What every logger writes, that of the handlers included, at any level."""
    stream = io.StringIO()
    lines = logging.StreamHandler(stream)
    lines.setFormatter(tasks_of_lambda._logger.registered_formatter)
    watched = [logging.getLogger(), logging.getLogger("nyxcore")]
    before = [logger.level for logger in watched]
    for logger in watched:
        logger.addHandler(lines)
        logger.setLevel(logging.DEBUG)
    yield stream
    for logger, level in zip(watched, before, strict=True):
        logger.removeHandler(lines)
        logger.setLevel(level)


@pytest.fixture
def handled(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine runs the tasks through the handlers of Lambda."""

    def run(work: Callable[..., Any], execution: Any, db: Any, **more: Any) -> Any:
        return task(lambda given: work(db, given), WorkflowTask)(execution.input | more, None)

    monkeypatch.setattr(machine, "_task", run)


@pytest.mark.parametrize(
    "outcome",
    [answered("the answer of the model"), AnswerRefused("bedrock:m: declined").failure()],
)
def test_neither_prepare_nor_record_logs_what_was_asked_or_answered(
    bench: Workbench, handled: None, log: io.StringIO, outcome: Any
) -> None:
    bench.machine.model = lambda _: outcome
    bench.run(ASKED | {"model": "bedrock:m"}, input="the secret plan")
    assert "secret plan" in bench.machine.asked[0].prompt
    assert log.getvalue().count("the task is done") >= 2
    assert [secret for secret in SECRETS if secret in log.getvalue()] == []


def test_nor_is_it_logged_where_a_task_breaks_down(
    bench: Workbench, handled: None, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.begin(ASKED | {"model": "bedrock:m"}, input="the secret plan")
    bench.machine.play(bench.machine.waiting.pop(0))
    monkeypatch.setattr(calls, "store", breaks)
    with pytest.raises(RuntimeError):
        bench.machine.prepare(bench.machine.take("one"))
    assert "the task broke down" in log.getvalue()
    assert [secret for secret in SECRETS if secret in log.getvalue()] == []


def breaks(_where: object, _asked: object) -> None:
    """S3 that is away."""
    raise RuntimeError("no connection")


def test_nor_is_the_row_that_the_database_refuses(bench: Workbench, log: io.StringIO) -> None:
    run_id = bench.begin(ASKED)

    def write(given: WorkflowTask) -> None:
        with bench.db.transaction(given.tenant_id) as connection:
            connection.execute(
                "insert into run_steps (tenant_id, run_id, key, position, type, output)"
                " values (%s, %s, 'one', -1, 'no type', %s)",
                (given.tenant_id, given.run_id, SECRETS[0]),
            )

    with pytest.raises(StatementRefused, match="CheckViolation, 23514") as refused:
        task(write, WorkflowTask)({"tenantId": str(bench.tenant_id), "runId": str(run_id)}, None)
    assert refused.value.__suppress_context__
    assert "CheckViolation" in log.getvalue() and "secret plan" not in log.getvalue()
