"""The `api` child of the stack: API, stream and docs on one port, under uvicorn."""

from __future__ import annotations

import importlib
import logging
import socket
import sys
from typing import Any, Final

import uvicorn

from nyx.children import Supervisor
from nyxcore.runs.stream import end_streams

_GRACE: Final = 1  # seconds that answers under way get when the stack stops
_PATH: Final = 2  # among the arguments of uvicorn's access log: client, method, path, version, status


class _WithoutQuery(logging.Filter):
    """Tickets and cursors stand in query strings: those are never logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) > _PATH:
            arguments = list(record.args)
            arguments[_PATH] = str(arguments[_PATH]).partition("?")[0]
            record.args = tuple(arguments)
        return True


class _Server(uvicorn.Server):
    """Tells the supervisor when requests are answered, and open streams when they are to end."""

    def __init__(self, config: uvicorn.Config, supervisor: Supervisor) -> None:
        super().__init__(config)
        self._supervisor = supervisor

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._supervisor.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        end_streams()  # first: uvicorn waits for them, and cuts them off after that
        await super().shutdown(sockets)


def main() -> None:
    """Serve until the supervisor ends this process."""
    supervisor = Supervisor()
    settings = supervisor.configuration
    sys.path[:0] = settings["import_roots"]
    module, _, name = settings["app"].partition(":")
    app: Any = getattr(importlib.import_module(module), name)  # while the database is being prepared
    supervisor.wait_for_go()
    config = uvicorn.Config(
        app,
        log_level="info",
        timeout_graceful_shutdown=_GRACE,
        server_header=False,
        proxy_headers=False,
    )
    logging.getLogger("uvicorn.access").addFilter(_WithoutQuery())
    listener = socket.socket(fileno=settings["socket"])
    _Server(config, supervisor).run(sockets=[listener])


if __name__ == "__main__":
    main()
