"""The pipeline's tasks one by one, and a database that tells when one of them commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from task_runner import TaskRunner

from nyxcore.db.connection import Connection, Database
from nyxcore.pipelines.auto_fix.combine import combine
from nyxcore.pipelines.auto_fix.detect import detect
from nyxcore.pipelines.auto_fix.fetch import fetch
from nyxcore.pipelines.auto_fix.finish import finish
from nyxcore.pipelines.auto_fix.keys import PLAN, Plan
from nyxcore.pipelines.auto_fix.report import report
from nyxcore.pipelines.auto_fix.scan import scan
from nyxcore.pipelines.auto_fix.verify import verify
from nyxcore.pipelines.task import TaskInput
from nyxcore.runs import repository as runs_repository
from nyxcore.runs import service as runs
from nyxcore.storage import objects


class Crash(BaseException):
    """The process ends here: nothing that catches exceptions catches this."""


class WatchedDatabase(Database):
    """Calls `after_commit` with the number of each commit since `watch`, when it is done and cannot be undone."""

    begun = commits = 0
    after_commit: Callable[[int], None] | None = None

    def watch(self, after_commit: Callable[[int], None] | None) -> None:
        """Count anew."""
        self.begun = self.commits = 0
        self.after_commit = after_commit

    def crash_after(self, commit: int) -> None:
        """Count anew, and end the process after this commit."""

        def crash(number: int) -> None:
            if number == commit:
                raise Crash

        self.watch(crash)

    @contextmanager
    def transaction(self, tenant_id: UUID, *, durable: bool = True) -> Iterator[Connection]:
        self.begun += 1
        with super().transaction(tenant_id, durable=durable) as connection:
            yield connection
        self.commits += 1
        if self.after_commit is not None:
            self.after_commit(self.commits)


@dataclass(frozen=True)
class Stage:
    """One task: its name and what it works on."""

    name: str
    task: TaskInput

    def run(self, db: Database) -> None:
        """Do the work, as the function's handler does."""
        if self.name == "fetch":
            fetch(self.task)
            return
        work: dict[str, Callable[[Database, TaskInput], Any]] = {
            "scan": scan,
            "detect": detect,
            "verify": verify,
            "combine": combine,
            "report": report,
            "finish": finish,
        }
        work[self.name](db, self.task)


def stages(task: TaskInput) -> Iterator[Stage]:
    """The tasks of a run in their order; the packs are known once scan has been run."""
    yield Stage("fetch", task)
    yield Stage("scan", task)
    packs = Plan.model_validate_json(objects.get(task.key(PLAN))).packs
    for name in ("detect", "verify"):
        for pack in packs:
            yield Stage(name, task.model_copy(update={"pack": pack}))
    for name in ("combine", "report", "finish"):
        yield Stage(name, task)


def run_until(db: Database, task: TaskInput, name: str) -> Iterator[Stage]:
    """Run every task before the first one of that name; the tasks that are left, this one included."""
    left = stages(task)
    for stage in left:
        if stage.name == name:
            yield stage
            yield from left
            return
        stage.run(db)


def retry(runner: TaskRunner, run_id: UUID) -> TaskInput:
    """A retry of the run that has been started, and the input of its tasks."""
    with runner.db.transaction(runner.tenant_id) as connection:
        again = runs.retry_run(connection, runner.tenant_id, run_id, actor="test")
    with runner.db.transaction(runner.tenant_id) as connection:
        runs.start_run(connection, runner.tenant_id, again.id)
        source = runs_repository.pinned_source(connection, runner.tenant_id, again.id)
    return TaskInput(tenant_id=runner.tenant_id, run_id=again.id, source=source)
