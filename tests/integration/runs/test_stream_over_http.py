"""The stream over real connections that break: nothing is lost, nothing comes twice, the order holds."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from stream_bench import StreamBench
from stream_server import StreamApp, serving

from nyx.events import follow
from nyx.sse_parser import EventParser, ParsedEvent
from nyxcore.db.connection import Database
from nyxcore.runs import service
from nyxcore.runs.models import Event

CUTS = 300


@pytest.fixture
def origin(pooled: Database, bench: StreamBench) -> Iterator[str]:
    with serving(StreamApp(pooled, bench.hub, window_seconds=30.0)) as origin:
        yield origin
    assert bench.hub._watches == set()


def read_some(
    client: httpx.Client, url: str, last_event_id: str, budget: int
) -> tuple[list[ParsedEvent], str]:
    """The events within the first `budget` bytes of one connection, and the cursor for the next."""
    parser = EventParser(last_event_id)
    found: list[ParsedEvent] = []
    headers = {"Last-Event-ID": last_event_id}
    with client.stream("GET", url, headers=headers) as response:
        assert response.status_code == 200
        for piece in response.iter_raw():
            found += parser.feed(piece[:budget])
            budget -= len(piece)
            if budget <= 0:
                break
    return found, parser.last_event_id


def test_300_cuts_at_any_byte_with_8_writers_lose_nothing_and_repeat_nothing(
    bench: StreamBench, origin: str, more_databases: Callable[[], Database]
) -> None:
    workspace, chance = bench.workspace, random.Random(20261123)
    run = workspace.running()
    url = f"{origin}/api/v1/events/runs/{run.id}"
    enough = threading.Event()

    def write(database: Database, writer: int) -> None:
        number = 0
        while not enough.is_set():
            events = [Event("log", {"level": "info", "message": f"{writer}.{number}.{n}"}) for n in range(3)]
            with database.transaction(workspace.tenant_id) as connection:
                service.append(connection, workspace.tenant_id, run.id, events)
            number += 1
            time.sleep(0.01)

    writers = [threading.Thread(target=write, args=(more_databases(), number)) for number in range(8)]
    for writer in writers:
        writer.start()
    seen: list[ParsedEvent] = []
    cursor, cuts = "0", 0
    with httpx.Client(headers={"Authorization": bench.authorization}) as client:
        while not seen or seen[-1].type != "done":
            budget = chance.randrange(1, 1500) if cuts < CUTS else 1 << 30
            found, cursor = read_some(client, url, cursor, budget)
            seen += found
            cuts += 1
            if cuts == CUTS:
                enough.set()
                for writer in writers:
                    writer.join()
                workspace.finish(run.id)
        assert client.get(url, headers={"Last-Event-ID": cursor}).status_code == 204

    last = workspace.get(run.id).last_seq
    assert [int(event.id) for event in seen] == list(range(1, last + 1))
    assert last > CUTS


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
    assert bench.hub.has_room(bench.workspace.tenant_id, run.id)


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
