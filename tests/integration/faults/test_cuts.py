"""A stream whose connections break at any byte, while eight writers go on: the proof that no event is lost."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from forced_cuts import CutClient
from run_workspace import Workspace
from stream_bench import StreamBench
from stream_server import StreamApp, serving

from nyxcore.db.connection import Database
from nyxcore.runs import service
from nyxcore.runs.models import Event

WRITERS, READERS, SEED = 8, 8, 20261123


class Writers:
    """Append to one run from eight connections until they are stopped."""

    def __init__(self, workspace: Workspace, run_id: UUID, databases: list[Database]) -> None:
        self._workspace, self._run_id = workspace, run_id
        self._enough = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(database, number))
            for number, database in enumerate(databases)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _write(self, database: Database, writer: int) -> None:
        chance, number = random.Random(writer), 0
        while not self._enough.is_set():
            batch = range(chance.randrange(1, 6))
            events = [Event("log", {"level": "info", "message": f"{writer}.{number + n}"}) for n in batch]
            with database.transaction(self._workspace.tenant_id) as connection:
                service.append(connection, self._workspace.tenant_id, self._run_id, events)
            number += len(batch)
            time.sleep(chance.expovariate(1 / 0.05))


def test_however_often_and_wherever_connections_are_cut_every_event_comes_once_and_in_order(
    bench: StreamBench, pooled: Database, more_databases: Callable[[], Database], soak: bool
) -> None:
    workspace, run = bench.workspace, bench.workspace.running()
    cuts = 10_000 if soak else 500
    with serving(StreamApp(pooled, bench.hub, window_seconds=30.0)) as origin:
        url = f"{origin}/api/v1/events/runs/{run.id}"
        clients = [CutClient(url, bench.authorization, random.Random(SEED + n)) for n in range(READERS)]
        writers = Writers(workspace, run.id, [more_databases() for _ in range(WRITERS)])

        def read(client: CutClient) -> None:
            for _ in range(cuts // READERS):
                client.read_and_cut()

        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(read, clients))
            writers.stop()
            workspace.finish(run.id)
            ends = list(pool.map(CutClient.read_to_the_end, clients))

    kept = workspace.events(run.id)
    assert [number for number, _, _ in kept] == list(range(1, workspace.get(run.id).last_seq + 1))
    assert kept[-1][1] == "done" and len(kept) > cuts
    assert ends == [204] * READERS
    for client in clients:
        assert [(int(event.id), event.type) for event in client.seen] == [(n, kind) for n, kind, _ in kept]
        told = [json.loads(event.data) for event in client.seen if event.type == "log"]
        assert told == [data for _, kind, data in kept if kind == "log"]
    for writer in range(WRITERS):  # what one writer wrote stands in the order in which it was written
        mine = [str(data["message"]).split(".") for _, kind, data in kept if kind == "log"]
        numbers = [int(number) for name, number in mine if int(name) == writer]
        assert numbers == list(range(len(numbers)))
