"""Connections that stay open between requests (RFC 9112, section 9.3): werkzeug closes its own after each.

A step of a workflow makes five requests, and a connection with its thread costs as much as answering one.
"""

from __future__ import annotations

import select
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from moto.moto_server.werkzeug_app import MotoRequestHandler

type Headers = list[tuple[str, str]]

_WITHOUT_BODY: Final = {"204", "304"}
_DRAINED_AT_ONCE: Final = 1 << 20  # bytes
_STILL_SENDING: Final = 0.01  # seconds between two pieces of a body that nobody reads


class Handler(MotoRequestHandler):
    """Answers the requests of one connection by an application that reads each body, or asks to close."""

    disable_nagle_algorithm = (
        True  # or the second piece of an answer waits for the first one to be acknowledged
    )

    def run_wsgi(self) -> None:
        """Answer one request."""
        self.environ = self.make_environ()
        told: list[Any] = []
        written: list[bytes] = []

        def start_response(status: str, headers: Headers, _: Any = None, /) -> Callable[[bytes], object]:
            told[:] = status, headers
            return written.append

        try:
            pieces = self.server.app(self.environ, start_response)
            status, headers, body = *told, b"".join([*written, *pieces])
        except Exception:  # noqa: BLE001 - whatever it is, the client is to hear of it
            traceback.print_exc()
            status, headers, body = "500 Internal Server Error", [("Connection", "close")], b""
        self._send(status, headers, body)
        if self.close_connection:
            self._drain()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: a presigned link in a log is a link that works."""

    def _send(self, status: str, headers: Headers, body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if code not in _WITHOUT_BODY and not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _drain(self) -> None:
        """Take what a refused client is still sending: reset, it would not hear why."""
        with suppress(OSError):
            while select.select([self.connection], [], [], _STILL_SENDING)[0]:
                if not self.connection.recv(_DRAINED_AT_ONCE):
                    return
