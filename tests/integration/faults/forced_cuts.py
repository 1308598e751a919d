"""A client whose connections are cut after any number of bytes, in the headers, inside a line or between events."""

from __future__ import annotations

import random
import socket
import struct
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import h11

from nyx.sse_parser import EventParser, ParsedEvent

LONGEST = 3000  # bytes of a connection that is cut: the headers and some thirty events
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: the end of the connection is a reset


@dataclass
class CutClient:
    """Reads one run with the id of the last event that it has seen whole, as EventSource does.

    Attributes
    ----------
    seen : the events of all connections, in the order in which they came.
    """

    url: str
    authorization: str
    chance: random.Random
    last_event_id: str = "0"
    seen: list[ParsedEvent] = field(default_factory=list)

    def read_and_cut(self) -> None:
        """One connection that ends after a random number of bytes, half of them with a reset."""
        self._read(self.chance.randrange(1, LONGEST))

    def read_to_the_end(self) -> int:
        """Connections until the server says that nothing follows; the status with which it says so."""
        while (status := self._read(None)) == 200:
            continue
        return status

    def _read(self, budget: int | None) -> int:
        with self._connected() as connection:
            raw = _receive(connection, budget)
            if self.chance.random() < 0.5:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        status, body = _answer(raw)
        parser = EventParser(self.last_event_id)
        self.seen += parser.feed(body)
        self.last_event_id = parser.last_event_id
        return status

    def _connected(self) -> socket.socket:
        address = urlsplit(self.url)
        assert address.hostname and address.port
        connection = socket.create_connection((address.hostname, address.port), timeout=60)
        request = h11.Request(
            method="GET",
            target=address.path,
            headers=[
                ("Host", address.netloc),
                ("Authorization", self.authorization),
                ("Last-Event-ID", self.last_event_id),
                ("Connection", "close"),
            ],
        )
        connection.sendall(h11.Connection(h11.CLIENT).send(request) or b"")
        return connection


def _receive(connection: socket.socket, budget: int | None) -> bytes:
    received = bytearray()
    while budget is None or len(received) < budget:
        piece = connection.recv(1 << 16 if budget is None else budget - len(received))
        if not piece:
            break
        received += piece
    return bytes(received)


def _answer(raw: bytes) -> tuple[int, bytes]:
    """Status (0 when not even the headers came) and as much of the body as there is."""
    protocol, status, body = h11.Connection(h11.CLIENT), 0, bytearray()
    protocol.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    protocol.send(h11.EndOfMessage())
    protocol.receive_data(raw)
    while not isinstance(event := protocol.next_event(), type(h11.NEED_DATA) | h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
    return status, bytes(body)
