"""The application on a real database and moto's S3, and tenants to call it as."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import psycopg
from psycopg.rows import dict_row
from starlette.applications import Starlette

from nyxcore import clock
from nyxcore.db.connection import Connection, Database
from nyxcore.findings import repository as findings
from nyxcore.findings.models import Evidence, FindingRow, FixRow, Settlement
from nyxcore.ids import uuid7
from nyxcore.reports import repository as reports
from nyxcore.reports.models import Report, Style
from nyxcore.runs import service as runs
from nyxcore.runs.models import FinalStatus
from nyxcore.steps import engine
from nyxcore.storage import objects
from nyxcore.tenancy import service as tenancy
from nyxcore.tenancy.models import SCOPES, ApiToken, Scope

PATCH = b"--- a/pkg/a.py\n+++ b/pkg/a.py\n@@ -1 +1 @@\n-x\n+y\n"


class Http:
    """A client of an application in this process: its event loop has a thread of its own, so calls may race."""

    def __init__(self, app: Starlette) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="https://nyx.example", trust_env=False)
        self._lifespan = app.router.lifespan_context(app)
        self._wait_for(self._lifespan.__aenter__())

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._wait_for(self._client.request(method, path, **options))

    def close(self) -> None:
        self._wait_for(self._client.aclose())
        self._wait_for(self._lifespan.__aexit__(None, None, None))
        self._wait_for(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait_for[T](self, task: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(task, self._loop).result(60)


@dataclass
class Caller:
    """Somebody with a token of a tenant."""

    http: Http
    tenant_id: UUID
    token: str
    issued: ApiToken

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return self.http.request(method, f"/api/v1{path}", headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: object = None, **options: Any) -> httpx.Response:
        return self.call("POST", path, **({} if body is None else {"json": body}), **options)

    def made(self, path: str, body: object) -> Any:
        response = self.post(path, body)
        assert response.status_code in {200, 201, 202}, response.text
        return response.json()


@dataclass
class Stack:
    """The application's database, and what a test needs to fill it."""

    http: Http
    owner_url: str
    db: Database

    def tenant(self, name: str = "tenant") -> Caller:
        """A new tenant, called with a token of every scope."""
        tenant_id = uuid7()
        with self.owner() as connection:
            tenancy.create_tenant(connection, tenant_id, name)
        return self.caller(tenant_id)

    def owner(self) -> Connection:
        """A connection as the role that owns the schema; use it as a context manager."""
        return psycopg.connect(self.owner_url, row_factory=dict_row)

    def caller(
        self,
        tenant_id: UUID,
        scopes: Sequence[Scope] = SCOPES,
        project_id: UUID | None = None,
        expires_at: datetime | None = None,
    ) -> Caller:
        """Somebody with a token of these scopes."""
        with self.db.transaction(tenant_id) as connection:
            issued, text = tenancy.issue_token(
                connection,
                tenant_id,
                name="test",
                scopes=scopes,
                project_id=project_id,
                expires_at=expires_at,
                created_by="test",
            )
        return Caller(self.http, tenant_id, text, issued)

    def execute(self, tenant_id: UUID, statement: str, *values: object) -> list[dict[str, Any]]:
        with self.db.transaction(tenant_id) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def finish(self, tenant_id: UUID, run_id: UUID, status: FinalStatus = "succeeded") -> None:
        with self.db.transaction(tenant_id) as connection:
            runs.finish_run(connection, tenant_id, run_id, status)

    def open(self, tenant_id: UUID, run_id: UUID) -> None:
        """Let a queued run of a workflow begin; what needs an execution stays where it is."""
        with self.db.transaction(tenant_id) as connection:
            runs.start_run(connection, tenant_id, run_id)
        engine.open_run(self.db, tenant_id, run_id)

    def find(self, tenant_id: UUID, run_id: UUID, count: int = 2) -> list[UUID]:
        """Findings of the run; the first is fixed, the others are left. Their ids."""
        with self.db.transaction(tenant_id) as connection:
            rows = [finding_row(position) for position in range(count)]
            fix = fix_row(0)
            findings.insert_findings(connection, tenant_id, run_id, rows)
            findings.insert_fixes(connection, tenant_id, run_id, [fix])
            settled = [Settlement(rows[0].id, "fixed", None, fix.id)]
            settled += [Settlement(row.id, "no_fix", "no tool knows one") for row in rows[1:]]
            findings.settle_findings(connection, tenant_id, run_id, settled)
            runs.append(connection, tenant_id, run_id, [], counts={"findings": count, "fixed": 1})
        return [row.id for row in rows]

    def report(
        self, tenant_id: UUID, run: dict[str, Any], content: str = "# Report\n", style: Style = "technical"
    ) -> Report:
        """A report on the run, as the pipeline keeps it."""
        with self.db.transaction(tenant_id) as connection:
            return reports.insert(
                connection,
                tenant_id,
                project_id=UUID(run["projectId"]),
                run_id=UUID(run["id"]),
                type=run["kind"],
                style=style,
                language="en",
                title="demo · Auto-fix · 2026-11-23",
                content=content,
                created_at=clock.now(),
            )


