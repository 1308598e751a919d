"""What the stream benchmark works on: a throwaway PostgreSQL, tenants, their runs and their tokens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg

from benchmarks.stream_naive import TABLE
from nyx.postgres import Postgres, bundled_binaries, free_port
from nyxcore.db import roles
from nyxcore.db.connection import Connection, Database
from nyxcore.db.migrate import migrate
from nyxcore.ids import uuid7
from nyxcore.runs import repository, service
from nyxcore.runs.models import Event, item_events
from nyxcore.tenancy import service as tenancy

TENANTS = 20
MESSAGE = "the file was read, and nothing in it had to be changed; going on with the next"


@dataclass(frozen=True)
class Followed:
    """A running run, and who may follow it."""

    tenant_id: UUID
    run_id: UUID
    authorization: str

    @property
    def path(self) -> str:
        """The address of its stream."""
        return f"/api/v1/events/runs/{self.run_id}"


@dataclass(frozen=True)
class Tenant:
    """A tenant with one project and a token that may read its runs."""

    tenant_id: UUID
    project_id: UUID
    authorization: str


class StreamDatabase:
    """Makes tenants and runs, and counts transactions. The server's settings are those of the embedded stack."""

    def __init__(self, server: Postgres) -> None:
        roles.bootstrap(server.superuser_url, owner_password="owner", app_password="app")
        self.url = server.url(roles.APP, "app", roles.DATABASE)
        self._owner_url = server.url(roles.OWNER, "owner", roles.DATABASE)
        migrate(self._owner_url)
        self._admin = psycopg.connect(
            server.url("postgres", server.password, roles.DATABASE), autocommit=True
        )
        self._admin.execute(TABLE)
        self._tenants = [self._tenant() for _ in range(TENANTS)]

    def close(self) -> None:
        """Close the connection that counts."""
        self._admin.close()

    def runs(self, count: int) -> list[Followed]:
        """So many running runs, the tenants in turn."""
        followed = []
        database = Database(self.url)
        for number in range(count):
            tenant = self._tenants[number % TENANTS]
            with database.transaction(tenant.tenant_id) as connection:
                run_id = _running(connection, tenant)
            followed.append(Followed(tenant.tenant_id, run_id, tenant.authorization))
        database.close()
        return followed

    def finished(self, events: int) -> Followed:
        """A finished run whose log has so many events: status, findings of Python files, log lines, `done`."""
        (run,) = self.runs(1)
        database = Database(self.url)
        with database.transaction(run.tenant_id) as connection:
            logs = [Event("log", {"level": "info", "message": MESSAGE}) for _ in range(events - 13)]
            service.append(connection, run.tenant_id, run.run_id, [*logs, *_findings(run.run_id, 1000)])
        with database.transaction(run.tenant_id) as connection:
            service.finish_run(connection, run.tenant_id, run.run_id, "succeeded")
        database.close()
        return run

    def transactions(self) -> int:
        """Transactions committed in this database so far, as PostgreSQL counts them."""
        row = self._admin.execute(
            "select xact_commit from pg_stat_database where datname = current_database()"
        ).fetchone()
        assert row is not None
        return int(row[0])

    def _tenant(self) -> Tenant:
        tenant_id, project_id = uuid7(), uuid7()
        owner = Database(self._owner_url)
        with owner.tenantless() as connection:
            tenancy.create_tenant(connection, tenant_id, "bench")
            connection.execute(
                "insert into projects (tenant_id, id, name) values (%s, %s, 'bench')", (tenant_id, project_id)
            )
            _, text = tenancy.issue_token(
                connection, tenant_id, name="bench", scopes=["runs:read"], created_by="system"
            )
        owner.close()
        return Tenant(tenant_id, project_id, f"Bearer {text}")


@contextmanager
def stream_database() -> Iterator[StreamDatabase]:
    """A fresh server on disk, its writes as durable as the embedded stack's."""
    with tempfile.TemporaryDirectory(prefix="nyxcore-bench-") as folder:
        Path(folder).chmod(0o755)  # root hands the data to another user, who has to get there
        server = Postgres(bundled_binaries(), Path(folder) / "data", free_port())
        try:
            server.initdb()
            server.start()
            database = StreamDatabase(server)
            yield database
            database.close()
        finally:
            server.stop()


def _running(connection: Connection, tenant: Tenant) -> UUID:
    run_id = uuid7()
    values = {
        "kind": "auto-fix",
        "project_id": tenant.project_id,
        "repository_id": None,
        "retry_of": None,
        "source": {},
        "input": None,
        "options": {},
        "created_by": "system",
    }
    repository.insert(connection, tenant.tenant_id, run_id, values)
    repository.start(connection, tenant.tenant_id, run_id, 3600)
    return run_id


def _findings(run_id: UUID, count: int) -> list[Event]:
    """Ten events for a thousand findings, each about as long as a real one."""
    items = [
        {
            "id": str(uuid7()),
            "runId": str(run_id),
            "category": "bug",
            "severity": "high",
            "rule": "ruff:B006",
            "title": "Mutable default argument",
            "message": MESSAGE,
            "file": f"package/module_{number % 100}.py",
            "range": {"startLine": number + 1, "endLine": number + 1},
            "source": "tool",
            "state": "open",
        }
        for number in range(count)
    ]
    return item_events("findings", items)
