"""A stack as `nyx dev` runs it, and a run of it that many writers write to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
from wire_server import ROOT

from nyxcore.db.connection import Connection, Database
from nyxcore.runs import service
from nyxcore.runs.models import Event, RunOptions

WRITERS, BATCH, PAUSE = 8, 3, 0.05


@dataclass(frozen=True)
class LiveStack:
    """What `nyx dev --json` says when it is ready."""

    url: str
    token: str
    tenant_id: UUID
    database_url: str
    folder: Path

    def post(self, path: str, body: dict[str, object]) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.token}"}
        response = httpx.post(f"{self.url}/api/v1{path}", json=body, headers=headers, trust_env=False)
        response.raise_for_status()
        answer: dict[str, str] = response.json()
        return answer


@contextmanager
def nyx_dev(folder: Path) -> Iterator[LiveStack]:
    """A stack of its own in `folder` while the block runs."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NYX_", "AWS_"))}
    with folder.joinpath("stderr.log").open("wb") as log:
        process = subprocess.Popen(
            [ROOT / ".venv" / "bin" / "nyx", "dev", "--port", "0", "--json"],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=environment | {"NYX_HOME": str(folder / "home")},
        )
    try:
        assert process.stdout
        ready = json.loads(process.stdout.readline() or b"{}")
        assert ready, folder.joinpath("stderr.log").read_text()
        yield LiveStack(ready["url"], ready["token"], UUID(ready["tenantId"]), ready["databaseUrl"], folder)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@dataclass
class LiveRun:
    """A running run that eight writers, each with a connection of its own, add events to until it is finished."""

    stack: LiveStack
    id: UUID = field(init=False)
    last_seq: int = 0
    _enough: threading.Event = field(default_factory=threading.Event)
    _writers: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        project = self.stack.post("/projects", {"name": f"live {time.monotonic_ns()}"})
        repository = self.stack.post(
            f"/projects/{project['id']}/repositories",
            {"source": "path", "name": "live", "path": str(self.stack.folder)},
        )
        with self._transaction() as connection:
            run = service.create_run(
                connection,
                self.stack.tenant_id,
                kind="auto-fix",
                project_id=UUID(project["id"]),
                repository_id=UUID(repository["id"]),
                options=RunOptions(),
                actor="token:test",
            )
            service.start_run(connection, self.stack.tenant_id, run.id)
        self.id = run.id

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with (
            closing(Database(self.stack.database_url)) as database,
            database.transaction(self.stack.tenant_id) as connection,
        ):
            yield connection

    def begin(self) -> None:
        """Start the writers."""
        self._writers = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]
        for writer in self._writers:
            writer.start()

    def _write(self, writer: int) -> None:
        number = 0
        with closing(Database(self.stack.database_url)) as database:
            while not self._enough.wait(PAUSE):
                lines = [f"{writer}.{number}.{n} \u2028 …" for n in range(BATCH)]
                events = [Event("log", {"level": "info", "message": line}) for line in lines]
                with database.transaction(self.stack.tenant_id) as connection:
                    service.append(connection, self.stack.tenant_id, self.id, events)
                number += 1

    def end_tickets(self) -> None:
        """Make every ticket of the run worthless, as if it had expired."""
        with self._transaction() as connection:
            connection.execute("update stream_tickets set expires_at = now() where run_id = %s", (self.id,))

    def finish(self) -> None:
        """Stop the writers and end the run."""
        self.stop()
        with self._transaction() as connection:
            ended = service.finish_run(connection, self.stack.tenant_id, self.id, "succeeded")
        assert ended is not None
        self.last_seq = ended.last_seq

    def stop(self) -> None:
        """Stop the writers."""
        self._enough.set()
        for writer in self._writers:
            writer.join()