@dataclass(frozen=True)
class World:
    """A tenant with one of everything."""

    caller: Caller
    project: dict[str, Any]
    repository: dict[str, Any]
    run: dict[str, Any]
    finding_id: UUID
    report: Report
    token_id: UUID
    persona: dict[str, Any]
    team: dict[str, Any]
    workflow: dict[str, Any]
    waiting: dict[str, Any]

    def path(self, template: str) -> str:
        """The path of an operation with this tenant's ids in it."""
        ids = {
            "projectId": self.project["id"],
            "repositoryId": self.repository["id"],
            "runId": (self.waiting if "{key}" in template else self.run)["id"],
            "findingId": self.finding_id,
            "reportId": self.report.id,
            "tokenId": self.token_id,
            "workflowId": self.workflow["id"],
            "key": "ask",
            "part": 0,
            "personaId": self.persona["id"],
            "teamId": self.team["id"],
            "builtInId": self.team["members"][1]["personaId"],
            "kind": "auto-fix",
            "name": "openai",
        }
        return template.removeprefix("/api/v1").format(**ids)


def world(stack: Stack, *, finished: bool = True, waiting: bool = False) -> World:
    """A new tenant with a project, an uploaded archive, a run with findings, a fix and a report, a persona, a team."""
    caller = stack.tenant()
    project = caller.made("/projects", {"name": "demo"})
    repository = caller.made(f"/projects/{project['id']}/repositories", {"source": "archive", "name": "demo"})
    run = queued_run(stack, caller, project["id"], repository["id"])
    run_id = UUID(run["id"])
    ids = stack.find(caller.tenant_id, run_id)
    report = stack.report(caller.tenant_id, run)
    objects.put(objects.run_key(caller.tenant_id, run_id, "fixes.patch"), PATCH)
    if finished:
        stack.finish(caller.tenant_id, run_id)
    spare = stack.caller(caller.tenant_id, ["runs:read"])
    persona = caller.made("/personas", {"name": "Ours", "category": "other", "prompt": "You are ours."})
    built_in = caller.get("/personas").json()["groups"][0]["personas"][0]
    team = caller.made("/teams", {"name": "Ours", "personaIds": [persona["id"], built_in["id"]]})
    draft = {"name": "Ours", "goal": "Ours.", "steps": [{"key": "ask", "type": "review"}]}
    workflow = caller.made("/workflows", draft)
    asked = run
    if waiting:
        draft = {"kind": "workflow", "projectId": project["id"], "workflowId": workflow["id"]}
        asked = caller.made("/runs", draft)
        stack.open(caller.tenant_id, UUID(asked["id"]))
        stack.execute(
            caller.tenant_id,
            "insert into run_step_calls (tenant_id, run_id, key, part, label, model, status)"
            " values (%s, %s, 'ask', 0, 'asked', 'offline', 'succeeded')",
            caller.tenant_id,
            asked["id"],
        )
    return World(
        caller, project, repository, run, ids[0], report, spare.issued.id, persona, team, workflow, asked
    )


def queued_run(stack: Stack, caller: Caller, project_id: str, repository_id: str) -> dict[str, Any]:
    """A run of the repository, whose archive is there afterwards."""
    caller.made(f"/repositories/{repository_id}/archive", {"filename": "demo.tar.gz"})
    row = stack.execute(caller.tenant_id, "select archive_key from repositories where id = %s", repository_id)
    objects.put(row[0]["archive_key"], b"an archive")
    run: dict[str, Any] = caller.made(
        "/runs", {"kind": "auto-fix", "projectId": project_id, "repositoryId": repository_id}
    )
    return run


def finding_row(position: int, **changes: Any) -> FindingRow:
    values: dict[str, Any] = {
        "id": uuid7(),
        "position": position,
        "category": "security",
        "severity": "high",
        "rule": "ruff:S602",
        "title": "Shell",
        "message": "subprocess call with shell=True",
        "file": "pkg/a.py",
        "start_line": position + 1,
        "end_line": position + 1,
        "source": "ruff",
        "fingerprint": f"{position:064x}",
    }
    return FindingRow(**(values | changes))


def fix_row(position: int, **changes: Any) -> FixRow:
    values: dict[str, Any] = {
        "id": uuid7(),
        "position": position,
        "file": "pkg/a.py",
        "base_sha256": b"\1" * 32,
        "edits": [{"start": 0, "end": 1, "text": "x"}],
        "diff": "--- a/pkg/a.py\n+++ b/pkg/a.py\n",
        "explanation": "Runs without a shell.",
        "safe": True,
        "evidence": [Evidence(check="reparses", ok=True, detail="the file still parses")],
    }
    return FixRow(**(values | changes))
