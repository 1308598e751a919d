"""The stream over real HTTP: uvicorn on loopback, with nothing in front of `serve_async`."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.responses import StreamingResponse

from nyxcore.db.connection import Database
from nyxcore.errors import NyxError
from nyxcore.runs import stream
from nyxcore.runs.hub import StreamHub


class StreamApp:
    """An ASGI application that serves `/api/v1/events/<path>/<run id>`."""

    def __init__(self, db: Database, hub: StreamHub, window_seconds: float) -> None:
        self._db, self._hub, self._window_seconds = db, hub, window_seconds

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qs(scope["query_string"].decode())
        *_, path, run_id = scope["path"].split("/")
        request = stream.StreamRequest(
            path,
            run_id,
            authorization=headers.get("authorization"),
            ticket=query.get("ticket", [None])[0],
            last_event_id=headers.get("last-event-id"),
            query_cursor=query.get("lastEventId", [None])[0],
        )
        try:
            response = await stream.serve_async(
                request, db=self._db, hub=self._hub, window_seconds=self._window_seconds
            )
        except NyxError as error:
            await send({"type": "http.response.start", "status": error.status, "headers": []})
            await send({"type": "http.response.body", "body": error.message.encode()})
            return
        answer = StreamingResponse(response.chunks, response.status, dict(response.headers))
        await answer(scope, receive, send)


@contextmanager
def serving(app: StreamApp, listener: socket.socket | None = None) -> Iterator[str]:
    """The origin at which the application is served while the block runs; on `listener` where one is given."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", ws="none", log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=(None if listener is None else [listener],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
