"""Lambda's Runtime API and a streaming gateway in front of it, both on loopback, for one function process.

Written from the documentation of the Runtime API for custom runtimes and of API Gateway's response streaming.
The gateway turns an HTTP request into a proxy event, and the streamed response into a chunked HTTP response;
like the real one, it says nothing to the function when the client leaves, save that the runtime's connection
breaks when `cut_when_client_leaves` is set. `abandoned` gets each invocation whose client has been found to have left.
"""

from __future__ import annotations

import json
import queue
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SEPARATOR = b"\0" * 8


@dataclass
class Invocation:
    """One event for the function, and what comes back: ("buffered" | "error" | "data" | "end" | "broken", value)."""

    event: Any
    timeout_ms: int = 30_000
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    parts: queue.Queue[tuple[str, Any]] = field(default_factory=queue.Queue)
    headers: HTTPMessage | None = None
    client_gone: Event = field(default_factory=Event)

    def part(self) -> tuple[str, Any]:
        return self.parts.get(timeout=30)


class RuntimeApi(ThreadingHTTPServer):
    """Hands invocations to the function process and takes its answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeHandler)
        self.waiting: queue.Queue[Invocation | None] = queue.Queue()
        self.running: dict[str, Invocation] = {}
        self.init_errors: queue.Queue[dict[str, Any]] = queue.Queue()
        Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def invoke(self, event: Any, timeout_ms: int = 30_000) -> Invocation:
        invocation = Invocation(event, timeout_ms)
        self.running[invocation.id] = invocation
        self.waiting.put(invocation)
        return invocation

    def close(self) -> None:
        self.waiting.put(None)
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Tests look at answers, not at an access log."""

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _RuntimeHandler(_Handler):
    server: RuntimeApi

    def do_GET(self) -> None:
        invocation = self.server.waiting.get()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + invocation.timeout_ms),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:stream",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        }
        self.answer(200, json.dumps(invocation.event).encode(), headers)

    def do_POST(self) -> None:
        *_, owner, kind = self.path.split("/")
        if owner == "init":
            self.server.init_errors.put(json.loads(self._body()))
            self.answer(202)
            return
        invocation = self.server.running[owner]
        invocation.headers = self.headers
        if self.headers.get("Transfer-Encoding") != "chunked":
            invocation.parts.put(("error" if kind == "error" else "buffered", json.loads(self._body())))
            self.answer(202)
        elif self._relay(invocation):
            self.answer(202)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _relay(self, invocation: Invocation) -> bool:
        while line := self.rfile.readline():
            size = int(line, 16)
            if size == 0:
                trailers = {}
                while (line := self.rfile.readline().strip()) != b"":
                    name, _, value = line.decode().partition(":")
                    trailers[name] = value.strip()
                invocation.parts.put(("end", trailers))
                return True
            invocation.parts.put(("data", self.rfile.read(size)))
            self.rfile.readline()
            if invocation.client_gone.is_set():
                break
        else:
            invocation.parts.put(("broken", None))
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
        return False


class Gateway(ThreadingHTTPServer):
    """Requests in, proxy events to the function, its streamed response out."""

    daemon_threads = True

    def __init__(self, runtime: RuntimeApi) -> None:
        super().__init__(("127.0.0.1", 0), _GatewayHandler)
        self.runtime = runtime
        self.timeout_ms = 30_000
        self.cut_when_client_leaves = False
        self.abandoned: queue.Queue[Invocation] = queue.Queue()
        Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _GatewayHandler(_Handler):
    server: Gateway

    def do_GET(self) -> None:
        invocation = self.server.runtime.invoke(self._event(), self.server.timeout_ms)
        kind, value = invocation.part()
        if kind in {"buffered", "error"}:  # not in the form of a streamed response
            self.answer(502, b'{"message": "Internal server error"}')
            return
        head = value
        while SEPARATOR not in head:
            head += invocation.part()[1]
        metadata, _, rest = head.partition(SEPARATOR)
        meta = json.loads(metadata)
        self.send_response(meta["statusCode"])
        for name, header in meta["headers"].items():
            self.send_header(name, header)
        if meta["statusCode"] == 204:
            self.end_headers()
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in self._pieces(invocation, rest):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        except OSError:
            if self.server.cut_when_client_leaves:
                invocation.client_gone.set()
            self.server.abandoned.put(invocation)

    def _pieces(self, invocation: Invocation, first: bytes) -> Iterator[bytes]:
        if first:
            yield first
        while True:
            kind, value = invocation.part()
            if kind == "data":
                yield value
            elif kind == "end" and not value:
                self.wfile.write(b"0\r\n\r\n")
                return
            else:  # an error in the middle: the connection ends without the last chunk
                self.close_connection = True
                return

    def _event(self) -> dict[str, Any]:
        url = urlsplit(self.path)
        *_, family, run_id = url.path.split("/")
        return {
            "resource": "/api/v1/events/{family}/{runId}",
            "path": url.path,
            "httpMethod": "GET",
            "headers": dict(self.headers.items()),
            "queryStringParameters": dict(parse_qsl(url.query)) or None,
            "pathParameters": {"family": family, "runId": run_id},
            "requestContext": {"httpMethod": "GET", "path": url.path, "stage": "live"},
            "body": None,
            "isBase64Encoded": False,
        }
