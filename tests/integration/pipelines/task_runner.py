"""Runs the pipeline's tasks in their order."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Database
from nyxcore.ids import uuid7
from nyxcore.pipelines.auto_fix.combine import combine
from nyxcore.pipelines.auto_fix.detect import detect
from nyxcore.pipelines.auto_fix.fetch import fetch
from nyxcore.pipelines.auto_fix.finish import finish
from nyxcore.pipelines.auto_fix.report import report
from nyxcore.pipelines.auto_fix.scan import scan
from nyxcore.pipelines.auto_fix.verify import verify
from nyxcore.pipelines.task import TaskInput
from nyxcore.runs import repository as runs_repository
from nyxcore.runs import service as runs
from nyxcore.runs.models import RunOptions
from nyxcore.storage import objects


class TaskRunner:
    """One tenant's project with a repository on disk."""

    def __init__(self, db: Database, tenant_id: UUID, folder: Path) -> None:
        self.db = db
        self.tenant_id = tenant_id
        self.tree = folder / "repo"
        self.tree.mkdir()
        self.project_id, self.repository_id = uuid7(), uuid7()
        with db.transaction(tenant_id) as connection:
            connection.execute(
                "insert into projects (tenant_id, id, name) values (%s, %s, 'Shop')",
                (tenant_id, self.project_id),
            )
            connection.execute(
                "insert into repositories (tenant_id, id, project_id, source, name, path)"
                " values (%s, %s, %s, 'path', 'shop', %s)",
                (tenant_id, self.repository_id, self.project_id, str(self.tree)),
            )

    def write(self, files: dict[str, str | bytes]) -> None:
        """Put files into the repository."""
        for name, content in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def start(self, **options: Any) -> TaskInput:
        """A running run, and the input of its tasks."""
        with self.db.transaction(self.tenant_id) as connection:
            run = runs.create_run(
                connection, self.tenant_id, kind="auto-fix", project_id=self.project_id,
                repository_id=self.repository_id, options=RunOptions(**options), actor="test",
            )  # fmt: skip
        with self.db.transaction(self.tenant_id) as connection:
            runs.start_run(connection, self.tenant_id, run.id)
            source = runs_repository.pinned_source(connection, self.tenant_id, run.id)
        return TaskInput(tenant_id=self.tenant_id, run_id=run.id, source=source)

    def run(self, task: TaskInput, *, times: int = 1) -> None:
        """Every task, each so many times in a row."""

        def each(work: Callable[[], Any]) -> Any:
            return [work() for _ in range(times)][-1]

        each(lambda: fetch(task))
        packs = each(lambda: scan(self.db, task))["packs"]
        for stage in (detect, verify):
            for pack in packs:
                of_pack = task.model_copy(update={"pack": pack})
                each(lambda stage=stage, of_pack=of_pack: stage(self.db, of_pack))
        for last in (combine, report, finish):
            each(lambda last=last: last(self.db, task))

    def whole_run(self, *, times: int = 1, **options: Any) -> UUID:
        """A run from start to end; its id."""
        task = self.start(**options)
        self.run(task, times=times)
        return task.run_id

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """What a query of this tenant gives."""
        with self.db.transaction(self.tenant_id) as connection:
            return connection.execute(query, parameters).fetchall()

    def patch(self, run_id: UUID) -> bytes:
        """The run's patch."""
        return objects.get(objects.run_key(self.tenant_id, run_id, "fixes.patch"))

    def apply(self, run_id: UUID) -> None:
        """`git apply` the run's patch to the repository."""
        subprocess.run(
            ["git", "apply", "-"], cwd=self.tree, input=self.patch(run_id), check=True,
            env={"GIT_CEILING_DIRECTORIES": str(self.tree.parent), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
