"""A tenant with a project and a repository, and short words for what happens to its runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from nyxcore.db.connection import Database
from nyxcore.ids import uuid7
from nyxcore.runs import service
from nyxcore.runs.models import Event, Run, RunOptions


@dataclass
class Workspace:
    """A tenant with one project and one repository on a path."""

    db: Database
    tenant_id: UUID
    project_id: UUID = field(default_factory=uuid7)
    repository_id: UUID = field(default_factory=uuid7)

    def __post_init__(self) -> None:
        with self.db.transaction(self.tenant_id) as connection:
            connection.execute(
                "insert into projects (tenant_id, id, name) values (%s, %s, 'demo')",
                (self.tenant_id, self.project_id),
            )
        self.add_repository(self.repository_id, source="path", path="/srv/demo")

    def add_repository(self, repository_id: UUID, *, source: str, path: str | None = None) -> None:
        with self.db.transaction(self.tenant_id) as connection:
            connection.execute(
                "insert into repositories (tenant_id, id, project_id, source, name, path)"
                " values (%s, %s, %s, %s, 'demo', %s)",
                (self.tenant_id, repository_id, self.project_id, source, path),
            )

    def create(self, **changes: object) -> Run:
        arguments = {
            "kind": "auto-fix",
            "project_id": self.project_id,
            "repository_id": self.repository_id,
            "options": RunOptions(),
            "actor": "token:test",
        } | changes
        with self.db.transaction(self.tenant_id) as connection:
            return service.create_run(connection, self.tenant_id, **arguments)  # type: ignore[arg-type]

    def running(self) -> Run:
        run = self.create()
        with self.db.transaction(self.tenant_id) as connection:
            started = service.start_run(connection, self.tenant_id, run.id)
        assert started is not None
        return started

    def wait(self, run_id: UUID) -> Run | None:
        with self.db.transaction(self.tenant_id) as connection:
            return service.begin_waiting(connection, self.tenant_id, run_id)

    def resume(self, run_id: UUID) -> Run | None:
        with self.db.transaction(self.tenant_id) as connection:
            return service.resume_run(connection, self.tenant_id, run_id)

    def get(self, run_id: UUID) -> Run:
        with self.db.transaction(self.tenant_id) as connection:
            return service.get_run(connection, self.tenant_id, run_id)

    def append(self, run_id: UUID, *events: Event, **columns: object) -> int:
        with self.db.transaction(self.tenant_id) as connection:
            return service.append(connection, self.tenant_id, run_id, events, **columns)  # type: ignore[arg-type]

    def log(self, run_id: UUID, count: int, *, start: int = 0) -> int:
        events = [Event("log", {"level": "info", "message": f"m{start + n}"}) for n in range(count)]
        return self.append(run_id, *events)

    def finish(self, run_id: UUID, status: str = "succeeded", **more: object) -> Run | None:
        with self.db.transaction(self.tenant_id) as connection:
            return service.finish_run(connection, self.tenant_id, run_id, status, **more)  # type: ignore[arg-type]

    def events(self, run_id: UUID) -> list[tuple[int, str, dict[str, object]]]:
        with self.db.transaction(self.tenant_id) as connection:
            rows = connection.execute(
                "select seq, type, data from run_events where run_id = %s order by seq", (run_id,)
            ).fetchall()
        return [(row["seq"], row["type"], row["data"]) for row in rows]

    def execute(self, statement: str, *values: object) -> None:
        with self.db.transaction(self.tenant_id) as connection:
            connection.execute(statement, values)
