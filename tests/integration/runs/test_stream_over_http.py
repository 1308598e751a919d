"""The stream over real connections: followed to its end, left by the client, closed by the server."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from stream_bench import StreamBench
from stream_server import StreamApp, serving

from nyx.events import follow
from nyxcore.db.connection import Database


@pytest.fixture
def origin(pooled: Database, bench: StreamBench) -> Iterator[str]:
    with serving(StreamApp(pooled, bench.hub, window_seconds=30.0)) as origin:
        yield origin
    assert bench.hub._watches == set()


def test_the_client_follows_a_run_through_every_closing_to_its_done(bench: StreamBench, origin: str) -> None:
    workspace = bench.workspace
    run = workspace.running()
    token = bench.authorization.removeprefix("Bearer ")
    reasons: list[str] = []
    found = []
    for event in follow(origin, token, run.id, on_reconnect=reasons.append, sleep=lambda _: None):
        found.append((event.id, event.type))
        if event.type == "snapshot":
            workspace.log(run.id, 1)
        elif event.id == 3:
            workspace.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                " and usename = current_user and datname = current_database() and state = 'idle'"
            )
            workspace.log(run.id, 1)
        elif event.id == 4:
            workspace.finish(run.id)
    assert found == [(2, "snapshot"), (3, "log"), (4, "log"), (5, "done")]
    assert list(follow(origin, token, run.id, after=5)) == []
    assert [event.id for event in follow(origin, token, run.id, after=0)] == [1, 2, 3, 4, 5]


def test_a_client_that_leaves_is_forgotten_at_once(bench: StreamBench, origin: str) -> None:
    run = bench.workspace.running()
    headers = {"Authorization": bench.authorization}
    with httpx.stream("GET", f"{origin}/api/v1/events/runs/{run.id}", headers=headers) as response:
        body = response.iter_raw()
        assert b"event: snapshot" in next(body)
        while not bench.hub._watches:
            time.sleep(0.01)
    while bench.hub._watches:
        time.sleep(0.01)
    bench.wait_until_given_back()


def test_closing_the_hub_ends_every_open_stream(bench: StreamBench, origin: str) -> None:
    run = bench.workspace.running()
    headers = {"Authorization": bench.authorization}
    with httpx.stream("GET", f"{origin}/api/v1/events/runs/{run.id}", headers=headers) as response:
        body = response.iter_raw()
        assert b"event: snapshot" in next(body)
        while not bench.hub._watches:
            time.sleep(0.01)
        bench.hub.close()
        assert list(body) == []
