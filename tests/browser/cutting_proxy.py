"""A TCP proxy on loopback that breaks streams at any byte, in the head of the answer too.

It serves the page of wire_server.py itself, so that what it forwards is of the page's origin. It shortens the wait
of `retry: 1000`, so that hundreds of cuts fit into seconds.
"""

from __future__ import annotations

import random
import socket
import socketserver
import threading
import time
from urllib.parse import urlsplit

from wire_server import Asked, parsed, read_head, reset, send, static_answer

_STREAMS = "/api/v1/events/"
_LONGEST = 1500  # bytes that a connection may carry at most before it is cut

_BEFORE_RESET = 0.005  # seconds; a reset overtakes what was sent right before it


class CuttingProxy(socketserver.ThreadingTCPServer):
    """Forwards to `upstream`; cuts the first `cuts` answers of streams, half of them with RST, half with FIN.

    Of the cuts in an answer's head, `half_heads` is the share that ends with FIN. Over plain HTTP Chromium takes
    such a head for a whole one: without its type EventSource alone gives up, without the `retry` behind it it waits
    for 3 s. (Over TLS it is an error that passes, so that this concerns loopback alone.)

    Attributes
    ----------
    asked, statuses : each request for a stream, and the statuses of the answers whose first line got through.
    cut_in_head : how many answers were cut before the end of their head.
    half_way, exhausted : set once half of the cuts, and all of them, have been made.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, upstream: str, cuts: int, *, seed: int, half_heads: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        url = urlsplit(upstream)
        self.upstream = (str(url.hostname), int(url.port or 80))
        self.asked: list[Asked] = []
        self.statuses: list[int] = []
        self.cut_in_head = 0
        self.half_way = threading.Event()
        self.exhausted = threading.Event()
        self._half = cuts // 2
        self._half_heads = half_heads
        self._left = cuts
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def budget(self) -> int | None:
        """Bytes after which the next connection is cut; None where no more are."""
        with self._lock:
            return self._chance.randrange(1, _LONGEST) if self._left else None

    def count(self, *, in_head: bool) -> bool:
        """Count a cut; whether it is to be a reset."""
        with self._lock:
            self._left = max(0, self._left - 1)
            self.cut_in_head += in_head
            if self._left <= self._half:
                self.half_way.set()
            if not self._left:
                self.exhausted.set()
            return self._chance.random() >= (self._half_heads if in_head else 0.5)


class _Handler(socketserver.BaseRequestHandler):
    server: CuttingProxy

    def handle(self) -> None:
        head = read_head(self.request)
        if not head:
            return
        asked = parsed(head)
        if (answer := static_answer(asked.path)) is not None:
            send(self.request, answer)
            return
        streams = asked.path.startswith(_STREAMS) and head.startswith(b"GET ")
        if streams:
            self.server.asked.append(asked)
        with socket.create_connection(self.server.upstream) as upstream:
            upstream.sendall(_closing(head))
            length = int(asked.headers.get("content-length", 0))
            there = len(head.partition(b"\r\n\r\n")[2])
            while there < length:
                piece = self.request.recv(65536)
                there += len(piece)
                upstream.sendall(piece)
            try:
                self._answer(upstream, self.server.budget() if streams else None, streams)
            except (BrokenPipeError, ConnectionResetError):
                return  # the client has left, as it may

    def _answer(self, upstream: socket.socket, budget: int | None, streams: bool) -> None:
        passed = b""
        sent = 0
        while piece := upstream.recv(65536):
            piece = piece.replace(b"retry: 1000\n", b"retry: 0005\n")
            allowed = piece if budget is None else piece[: budget - sent]
            self.request.sendall(allowed)
            sent += len(allowed)
            if streams and b"\r\n\r\n" not in passed:
                passed += allowed
            if sent == budget:
                break
        if streams and b"\r\n" in passed:
            self.server.statuses.append(int(passed.split(b" ")[1]))
        if sent == budget and self.server.count(in_head=b"\r\n\r\n" not in passed):
            time.sleep(_BEFORE_RESET)
            reset(self.request)


def _closing(head: bytes) -> bytes:
    """The request, asking that the connection be closed after the answer, so that each carries one."""
    lines, blank, body = head.partition(b"\r\n\r\n")
    kept = [line for line in lines.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close"]) + blank + body
