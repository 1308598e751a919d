"""The built stream function on a run that goes on, under the emulator of Lambda's runtime."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from built_functions import BuiltFunction, Emulator, event
from deployment import Deployment
from test_built_functions import body, with_token
from test_built_pipeline import Client, upload

from nyx.sse_parser import EventParser
from nyxcore.db.connection import Database
from nyxcore.runs import service
from nyxcore.runs.models import Event

SECONDS = 8  # of which the function keeps five for closing


@dataclasses.dataclass(frozen=True)
class LiveRun:
    """A run of the built API, and what its tasks would write."""

    db: Database
    tenant_id: UUID
    run_id: UUID
    token: str

    def log(self, message: str) -> None:
        with self.db.transaction(self.tenant_id) as connection:
            service.append(
                connection, self.tenant_id, self.run_id, [Event("log", {"level": "info", "message": message})]
            )

    def finish(self) -> None:
        with self.db.transaction(self.tenant_id) as connection:
            service.finish_run(connection, self.tenant_id, self.run_id, "succeeded")

    def request(self, cursor: str | None) -> dict[str, Any]:
        sample = with_token(event("StreamFunction"), self.token)
        sample["path"] = f"/api/v1/events/runs/{self.run_id}"
        sample["pathParameters"]["runId"] = str(self.run_id)
        for headers in (sample["headers"], sample["multiValueHeaders"]):
            headers.pop("Last-Event-ID", None)
        if cursor is not None:
            sample["headers"]["Last-Event-ID"] = cursor
        return sample


@pytest.fixture
def run(deployment: Deployment) -> Iterator[LiveRun]:
    tenant_id, token = deployment.new_tenant()
    client = Client(deployment, token)
    project, repository = upload(client)
    draft = {"kind": "auto-fix", "projectId": project, "repositoryId": repository}
    queued = body(client.call("POST", "/runs", draft))
    with closing(Database(deployment.app_url)) as db:
        yield LiveRun(db, tenant_id, UUID(queued["id"]), token)


def read(metadata: dict[str, Any], streamed: bytes) -> list[tuple[int, str]]:
    assert metadata["statusCode"] == 200
    assert streamed.endswith(b"\n\n") or streamed.startswith(b"retry: ")
    return [(int(found.id), found.type) for found in EventParser().feed(streamed)]


def test_what_happens_while_the_built_function_streams_is_in_its_answer_up_to_done(
    deployment: Deployment, run: LiveRun
) -> None:
    timers = [threading.Timer(0.4 * n, run.log, [str(n)]) for n in (1, 2, 3)]
    timers.append(threading.Timer(1.6, run.finish))
    for timer in timers:
        timer.start()
    found = read(*deployment.stream(run.request(None)))
    first = found[0][0]
    assert found == [(first, "snapshot"), *((first + n, "log") for n in (1, 2, 3)), (first + 4, "done")]
    metadata, streamed = deployment.stream(run.request(str(first + 4)))
    assert (metadata["statusCode"], streamed) == (204, b"")


def test_the_built_function_closes_before_lambda_ends_it_and_goes_on_at_the_cursor(
    deployment: Deployment,
    functions: dict[str, BuiltFunction],
    runtime: Path,
    run: LiveRun,
    tmp_path: Path,
) -> None:
    impatient = dataclasses.replace(functions["StreamFunction"], timeout=SECONDS)
    seen: list[tuple[int, str]] = []
    with Emulator(
        impatient, deployment.resolved, aws=deployment.endpoint, runtime=runtime, logs=tmp_path / "log"
    ) as function:
        for message in ("one", "two"):
            run.log(message)
            answer = function.invoke_raw(run.request(str(seen[-1][0]) if seen else "0"))
            metadata, _, streamed = answer.partition(b"\0" * 8)
            assert b'"statusCode": 200' in metadata, function.logs()
            seen += [(int(found.id), found.type) for found in EventParser().feed(streamed)]
    assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
    assert [kind for _, kind in seen][-2:] == ["log", "log"]
