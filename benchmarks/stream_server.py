"""The API's process as `nyx dev` runs it, or the naive one beside it: under uvicorn, with a question or two.

`python -m benchmarks.stream_server api|naive`; the first answer is asked for with `port`.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp


def _application(which: str) -> tuple[ASGIApp, Callable[[], int]]:
    """The application, and what counts its round trips to the database."""
    if which == "naive":
        from benchmarks import stream_naive

        return stream_naive.app, lambda: stream_naive.polls.count
    from api.app import app
    from nyxcore.runs.stream import stream_hub

    return app, lambda: stream_hub().ticks


def main(which: str) -> None:
    """Serve until standard input ends."""
    app, trips = _application(which)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="info", timeout_graceful_shutdown=1, server_header=False)
    )
    logging.getLogger("uvicorn.access").propagate = False

    def answer() -> None:
        for line in sys.stdin:
            question = json.loads(line)["question"]
            print(json.dumps(listener.getsockname()[1] if question == "port" else trips()), flush=True)
        server.should_exit = True

    logging.getLogger("uvicorn.access").handlers = [logging.NullHandler()]
    threading.Thread(target=answer, daemon=True).start()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
