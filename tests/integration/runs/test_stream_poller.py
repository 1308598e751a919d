"""What the one poller of a process asks the database for, when streams end and come back all the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from stream_bench import StreamBench, events, finished

from nyxcore.runs import hub
from nyxcore.runs.hub import FAST, MAX_EVENTS, SLOW, Watch

IDLE_EVERY = 0.5  # seconds: two round trips a second, which is all that silent streams may cost


@pytest.fixture(scope="module")
def database_urls(module_database_urls: object) -> object:
    return module_database_urls


@pytest.fixture
def age(database_urls: object, bench: StreamBench) -> Callable[[UUID], None]:
    """Makes all that has happened in a run an hour old; the application itself may not change the log."""

    def make_old(run_id: UUID) -> None:
        with psycopg.connect(database_urls.owner_url) as owner:  # type: ignore[attr-defined]
            owner.execute("select set_config('app.tenant_id', %s, true)", (str(bench.workspace.tenant_id),))
            owner.execute(
                "update run_events set created_at = created_at - interval '1 hour' where run_id = %s",
                (run_id,),
            )

    return make_old


@contextmanager
def held_open(bench: StreamBench, run_id: UUID) -> Iterator[Watch]:
    """A stream of this run that stays open while the block runs, as the poller sees it."""
    before, chunks = set(bench.hub._watches), bench.open(run_id, window=60).chunks
    enough = threading.Event()

    def read() -> None:
        for _ in chunks:
            if enough.is_set():
                break
        chunks.close()  # type: ignore[attr-defined]

    reader = threading.Thread(target=read)
    reader.start()
    while not (joined := bench.hub._watches - before):
        assert reader.is_alive()
    try:
        yield joined.pop()
    finally:
        enough.set()
        bench.workspace.log(run_id, 1)  # so that the reader has something to read
        reader.join()


def instants(since: float, interval: float) -> int:
    """At how many of the poller's instants it could have asked so far, and once for what was under way."""
    return int(time.monotonic() / interval) - int(since / interval) + 1


def test_silent_streams_that_end_and_come_back_cost_no_round_trips_of_their_own(
    bench: StreamBench, age: Callable[[UUID], None]
) -> None:
    runs = [bench.workspace.running() for _ in range(20)]
    for run in runs:
        age(run.id)

    def come_and_go(run_id: UUID) -> list[int]:
        return [len(events(bench.read(run_id, window=0.1))) for _ in range(3)]

    with held_open(bench, runs[0].id), ThreadPoolExecutor(len(runs)) as pool:
        started, ticks = time.monotonic(), bench.hub.ticks
        assert list(pool.map(come_and_go, [run.id for run in runs])) == [[1, 1, 1]] * len(runs)
        assert bench.hub.ticks - ticks <= instants(started, IDLE_EVERY)


def test_a_stream_that_comes_back_to_a_silent_run_is_asked_for_as_seldom_as_before(
    bench: StreamBench, age: Callable[[UUID], None]
) -> None:
    run = bench.workspace.running()
    age(run.id)
    with held_open(bench, run.id) as watch:
        assert watch.due % SLOW == 0 and watch.due > 0


def test_a_stream_that_comes_back_to_a_run_that_has_just_written_is_asked_for_soon(
    bench: StreamBench,
) -> None:
    run = bench.workspace.running()
    with held_open(bench, run.id) as watch:
        assert 0 < watch.due <= time.monotonic() + FAST


def test_a_run_whose_events_retention_has_removed_is_as_silent_as_it_is_old(bench: StreamBench) -> None:
    run = bench.workspace.running()
    bench.workspace.execute("delete from run_events where run_id = %s", run.id)
    bench.workspace.execute(
        "update runs set created_at = created_at - interval '1 hour' where id = %s", run.id
    )
    with held_open(bench, run.id) as watch:
        assert watch.due % SLOW == 0 and watch.due > 0


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poller that asks once an hour, but for what cannot wait."""
    for name in ("FAST", "SLOW", "_GIVE_BACK"):
        monkeypatch.setattr(hub, name, 3600.0)


@pytest.mark.usefixtures("seldom")
def test_a_replay_waits_for_no_instant_of_the_poller(bench: StreamBench, age: Callable[[UUID], None]) -> None:
    run = finished(bench.workspace, logs=3 * MAX_EVENTS)
    age(run.id)
    assert events(bench.read(run.id, 0, window=30)) == bench.workspace.events(run.id)


@pytest.mark.usefixtures("seldom")
def test_the_last_stream_of_a_process_gives_its_place_back_at_once(bench: StreamBench) -> None:
    run = bench.workspace.running()
    assert bench.read(run.id, window=0.1)
    assert bench.leases() == 0
