"""The event stream: a thousand open streams in one process, and beside it the way of the original.

Both sides are measured one after the other on the same server, by the same clients and the same writers.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import stream_process
from benchmarks.stream_append import append_rows
from benchmarks.stream_database import Followed, StreamDatabase, stream_database
from benchmarks.stream_lambda import lambda_rows
from benchmarks.stream_process import Asked
from benchmarks.stream_writers import Committed, NaiveWriter, RunWriter, Writer, Writing

STREAMS, ACTIVE = 1_000, 200
WRITERS, READERS = 8, 20
_SETTLE_SECONDS, _IDLE_SECONDS, _ACTIVE_SECONDS, _RACE_SECONDS = 15.0, 10.0, 15.0, 12.0
_RECONNECTS = STREAMS / 114  # a second: the windows of the stack are 108 to 120 s long
_LATEST_SECONDS = 8.0  # by then an event that is not there will never come

type Row = tuple[str, str, str]
type Table = tuple[Row, list[Row]]


@dataclass(frozen=True)
class Load:
    """What a side did while its streams were idle, or while some were active."""

    trips: float
    transactions: float
    cpu: float


@dataclass(frozen=True)
class Race:
    """What the readers of one run got of what eight writers committed."""

    events: int
    lost: int
    twice: int


@dataclass(frozen=True)
class Side:
    """Everything that was measured of one server. Seconds, and kB of memory a stream."""

    latencies: list[float]
    after_silence: list[float]
    missing: int
    idle: Load
    rotating: Load
    active: Load
    memory: float
    race: Race


class Bench:
    """One server process and its clients, on one database."""

    def __init__(
        self, database: StreamDatabase, server: Asked, clients: Asked, connect: Callable[[], Writer]
    ) -> None:
        self._database, self._server, self._clients = database, server, clients
        self._connect = connect

    def side(
        self, runs: Sequence[Followed], raced: Followed, *, while_idle: Callable[[], None] = lambda: None
    ) -> Side:
        """Measure everything that both sides are measured by, and something more while all streams are idle."""
        self._open(runs[:20], spread=0.1)  # what the first requests load belongs to no stream
        self._clients.ask("close")
        time.sleep(1)
        before = self._server.resident_kb()
        self._open(runs, spread=4.0)
        time.sleep(_SETTLE_SECONDS)
        memory = (self._server.resident_kb() - before) / len(runs)
        with self._load() as idle:
            time.sleep(_IDLE_SECONDS)
        with self._load() as rotating:
            self._clients.ask("rotate", rate=_RECONNECTS, seconds=_IDLE_SECONDS)
        while_idle()
        active_runs = runs[:: len(runs) // ACTIVE]
        writing = Writing(self._connect, 4)
        silent = writing.once_each(active_runs, 3.0)
        self._arrived(silent)
        with self._load() as active:
            committed = writing.steadily(active_runs, _ACTIVE_SECONDS)
        arrived = self._arrived(committed | silent)
        return Side(
            latencies=[arrived[key] - instant for key, instant in committed.items() if key in arrived],
            after_silence=[arrived[key] - instant for key, instant in silent.items() if key in arrived],
            missing=len((committed | silent).keys() - arrived.keys()),
            idle=idle[0],
            rotating=rotating[0],
            active=active[0],
            memory=memory,
            race=self._race(raced),
        )

    def seconds_to(self, what: str, run: Followed, times: int = 20) -> list[float]:
        """Seconds to the first byte, or of a replay, of so many requests, one after the other."""
        self._clients.ask(what, path=run.path, authorization=run.authorization, times=3)
        found: list[float] = self._clients.ask(
            what, path=run.path, authorization=run.authorization, times=times
        )
        return found

    def _open(self, runs: Sequence[Followed], spread: float) -> None:
        self._clients.ask("open", targets=[(run.path, run.authorization) for run in runs], spread=spread)

    def _arrived(self, committed: Committed) -> dict[str, float]:
        """When each event came first, once all are there or it is too late."""
        until = time.monotonic() + _LATEST_SECONDS
        while True:
            streams = self._clients.ask("arrivals")
            arrived = {key: instant for stream in streams for key, instant in stream}
            if committed.keys() <= arrived.keys() or time.monotonic() > until:
                return arrived
            time.sleep(0.3)

    @contextmanager
    def _load(self) -> Iterator[list[Load]]:
        """Fills the list with what happened in the block, a second."""
        found: list[Load] = []
        # PostgreSQL's count of transactions is up to a second old, at both ends
        trips, transactions = self._server.ask("trips"), self._database.transactions()
        cpu, started = self._server.cpu_seconds(), time.monotonic()
        yield found
        took = time.monotonic() - started
        found.append(
            Load(
                (self._server.ask("trips") - trips) / took,
                (self._database.transactions() - transactions) / took,
                (self._server.cpu_seconds() - cpu) / took,
            )
        )

    def _race(self, run: Followed) -> Race:
        self._clients.ask("close")
        self._open([run] * READERS, spread=3.0)
        committed = Writing(self._connect, WRITERS).at_once(run, _RACE_SECONDS)
        self._arrived(committed)
        time.sleep(4)
        streams = [
            Counter(key for key, _ in stream if key in committed) for stream in self._clients.ask("arrivals")
        ]
        return Race(
            events=len(committed),
            lost=sum(len(committed) - len(seen) for seen in streams),
            twice=sum(count - 1 for seen in streams for count in seen.values()),
        )


@contextmanager
def bench(database: StreamDatabase, which: str, connect: Callable[[], Writer]) -> Iterator[Bench]:
    """A server process, `api` or `naive`, and the process of its clients."""
    environment = {
        "NYX_DATABASE_URL": database.url,
        "NYX_POOL_SIZE": "8",
        # longer than the benchmark: what comes back after a window is another cost than what stays
        "NYX_STREAM_WINDOW_SECONDS": "900",
    }
    with stream_process.Asked("benchmarks.stream_server", which, environment=environment) as server:
        port = server.ask("port")
        with stream_process.Asked("benchmarks.stream_clients", str(port)) as clients:
            yield Bench(database, server, clients, connect)


def tables() -> Iterator[Table]:
    """The figures against their targets, then both sides beside each other."""
    with stream_database() as database:
        append = append_rows(database)
        finished = database.finished(1_000)
        runs = database.runs(STREAMS)
        raced = database.runs(1)[0]
        lambda_arguments = (database.url, str(finished.run_id), finished.authorization)
        with bench(database, "api", lambda: RunWriter(database.url)) as ours:
            quick = _quick_rows(ours, finished, runs[0], "no other stream open")

            def while_idle() -> None:
                quick.extend(_quick_rows(ours, finished, runs[0], f"{STREAMS:,} idle streams open"))

            api = ours.side(runs, raced, while_idle=while_idle)
        yield (
            ("what", "measured", "target"),
            [*_rows(api), *quick, *append, *lambda_rows(*lambda_arguments)],
        )
        with bench(database, "naive", lambda: NaiveWriter(database.url)) as theirs:
            naive = theirs.side(runs, raced)
        yield (
            (f"{STREAMS:,} streams, {ACTIVE} of them active", "nyxcore", "sse-starlette, poll of 3 s"),
            [(what, figure(api), figure(naive)) for what, figure in COMPARED],
        )


def _quick_rows(bench: Bench, finished: Followed, running: Followed, when: str) -> list[Row]:
    first, replay = bench.seconds_to("first_byte", running), bench.seconds_to("replay", finished)
    return [
        (f"first byte, {when}", _spread(first), "p50 ≤ 50 ms"),
        (f"replay of a finished run of 1,000 events to `done`, {when}", _spread(replay), "p50 ≤ 50 ms"),
    ]


def _rows(api: Side) -> list[Row]:
    return [
        (
            f"{STREAMS:,} streams, {ACTIVE} active: from commit to client ({len(api.latencies):,} events)",
            _spread(api.latencies),
            "p50 ≤ 300 ms, p95 ≤ 700 ms",
        ),
        (
            "the first event after a silence of 15 s and more",
            _spread(api.after_silence),
            "≤ 3 s",
        ),
        (
            f"{STREAMS:,} idle streams: round trips to the database, all together",
            f"{api.idle.trips:.1f} a second",
            "≤ 2 a second",
        ),
        (
            f"the same while {_RECONNECTS:.1f} of them a second end and come back, their openings not counted",
            f"{api.rotating.trips:.1f} a second",
            "≤ 2 a second",
        ),
        ("memory of an idle stream", f"{api.memory:.0f} kB", "≤ 50 kB"),
    ]


def _spread(seconds: Sequence[float]) -> str:
    """Median and 95th percentile, in ms."""
    cuts = statistics.quantiles(seconds, n=20)
    return f"p50 {cuts[9] * 1000:.0f} ms, p95 {cuts[18] * 1000:.0f} ms"


def _of_race(race: Race) -> str:
    deliveries = race.events * READERS
    return f"{race.lost:,} of {deliveries:,} lost, {race.twice:,} twice"


COMPARED: tuple[tuple[str, Callable[[Side], str]], ...] = (
    ("from commit to client", lambda side: _spread(side.latencies)),
    ("the first event after a silence", lambda side: _spread(side.after_silence)),
    ("idle: round trips to the database a second", lambda side: f"{side.idle.trips:.1f}"),
    (
        f"idle, {_RECONNECTS:.1f} a second coming back: round trips of polls a second",
        lambda side: f"{side.rotating.trips:.1f}",
    ),
    ("idle: transactions a second", lambda side: f"{side.idle.transactions:.0f}"),
    ("active: round trips a second", lambda side: f"{side.active.trips:.1f}"),
    ("idle: CPU of the server's process", lambda side: f"{side.idle.cpu:.1%} of a core"),
    ("active: CPU of the server's process", lambda side: f"{side.active.cpu:.1%} of a core"),
    ("memory of an idle stream", lambda side: f"{side.memory:.0f} kB"),
    ("events of the active streams that never came", lambda side: f"{side.missing:,}"),
    (
        f"{WRITERS} writers with transactions of 0 to 10 ms, {READERS} readers of one run",
        lambda side: _of_race(side.race),
    ),
)
