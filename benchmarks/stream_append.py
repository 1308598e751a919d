"""How fast one run's log takes events, beside what the same disk and database give a bare commit."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.stream_database import MESSAGE, Followed, StreamDatabase
from nyxcore.db.connection import Database
from nyxcore.runs import service
from nyxcore.runs.models import Event

BATCH = 10
_SECONDS = 3.0


def append_rows(database: StreamDatabase) -> list[tuple[str, str, str]]:
    """One row of (what, figure, target)."""
    (run,) = database.runs(1)
    connection = Database(database.url)
    events = [Event("log", {"level": "info", "message": MESSAGE}) for _ in range(BATCH)]
    appends = _a_second(lambda: _append(connection, run, events))
    commits = _a_second(lambda: _bare_commit(connection, run))
    connection.close()
    figure = f"{appends * BATCH:,.0f} events a second, {BATCH * appends / commits:.1f} for each bare commit of a row"
    return [(f"append to one run, batches of {BATCH}, one transaction each", figure, "≥ 2,000 a second")]


def _append(database: Database, run: Followed, events: list[Event]) -> None:
    with database.transaction(run.tenant_id) as connection:
        service.append(connection, run.tenant_id, run.run_id, events)


def _bare_commit(database: Database, run: Followed) -> None:
    with database.transaction(run.tenant_id) as connection:
        connection.execute("update runs set cost_tokens = cost_tokens + 1 where id = %s", (run.run_id,))


def _a_second(step: Callable[[], None]) -> float:
    """How many times a second `step` is done."""
    step()
    count, started = 0, time.monotonic()
    while (took := time.monotonic() - started) < _SECONDS:
        step()
        count += 1
    return count / took
