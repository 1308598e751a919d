"""A client that opens a stream, stops reading and stays: it must not hold a stream for ever."""

from __future__ import annotations

import socket
import time

import pytest
from stream_bench import StreamBench
from stream_server import StreamApp, serving

from nyx.ports import listen
from nyxcore.db.connection import Database
from nyxcore.runs.models import Event


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone has it")
def test_a_reader_that_stalls_loses_its_stream(bench: StreamBench, pooled: Database) -> None:
    run = bench.workspace.running()
    for _ in range(20):  # more than the buffers of a connection hold
        bench.workspace.append(run.id, Event("log", {"level": "info", "message": "m" * (1 << 20)}))
    listener = listen(0)
    assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1_000)
    with (
        serving(StreamApp(pooled, bench.hub, window_seconds=0.5), listener),
        socket.create_connection(listener.getsockname()) as stalled,
    ):
        request = f"GET /api/v1/events/runs/{run.id} HTTP/1.1\r\nHost: h\r\nLast-Event-ID: 0\r\n"
        stalled.sendall(f"{request}Authorization: {bench.authorization}\r\n\r\n".encode())
        while not bench.hub._watches:
            time.sleep(0.01)
        while bench.hub._watches:
            time.sleep(0.01)
        bench.wait_until_given_back()
