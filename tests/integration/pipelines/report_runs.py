"""Runs that write a report, and what a model says to them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from task_runner import TaskRunner

from nyxcore import clock
from nyxcore.llm.models import OUTCOME, LedgerEntry, ModelAnswer, ModelFailure
from nyxcore.pipelines.task import TaskInput
from nyxcore.runs import service as runs
from nyxcore.storage import objects

UNUSED = "import os\nimport sys\n\nprint(sys.path)\n"
MODEL = "bedrock:anthropic.claude-test"


def finished(runner: TaskRunner) -> UUID:
    """A finished run to report on."""
    runner.write({"a.py": UNUSED})
    return runner.whole_run()


def writing(runner: TaskRunner, on: UUID) -> TaskInput:
    """A running run of kind `report` on a finished run."""
    with runner.db.transaction(runner.tenant_id) as connection:
        wanted = {"run_id": str(on), "style": "executive", "language": "en", "model": MODEL}
        run = runs.create_report_run(
            connection, runner.tenant_id, project_id=runner.project_id,
            input=wanted | {"persona": "architect"}, actor="test",
        )  # fmt: skip
        runs.start_run(connection, runner.tenant_id, run.id)
    return TaskInput(tenant_id=runner.tenant_id, run_id=run.id)


def entry(**changes: Any) -> LedgerEntry:
    told: dict[str, Any] = {
        "number": 1, "protocol": "bedrock", "model": MODEL, "input_tokens": 900, "output_tokens": 100,
        "cached_tokens": 0, "usd": Decimal("0.01"), "price_version": "test", "latency_ms": 5,
        "outcome": "succeeded", "started_at": clock.now(),
    }  # fmt: skip
    return LedgerEntry(**told | changes)


def answer(keys: dict[str, str | None], said: ModelAnswer | ModelFailure) -> None:
    objects.put(str(keys["answer"]), OUTCOME.dump_json(said, by_alias=True))


def texts(**sections: str) -> ModelAnswer:
    return ModelAnswer(text="{}", data=sections, model=MODEL, calls=(entry(),))
