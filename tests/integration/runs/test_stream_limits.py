"""Limits on open streams: a place in the database for each, so that they hold whatever process serves a stream."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any
from uuid import UUID

import pytest
from run_workspace import Workspace
from stream_bench import StreamBench, events, finished

from nyxcore.db.connection import Database
from nyxcore.errors import NotFound
from nyxcore.leases import repository as leases
from nyxcore.runs import stream
from nyxcore.runs.hub import StreamHub
from nyxcore.runs.sweep import sweep
from nyxcore.settings import settings


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the limits, for a tenant and for a run."""

    def set_limits(*, tenant: int = 1000, run: int = 1000) -> None:
        monkeypatch.setenv("NYX_STREAMS_PER_TENANT", str(tenant))
        monkeypatch.setenv("NYX_STREAMS_PER_RUN", str(run))
        settings.cache_clear()

    return set_limits


@pytest.fixture
def process(
    bench: StreamBench, more_databases: Callable[[], Database]
) -> Iterator[Callable[[], StreamBench]]:
    """Makes what another process has: a connection and a poller of its own, the tenant and token being the same."""
    hubs = []

    def make() -> StreamBench:
        other = copy(bench)
        other.workspace = copy(bench.workspace)
        other.workspace.db = more_databases()
        other.hub = StreamHub(other.workspace.db.connect)
        hubs.append(other.hub)
        return other

    yield make
    for hub in hubs:
        hub.close()


def began(bench: StreamBench, run_id: UUID) -> Iterator[bytes]:
    """An open stream that has sent its first bytes."""
    chunks = bench.open(run_id, window=60).chunks
    assert b"event: snapshot" in next(chunks)
    return chunks


def refused(bench: StreamBench, run_id: UUID) -> bool:
    response = bench.open(run_id, window=60)
    assert response.status == 200
    body = next(response.chunks)
    response.chunks.close()  # type: ignore[attr-defined]
    return re.fullmatch(rb"retry: \d+\n", body) is not None


def close(*streams: Any) -> None:
    for chunks in streams:
        chunks.close()


def test_a_run_has_so_many_streams_and_one_that_closes_makes_room(
    bench: StreamBench, limits: Callable[..., None]
) -> None:
    limits(run=2)
    run, other = bench.workspace.running(), bench.workspace.running()
    first, second = began(bench, run.id), began(bench, run.id)
    assert refused(bench, run.id)
    assert not refused(bench, other.id)
    close(first)
    assert not refused(bench, run.id)
    close(second)


def test_a_tenant_has_so_many_streams_and_takes_none_of_another_tenants(
    bench: StreamBench, limits: Callable[..., None], new_tenant: Callable[[], UUID]
) -> None:
    limits(tenant=2)
    stranger = StreamBench(Workspace(bench.workspace.db, new_tenant()), bench.hub)
    runs = [bench.workspace.running() for _ in range(3)]
    streams = [began(bench, run.id) for run in runs[:2]]
    assert refused(bench, runs[2].id)
    assert not refused(stranger, stranger.workspace.running().id)
    close(*streams)


def test_the_limits_hold_across_processes(
    bench: StreamBench, limits: Callable[..., None], process: Callable[[], StreamBench]
) -> None:
    limits(run=1)
    run = bench.workspace.running()
    held = began(bench, run.id)
    another = process()
    assert refused(another, run.id)
    close(held)
    theirs = began(another, run.id)
    assert refused(bench, run.id)
    close(theirs)


@pytest.mark.parametrize("limit", [{"run": 3}, {"tenant": 3}], ids=["of a run", "of a tenant"])
def test_of_those_that_open_at_once_at_the_limit_exactly_one_gets_in(
    bench: StreamBench,
    limits: Callable[..., None],
    process: Callable[[], StreamBench],
    limit: dict[str, int],
) -> None:
    limits(**limit)
    run = bench.workspace.running()
    held = [began(bench, run.id) for _ in range(2)]
    processes = [process() for _ in range(6)]
    barrier = threading.Barrier(len(processes))

    def open_one(one: StreamBench) -> tuple[bytes, Any]:
        barrier.wait()
        chunks = one.open(run.id, window=60).chunks
        return next(chunks), chunks

    for _ in range(20):
        with ThreadPoolExecutor(len(processes)) as pool:
            opened = list(pool.map(open_one, processes))
        assert sorted(b"event: snapshot" in first for first, _ in opened) == [False] * 5 + [True]
        close(*(chunks for _, chunks in opened))
    close(*held)


def test_the_place_of_a_process_that_was_killed_is_free_shortly_after_its_window_and_the_sweep_removes_it(
    bench: StreamBench, limits: Callable[..., None]
) -> None:
    limits(run=1)
    run = bench.workspace.running()
    bench.open(run.id, window=60)  # and nobody ever reads or closes it
    with bench.workspace.db.transaction(bench.workspace.tenant_id) as connection:
        left = connection.execute(
            "select extract(epoch from expires_at - clock_timestamp()) as left from stream_leases"
        ).fetchone()
    assert left is not None and 60 < left["left"] <= 75
    assert refused(bench, run.id)

    bench.workspace.execute("update stream_leases set expires_at = clock_timestamp() - interval '1 second'")
    assert not refused(bench, run.id)
    assert (sweep(bench.workspace.db).leases, bench.leases()) == (1, 0)
    assert sweep(bench.workspace.db).leases == 0


def test_every_way_in_which_a_stream_ends_gives_its_place_back(bench: StreamBench) -> None:
    run = bench.workspace.running()
    assert bench.read(run.id, window=0.1)
    assert bench.leases() == 0

    close(began(bench, run.id))
    assert bench.leases() == 0

    open_stream = began(bench, run.id)
    bench.workspace.finish(run.id)
    assert events(b"".join(open_stream))[-1][1] == "done"
    assert bench.leases() == 0


def test_a_poller_that_closes_gives_back_the_places_of_its_streams(bench: StreamBench) -> None:
    run = bench.workspace.running()
    reader = threading.Thread(target=lambda: list(bench.open(run.id, window=60).chunks))
    reader.start()
    while not bench.hub._watches:
        assert reader.is_alive()
    bench.hub.close()
    reader.join()
    assert bench.leases() == 0


def test_what_is_answered_at_once_needs_no_place(bench: StreamBench, limits: Callable[..., None]) -> None:
    limits(tenant=0, run=0)
    run = finished(bench.workspace)
    assert events(bench.read(run.id))[-1][1] == "done"
    assert bench.open(run.id, run.last_seq).status == 204
    assert bench.leases() == 0


def test_a_run_that_is_deleted_while_its_stream_is_opened_is_a_run_that_is_not_there(
    bench: StreamBench, process: Callable[[], StreamBench], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, elsewhere = bench.workspace.running(), process().workspace
    take = leases.take

    def late(*arguments: Any, **named: Any) -> bool:
        elsewhere.execute("delete from runs where id = %s", run.id)
        return take(*arguments, **named)

    monkeypatch.setattr(stream.leases, "take", late)
    with pytest.raises(NotFound):
        bench.open(run.id)
    assert bench.leases() == 0


def test_an_opening_that_waits_too_long_for_its_turn_is_told_to_come_back(
    bench: StreamBench, process: Callable[[], StreamBench]
) -> None:
    run, elsewhere = bench.workspace.running(), process().workspace
    with elsewhere.db.transaction(elsewhere.tenant_id) as connection:
        assert leases.take(
            connection, elsewhere.tenant_id, run.id, run.id, seconds=60, per_tenant=9, per_run=9
        )
        assert refused(bench, run.id)
    assert not refused(bench, run.id)
