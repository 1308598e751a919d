"""A database that answers nothing and refuses nothing: open streams end, new ones are told to come back."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID

import httpx
import psycopg
import pytest
from own_server import add_tenant, hung
from run_workspace import Workspace
from stack_bench import Dev, add_run, eventually
from stream_bench import StreamBench, events
from stream_server import StreamApp, serving

from nyx.events import follow
from nyx.postgres import Postgres
from nyxcore.db.connection import Database
from nyxcore.db.roles import APP, DATABASE
from nyxcore.runs.hub import StreamHub

GUARD = 20.0  # seconds: only a stream that hangs uses them up
COME_BACK = rb"retry: \d+\n"


@pytest.fixture(params=[0, 2], ids=["one connection", "a pool"])
def hanging(server: Postgres, request: pytest.FixtureRequest) -> Iterator[StreamBench]:
    """Streams on a server that the test may stop: as a Lambda function has them, and as a server has them."""
    with closing(Database(server.url(APP, "app", DATABASE), pool_size=request.param)) as db:
        hub = StreamHub(db.connect)
        yield StreamBench(Workspace(db, add_tenant(server)), hub)
        hub.close()


def began(bench: StreamBench, run_id: UUID) -> Iterator[bytes]:
    """An open stream that has sent its first bytes."""
    chunks = bench.open(run_id, window=60).chunks
    assert b"event: snapshot" in next(chunks)
    return chunks


def told(bench: StreamBench, run_id: UUID) -> tuple[int, bytes]:
    """What a new stream is answered with."""
    response = bench.open(run_id, window=60)
    return response.status, b"".join(response.chunks)


def test_a_server_that_hangs_ends_open_streams_and_answers_new_ones_until_it_goes_on(
    server: Postgres, hanging: StreamBench
) -> None:
    run = hanging.workspace.running()
    open_stream = began(hanging, run.id)
    with ThreadPoolExecutor() as pool, hung(server.pid):
        rest, new = pool.submit(b"".join, open_stream), pool.submit(told, hanging, run.id)
        status, body = new.result(GUARD)
        assert status == 200 and re.fullmatch(COME_BACK, body)
        assert re.fullmatch(COME_BACK, rest.result(GUARD))
        # and once more, when no connection is left to hang on
        status, body = pool.submit(told, hanging, run.id).result(GUARD)
        assert status == 200 and re.fullmatch(COME_BACK, body)
    eventually(lambda: events(hanging.read(run.id)), "the stream is served again")
    hanging.workspace.finish(run.id)
    assert [kind for _, kind, _ in events(hanging.read(run.id))] == ["status", "status", "done"]


def test_a_hundred_streams_that_open_while_the_server_hangs_are_all_answered(server: Postgres) -> None:
    with closing(Database(server.url(APP, "app", DATABASE), pool_size=2)) as db:
        bench = StreamBench(Workspace(db, add_tenant(server)), StreamHub(db.connect))
        run = bench.workspace.running()
        app = StreamApp(db, bench.hub, window_seconds=60)
        with serving(app) as origin, ThreadPoolExecutor(100) as pool:
            with hung(server.pid):
                waiting = [pool.submit(answer_of, origin, bench, run.id) for _ in range(100)]
                answers = [future.result(GUARD) for future in waiting]
            assert {status for status, _ in answers} == {200}
            assert all(re.fullmatch(COME_BACK, body) for _, body in answers)
            bench.workspace.finish(run.id)
            token = bench.authorization.removeprefix("Bearer ")
            assert [event.type for event in follow(origin, token, run.id)][-1] == "done"
        bench.hub.close()


def answer_of(origin: str, bench: StreamBench, run_id: UUID) -> tuple[int, bytes]:
    headers = {"Authorization": bench.authorization}
    response = httpx.get(f"{origin}/api/v1/events/runs/{run_id}", headers=headers, timeout=GUARD)
    return response.status_code, response.content


def test_a_stream_that_is_being_opened_while_the_stack_stops_is_told_to_come_back(
    nyx: Callable[..., Dev],
) -> None:
    dev = nyx("dev", "--json", "--port", "0").wait_ready()
    url = f"{dev.ready['url']}/api/v1/events/runs/{add_run(dev.ready, 'running')}"
    headers = {"Authorization": f"Bearer {dev.ready['token']}"}
    assert httpx.get(f"{dev.ready['url']}/api/v1/projects", headers=headers).status_code == 200
    database = int((dev.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    with ThreadPoolExecutor() as pool:
        with hung(database):
            answer = pool.submit(httpx.get, url, headers=headers, timeout=GUARD)
            time.sleep(0.3)  # the request is on its way, and its answer can only be that the database hangs
            dev.process.send_signal(signal.SIGTERM)
            response = answer.result(GUARD)
        assert (response.status_code, dev.end()[0]) == (200, 0)
        assert re.fullmatch(COME_BACK, response.content)


def test_a_table_that_is_locked_ends_open_streams_and_leaves_nobody_waiting_for_it(
    bench: StreamBench, database_urls: object
) -> None:
    run = bench.workspace.running()
    open_stream = began(bench, run.id)
    owner_url = database_urls.owner_url  # type: ignore[attr-defined]
    with ThreadPoolExecutor() as pool, psycopg.connect(owner_url) as locker:
        locker.execute("lock table run_events in access exclusive mode")
        rest, new = pool.submit(b"".join, open_stream), pool.submit(told, bench, run.id)
        status, body = new.result(GUARD)
        assert status == 200 and re.fullmatch(COME_BACK, body)
        assert re.fullmatch(COME_BACK, rest.result(GUARD))
        until = time.monotonic() + GUARD
        while waiting_for_a_lock(database_urls):
            assert time.monotonic() < until, "somebody waits for the table whose client has gone"
            time.sleep(0.05)
        locker.rollback()
    assert [kind for _, kind, _ in events(bench.read(run.id))] == ["snapshot"]


def waiting_for_a_lock(database_urls: object) -> int:
    """How many sessions of the application wait for the table, as the server sees it."""
    superuser_url = database_urls.superuser_url  # type: ignore[attr-defined]
    with psycopg.connect(superuser_url) as watching:
        row = watching.execute(
            "select count(*) from pg_locks where not granted and relation = 'run_events'::regclass"
        ).fetchone()
    assert row is not None
    return int(row[0])
