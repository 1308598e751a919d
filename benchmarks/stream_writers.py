"""Writers of the stream benchmark: when which event was committed."""

from __future__ import annotations

import json
import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import psycopg

from benchmarks.stream_database import MESSAGE, Followed
from benchmarks.stream_naive import INSERT
from nyxcore.db.connection import Database
from nyxcore.runs import service
from nyxcore.runs.models import Event

type Committed = dict[str, float]
"""Key of an event to the instant after its COMMIT was answered, on `time.monotonic`'s clock."""


class Writer(ABC):
    """One connection that writes events."""

    @abstractmethod
    def write(self, run: Followed, key: str, *, open_for: float = 0.0) -> None:
        """Write one event in a transaction that stays open for so many seconds after the insert."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""


class RunWriter(Writer):
    """Appends to a run's log, as the pipelines do."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def write(self, run: Followed, key: str, *, open_for: float = 0.0) -> None:
        event = Event("log", {"message": f"{key} {MESSAGE}", "level": "info"})
        with self._database.transaction(run.tenant_id) as connection:
            service.append(connection, run.tenant_id, run.run_id, [event])
            time.sleep(open_for)

    def close(self) -> None:
        self._database.close()


class NaiveWriter(Writer):
    """Inserts a row whose number is a bigserial's."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url)

    def write(self, run: Followed, key: str, *, open_for: float = 0.0) -> None:
        data = json.dumps({"message": f"{key} {MESSAGE}", "level": "info"})
        with self._connection.transaction():
            self._connection.execute(INSERT, (run.run_id, data))
            time.sleep(open_for)

    def close(self) -> None:
        self._connection.close()


class Writing:
    """Threads, each with a writer of its own."""

    def __init__(self, connect: Callable[[], Writer], threads: int) -> None:
        self._connect, self._count = connect, threads

    def once_each(self, runs: Sequence[Followed], seconds: float) -> Committed:
        """One event into each run, one after another over so many seconds."""

        def work(writer: Writer, number: int, committed: Committed) -> None:
            for run in runs[number :: self._count]:
                time.sleep(random.expovariate(len(runs) / seconds / self._count))
                _write(writer, run, f"k{number}--{len(committed)}", committed)

        return self._run(work)

    def steadily(self, runs: Sequence[Followed], seconds: float) -> Committed:
        """An event a second into each run on average, at random instants and in random order."""
        end = time.monotonic() + seconds

        def work(writer: Writer, number: int, committed: Committed) -> None:
            mine = runs[number :: self._count]
            due = time.monotonic()
            while (due := due + random.expovariate(len(mine))) < end:
                time.sleep(max(0.0, due - time.monotonic()))
                _write(writer, random.choice(mine), f"k{number}-{len(committed)}", committed)

        return self._run(work)

    def at_once(self, run: Followed, seconds: float) -> Committed:
        """All of them into one run, one transaction after the other, each open for 0 to 10 ms."""
        end = time.monotonic() + seconds

        def work(writer: Writer, number: int, committed: Committed) -> None:
            while time.monotonic() < end:
                _write(writer, run, f"k{number}-{len(committed)}", committed, random.uniform(0, 0.010))

        return self._run(work)

    def _run(self, work: Callable[[Writer, int, Committed], None]) -> Committed:
        parts: list[Committed] = [{} for _ in range(self._count)]
        failures: list[Exception] = []

        def guarded(number: int) -> None:
            try:
                writer = self._connect()
                work(writer, number, parts[number])
                writer.close()
            except Exception as failure:  # noqa: BLE001 - raised again below, by who started the threads
                failures.append(failure)

        threads = [threading.Thread(target=guarded, args=(number,)) for number in range(self._count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return {key: instant for part in parts for key, instant in part.items()}


def _write(writer: Writer, run: Followed, key: str, committed: Committed, open_for: float = 0.0) -> None:
    writer.write(run, key, open_for=open_for)
    committed[key] = time.monotonic()
