"""The process of the stream's clients: many connections held open, and when which event came.

`time.monotonic` is one clock for all processes of a machine, so that its readings here and at the writers compare.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field
from typing import Any

_KEY = re.compile(rb'"message": ?"(k[0-9-]+)')


@dataclass
class Client:
    """One open stream."""

    target: tuple[str, str]
    arrivals: list[tuple[str, float]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Clients:
    """The open streams of the process."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._clients: list[Client] = []
        self._opening = asyncio.Semaphore(40)

    async def open(self, targets: list[tuple[str, str]], spread: float) -> int:
        """Open a stream of each `(path, authorization)`, over `spread` seconds; returns when all have answered."""
        clients = [Client(target) for target in targets]
        pauses = [spread * number / len(targets) for number in range(len(targets))]
        await asyncio.gather(*map(self._open, clients, pauses))
        self._clients += clients
        return len(self._clients)

    async def arrivals(self) -> list[list[tuple[str, float]]]:
        """What each stream has got since it was opened; raises when a stream has ended."""
        if ended := sum(client.task is not None and client.task.done() for client in self._clients):
            raise RuntimeError(f"{ended} streams have ended in the middle of the measurement")
        return [client.arrivals for client in self._clients]

    async def close(self) -> int:
        """Close all of them."""
        tasks = [client.task for client in self._clients if client.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._clients = []
        return len(tasks)

    async def rotate(self, rate: float, seconds: float) -> int:
        """End so many streams a second, in turn, and open each again a second later, as after its window; how many."""
        opening = []
        for number in range(round(rate * seconds)):
            client = self._clients[number % len(self._clients)]
            if client.task is not None:
                client.task.cancel()
                await asyncio.wait([client.task])
            client.task = None
            opening.append(asyncio.create_task(self._open(client, 1.0)))
            await asyncio.sleep(1 / rate)
        await asyncio.gather(*opening)
        return len(opening)

    async def first_byte(self, path: str, authorization: str, times: int) -> list[float]:
        """Seconds from before the connection is made to the first byte of the body; one after the other."""
        return [await self._timed(path, authorization, b"\n") for _ in range(times)]

    async def replay(self, path: str, authorization: str, times: int) -> list[float]:
        """Seconds from before the connection is made to the event `done`."""
        return [await self._timed(path, authorization, b"event: done") for _ in range(times)]

    async def _open(self, client: Client, pause: float) -> None:
        await asyncio.sleep(pause)
        async with self._opening:
            reader, writer = await self._request(*client.target)
        client.task = asyncio.create_task(_follow(client, reader, writer))

    async def _timed(self, path: str, authorization: str, until: bytes) -> float:
        started = time.monotonic()
        reader, writer = await self._request(path, authorization)
        body = b""
        while until not in body:
            body += await _chunk(reader)
        taken = time.monotonic() - started
        writer.close()
        await asyncio.sleep(0.02)
        return taken

    async def _request(
        self, path: str, authorization: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: text/event-stream"]
        writer.write("\r\n".join([*lines, f"Authorization: {authorization}", "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise RuntimeError(f"{path} was answered with {head!r}")
        return reader, writer


async def _follow(client: Client, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    rest = b""
    try:
        while chunk := await _chunk(reader):
            now = time.monotonic()
            whole, _, rest = (rest + chunk).rpartition(b"\n")
            client.arrivals += [(key.decode(), now) for key in _KEY.findall(whole)]
    finally:
        writer.close()


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    """One chunk of a body (RFC 9112, section 7.1); empty at its end."""
    size = int(await reader.readline() or b"0", 16)
    return (await reader.readexactly(size + 2))[:-2]


async def main(port: int) -> None:
    """Do what is asked on standard input until it ends."""
    clients = Clients(port)
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked: dict[str, Any] = json.loads(line)
        answer = await getattr(clients, asked.pop("question"))(**asked)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
