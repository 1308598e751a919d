"""An HTTP server that sends exactly the bytes that it is told to, in the pieces and with the cuts that it is told."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).parents[2]
EVENT_STREAM = "text/event-stream"
_PAGE = b"""<!doctype html><meta charset="utf-8"><title>nyx</title>
<script type="module">import * as calls from "/files/tests/browser/engine_calls.js"; window.calls = calls;</script>"""
_TYPES = {".js": "text/javascript"}


@dataclass(frozen=True)
class Asked:
    """A request: its path, its query and its headers, their names in lower case."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What is sent. `broken`: no end of the body. Without a status the connection is reset instead."""

    status: int | None = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": EVENT_STREAM})
    pieces: tuple[bytes, ...] = ()
    pause: float = 0.0
    broken: bool = False


def static_answer(path: str) -> Answer | None:
    """The page `/page` and, below `/files/`, the modules of this repository; None for any other path."""
    if path == "/page":
        return Answer(headers={"Content-Type": "text/html"}, pieces=(_PAGE,))
    file = ROOT / path.removeprefix("/files/")
    if path.startswith("/files/") and file.suffix in _TYPES and ".." not in file.parts:
        return Answer(headers={"Content-Type": _TYPES[file.suffix]}, pieces=(file.read_bytes(),))
    return None


def read_head(connection: socket.socket) -> bytes:
    """A request up to and including its blank line, and what came with it; empty when the client left."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            return b""
        head += piece
    return head


def parsed(head: bytes) -> Asked:
    """The request that begins with these bytes."""
    first, *lines = head.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    url = urlsplit(first.split(" ")[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    return Asked(url.path, query, headers)


def reset(connection: socket.socket) -> None:
    """Close the connection as a broken one: with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def send(connection: socket.socket, answer: Answer) -> None:
    """Send the answer, each piece as a chunk of its own (RFC 9112, section 7.1)."""
    if answer.status is None:
        reset(connection)
        return
    lines = [
        f"HTTP/1.1 {answer.status} X",
        "Connection: close",
        *(f"{k}: {v}" for k, v in answer.headers.items()),
    ]
    has_body = answer.status not in {204, 205, 304}
    lines.append("Transfer-Encoding: chunked" if has_body else "X-Body: none")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    for piece in answer.pieces:
        connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        if answer.pause:
            time.sleep(answer.pause)
    if answer.broken:
        time.sleep(0.02)  # a reset may overtake what was sent before it
        reset(connection)
    elif has_body:
        connection.sendall(b"0\r\n\r\n")


class WireServer(socketserver.ThreadingTCPServer):
    """Serves on loopback: the page, the modules, and `routes`, a function of the request for each path."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.routes: dict[str, Callable[[Asked], Answer]] = {}
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        head = read_head(self.request)
        if not head:
            return
        asked = parsed(head)
        route = self.server.routes.get(asked.path)  # type: ignore[attr-defined]
        answer = route(asked) if route else static_answer(asked.path) or Answer(404, {})
        try:
            send(self.request, answer)
        except (BrokenPipeError, ConnectionResetError):
            return  # the client has left, as it may
