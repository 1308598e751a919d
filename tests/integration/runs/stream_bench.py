"""Opens streams of a workspace's runs in this process, and reads them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from run_workspace import Workspace

from nyx.sse_parser import EventParser, ParsedEvent
from nyxcore.runs import stream
from nyxcore.runs.hub import StreamHub
from nyxcore.runs.models import Run
from nyxcore.tenancy import service as tenancy


@dataclass
class StreamBench:
    """A token of the workspace's tenant, and the hub that supplies the streams."""

    workspace: Workspace
    hub: StreamHub
    authorization: str = field(init=False)
    token_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        with self.workspace.db.transaction(self.workspace.tenant_id) as connection:
            token, text = tenancy.issue_token(
                connection, self.workspace.tenant_id, name="t", scopes=["runs:read"], created_by="system"
            )
        self.authorization, self.token_id = f"Bearer {text}", token.id

    def open(
        self,
        run_id: UUID | str,
        cursor: int | str | None = None,
        *,
        path: str = "runs",
        window: float = 0.3,
        **request: Any,
    ) -> stream.StreamResponse[Iterator[bytes]]:
        request = {"authorization": self.authorization} | request
        asked = stream.StreamRequest(
            path=path, run_id=str(run_id), last_event_id=None if cursor is None else str(cursor), **request
        )
        return stream.serve(asked, db=self.workspace.db, hub=self.hub, window_seconds=window)

    def read(self, run_id: UUID, cursor: int | str | None = None, **request: Any) -> bytes:
        """Everything that the stream sends until it closes."""
        return b"".join(self.open(run_id, cursor, **request).chunks)

    def leases(self) -> int:
        """How many places the tenant's open streams hold."""
        with self.workspace.db.transaction(self.workspace.tenant_id) as connection:
            row = connection.execute("select count(*) as n from stream_leases").fetchone()
        assert row is not None
        return int(row["n"])

    def wait_until_given_back(self) -> None:
        """Return when no stream holds a place any more."""
        while self.leases():
            time.sleep(0.01)


def events(body: bytes) -> list[tuple[int, str, Any]]:
    """`(id, type, data)` of each event in `body`."""
    return [(int(event.id), event.type, json.loads(event.data)) for event in parsed([body])]


def parsed(pieces: Iterable[bytes]) -> Iterator[ParsedEvent]:
    """The events in these pieces of one connection."""
    parser = EventParser()
    for piece in pieces:
        yield from parser.feed(piece)


def wire(run: Run) -> dict[str, object]:
    """The run as it is written in JSON."""
    return run.model_dump(mode="json", by_alias=True)


def finished(workspace: Workspace, logs: int = 2) -> Run:
    """A run that has succeeded, with so many log lines between its two status events and its `done`."""
    run = workspace.running()
    workspace.log(run.id, logs)
    ended = workspace.finish(run.id)
    assert ended is not None
    return ended
