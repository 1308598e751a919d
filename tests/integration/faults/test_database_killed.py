"""PostgreSQL killed and started again under open streams: every one goes on, and its sequence is whole."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from own_server import add_tenant, kill, start_again
from psycopg_pool import ConnectionPool
from run_workspace import Workspace
from stream_bench import StreamBench, events
from stream_server import StreamApp, serving

from nyx.events import follow
from nyx.postgres import Postgres
from nyxcore.db.connection import Database
from nyxcore.db.roles import APP, DATABASE
from nyxcore.errors import DatabaseUnavailable
from nyxcore.runs.hub import StreamHub
from nyxcore.runs.models import Run

STREAMS, RUNS = 50, 5


class Writer:
    """Appends to every run in turn until it is stopped, whether the database is there or not."""

    def __init__(self, workspace: Workspace, runs: list[Run]) -> None:
        self._workspace, self._runs = workspace, runs
        self._enough = threading.Event()
        self.appended = 0
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def wait_for(self, batches: int) -> None:
        """Until so many more batches are committed."""
        until = self.appended + batches
        while self.appended < until:
            time.sleep(0.01)

    def stop(self) -> None:
        self._enough.set()
        self._thread.join()

    def _write(self) -> None:
        number = 0
        while not self._enough.is_set():
            number += 1
            try:
                self._workspace.log(self._runs[number % RUNS].id, 3, start=3 * number)
                self.appended += 1
            except (DatabaseUnavailable, psycopg.OperationalError):
                time.sleep(0.1)  # what a task's retry does; whether the batch was kept, only the log knows
            time.sleep(0.01)


def test_fifty_streams_survive_a_killed_database_and_their_sequences_are_whole(
    server: Postgres, soak: bool
) -> None:
    app_url = server.url(APP, "app", DATABASE)
    with closing(Database(app_url)) as db, closing(Database(app_url, pool_size=8)) as pooled:
        workspace, hub = Workspace(db, add_tenant(server)), StreamHub(pooled.connect)
        bench = StreamBench(workspace, hub)
        token = bench.authorization.removeprefix("Bearer ")
        workspace.execute("update tenant_settings set max_running_runs = %s", RUNS)
        runs = [workspace.running() for _ in range(RUNS)]
        reconnects: list[str] = []

        with serving(StreamApp(pooled, hub, window_seconds=20.0)) as origin:

            def read(number: int) -> list[tuple[int, str]]:
                run_id = runs[number % RUNS].id
                found = follow(origin, token, run_id, after=0, on_reconnect=reconnects.append)
                return [(event.id, event.type) for event in found]

            with ThreadPoolExecutor(STREAMS) as pool:
                reading = [pool.submit(read, number) for number in range(STREAMS)]
                while len(hub._watches) < STREAMS:
                    time.sleep(0.01)
                writer = Writer(workspace, runs)
                for _ in range(20 if soak else 2):
                    writer.wait_for(20)
                    kill(server)
                    start_again(server)
                writer.wait_for(20)
                writer.stop()
                for run in runs:
                    workspace.finish(run.id)
                seen = [future.result() for future in reading]
        hub.close()

        assert reconnects, "nobody noticed the end of the database"
        for number, found in enumerate(seen):
            kept = [(seq, kind) for seq, kind, _ in workspace.events(runs[number % RUNS].id)]
            assert found == kept
            assert [seq for seq, _ in found] == list(range(1, len(kept) + 1))


def test_while_the_database_is_away_streams_are_soon_told_to_come_back_and_then_served(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    getconn = ConnectionPool.getconn

    def noted(pool: ConnectionPool, timeout: float) -> object:
        waits.append(timeout)
        return getconn(pool, timeout)

    with closing(Database(server.url(APP, "app", DATABASE), pool_size=2)) as pooled:
        hub = StreamHub(pooled.connect)
        bench = StreamBench(Workspace(pooled, add_tenant(server)), hub)
        run = bench.workspace.running()
        kill(server)
        monkeypatch.setattr(ConnectionPool, "getconn", noted)
        for _ in range(2):
            response = bench.open(run.id)
            assert response.status == 200
            assert re.fullmatch(rb"retry: \d+\n", b"".join(response.chunks))
        assert waits == [2.0, 2.0]  # an API call may wait for 10 s, an open tab shall not
        start_again(server)
        assert [(number, kind) for number, kind, _ in events(bench.read(run.id))] == [(2, "snapshot")]
        hub.close()
