"""A tenant with a project, workflows of its own, and short words for what happens to their runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from machine import Machine

from nyxcore.db.connection import Database
from nyxcore.ids import uuid7
from nyxcore.llm.models import LedgerEntry, ModelAnswer, ModelFailure
from nyxcore.paging import PageRequest
from nyxcore.runs import dispatch
from nyxcore.runs import service as runs
from nyxcore.runs.models import FinalStatus, Run, RunOptions
from nyxcore.steps import reviews
from nyxcore.steps.models import RunStep, StepCall
from nyxcore.steps.shown import service as shown
from nyxcore.workflows import lint, repository
from nyxcore.workflows.service import as_document

PAID = {"ours": {"inputUsd": 1, "outputUsd": 10}}


@dataclass
class Workbench:
    """Runs workflows of one tenant on a machine that is played in this process."""

    db: Database
    machine: Machine
    tenant_id: UUID
    project_id: UUID = field(default_factory=uuid7)
    repository_id: UUID = field(default_factory=uuid7)

    def __post_init__(self) -> None:
        with self.db.transaction(self.tenant_id) as connection:
            connection.execute(
                "insert into projects (tenant_id, id, name) values (%s, %s, 'Shop')",
                (self.tenant_id, self.project_id),
            )
            connection.execute(
                "insert into repositories (tenant_id, id, project_id, source, name, path)"
                " values (%s, %s, %s, 'path', 'shop', '/srv/shop')",
                (self.tenant_id, self.repository_id, self.project_id),
            )

    def begin(self, *steps: dict[str, Any], input: Any = "the input", **more: Any) -> UUID:
        """A queued run of a workflow of these steps, dispatched."""
        document = {"name": "w", "goal": "Say what matters.", "steps": list(steps), **more}
        workflow = lint.accept(document)
        with self.db.transaction(self.tenant_id) as connection:
            workflow_id = repository.insert(
                connection, self.tenant_id, name="w", definition=as_document(workflow), actor="test"
            )
            run = runs.create_run(
                connection, self.tenant_id, kind="workflow", project_id=self.project_id,
                repository_id=self.repository_id, options=RunOptions(), input=input, workflow=(workflow_id, 1),
                actor="test",
            )  # fmt: skip
        dispatch.dispatch(self.db, [self.tenant_id])
        return run.id

    def run(self, *steps: dict[str, Any], **more: Any) -> UUID:
        """`begin`, and everything that can happen without a person."""
        run_id = self.begin(*steps, **more)
        self.machine.run()
        return run_id

    def get(self, run_id: UUID) -> Run:
        with self.db.transaction(self.tenant_id) as connection:
            return runs.get_run(connection, self.tenant_id, run_id)

    def steps(self, run_id: UUID) -> dict[str, RunStep]:
        """The steps by their keys, each of them whole."""
        run, found, cursor = self.get(run_id), list[RunStep](), None
        while True:
            with self.db.transaction(self.tenant_id) as connection:
                page = shown.list_steps(connection, self.tenant_id, run, PageRequest(1_000, cursor))
                found += [
                    shown.get_step(connection, self.tenant_id, run, step.key) if step.truncated else step
                    for step in page.items
                ]
            cursor = page.next_cursor
            if cursor is None:
                return {step.key: step for step in found}

    def calls(self, run_id: UUID, key: str) -> Sequence[StepCall]:
        """The calls of a step with their texts."""
        run = self.get(run_id)
        with self.db.transaction(self.tenant_id) as connection:
            return shown.list_calls(connection, self.tenant_id, run, key, PageRequest()).items

    def statuses(self, run_id: UUID) -> dict[str, str]:
        return {key: step.status for key, step in self.steps(run_id).items()}

    def decide(
        self,
        run_id: UUID,
        key: str,
        decision: Any,
        content: str | None = None,
        alternative: int | None = None,
    ) -> bool:
        """A decision as the API makes it, and everything that follows."""
        with self.db.transaction(self.tenant_id) as connection:
            changed = reviews.decide(
                connection, self.tenant_id, run_id, key, decision=decision, content=content,
                alternative=alternative, actor="token:reviewer",
            )  # fmt: skip
        if changed:
            dispatch.dispatch(self.db, [self.tenant_id])
            self.machine.run()
        return changed

    def retry(self, run_id: UUID) -> UUID:
        with self.db.transaction(self.tenant_id) as connection:
            again = runs.retry_run(connection, self.tenant_id, run_id, actor="test")
        dispatch.dispatch(self.db, [self.tenant_id])
        self.machine.run()
        return again.id

    def finish(self, run_id: UUID, status: FinalStatus) -> None:
        """End a run, as its last task or a cancel does."""
        with self.db.transaction(self.tenant_id) as connection:
            runs.finish_run(connection, self.tenant_id, run_id, status)

    def events(self, run_id: UUID, *types: str) -> list[tuple[str, dict[str, Any]]]:
        """The run's log, whole and without a hole; or what it holds of some types."""
        rows = self.rows("select seq, type, data from run_events where run_id = %s order by seq", run_id)
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        return [(row["type"], row["data"]) for row in rows if not types or row["type"] in types]

    def changes(self, run_id: UUID) -> list[tuple[str, str, int]]:
        """Every change of a step that was told: key, status, attempt."""
        return [(data["key"], data["status"], data["attempt"]) for _, data in self.events(run_id, "step")]

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        with self.db.transaction(self.tenant_id) as connection:
            return connection.execute(query, parameters).fetchall()

    def write(self, query: str, *parameters: Any) -> None:
        with self.db.transaction(self.tenant_id) as connection:
            connection.execute(query, parameters)


def entry(number: int = 1, **changes: Any) -> LedgerEntry:
    """An attempt at a model that cost 15 tokens and a tenth of a cent."""
    values: dict[str, Any] = {
        "number": number, "protocol": "openai", "model": "ours:m", "input_tokens": 10, "output_tokens": 5,
        "cached_tokens": 0, "usd": Decimal("0.001"), "price_version": "tenant", "latency_ms": 5,
        "outcome": "succeeded", "started_at": datetime(2026, 11, 1, tzinfo=UTC),
    }  # fmt: skip
    return LedgerEntry(**(values | changes))


def answered(text: str, **changes: Any) -> ModelAnswer:
    return ModelAnswer(text=text, model="ours:m", calls=(entry(),), **changes)


def refused(code: str, *, retryable: bool) -> ModelFailure:
    return ModelFailure(code=code, message="no", retryable=retryable, calls=(entry(outcome="failed"),))
