"""Cursors as clients send them over HTTP: at once, of other runs, out of range, too long; and rights that end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import httpx
import pytest
from run_workspace import Workspace
from stream_bench import StreamBench, events, finished
from stream_server import StreamApp, serving

from nyx.sse_parser import EventParser
from nyxcore.db.connection import Database
from nyxcore.tenancy import service as tenancy

WINDOW = 0.3


@pytest.fixture
def stream(bench: StreamBench, pooled: Database) -> Iterator[httpx.Client]:
    """Asks for streams that are closed soon."""
    with (
        serving(StreamApp(pooled, bench.hub, window_seconds=WINDOW)) as origin,
        httpx.Client(
            base_url=f"{origin}/api/v1/events/runs",
            headers={"Authorization": bench.authorization},
            timeout=30,
        ) as client,
    ):
        yield client


def kinds(answer: httpx.Response) -> list[tuple[int, str]]:
    assert answer.status_code == 200, answer.text
    return [(number, kind) for number, kind, _ in events(answer.content)]


def test_reconnects_with_the_same_cursor_at_once_each_get_everything_after_it(
    bench: StreamBench, pooled: Database, more_databases: Callable[[], Database]
) -> None:
    workspace, run = bench.workspace, bench.workspace.running()
    workspace.log(run.id, 20)
    both = threading.Barrier(9)

    def read(origin: str) -> list[int]:
        headers = {"Authorization": bench.authorization, "Last-Event-ID": "7"}
        both.wait()
        with httpx.stream(
            "GET", f"{origin}/api/v1/events/runs/{run.id}", headers=headers, timeout=30
        ) as answer:
            parser = EventParser("7")
            return [int(event.id) for piece in answer.iter_raw() for event in parser.feed(piece)]

    with serving(StreamApp(pooled, bench.hub, window_seconds=30)) as origin, ThreadPoolExecutor(8) as pool:
        reading = [pool.submit(read, origin) for _ in range(8)]
        both.wait()  # they connect while it is written
        writer = Workspace(more_databases(), workspace.tenant_id)
        for number in range(10):
            writer.log(run.id, 3, start=3 * number)
        writer.finish(run.id)
        found = [future.result() for future in reading]
    assert found == [list(range(8, 22 + 30 + 2))] * 8


def test_a_cursor_of_another_run_is_a_number_like_any_other_and_never_leaves_a_hole(
    bench: StreamBench, stream: httpx.Client
) -> None:
    long, short = finished(bench.workspace, logs=40), bench.workspace.running()
    bench.workspace.log(short.id, 3)
    beyond = stream.get(f"/{short.id}", headers={"Last-Event-ID": str(long.last_seq)})
    assert kinds(beyond) == [(0, "reset"), (5, "snapshot")]
    within = stream.get(f"/{long.id}", headers={"Last-Event-ID": "5"})
    assert [number for number, _ in kinds(within)] == list(range(6, long.last_seq + 1))


def test_a_cursor_of_another_tenants_run_tells_nothing_of_it(
    bench: StreamBench, stream: httpx.Client, new_tenant: Callable[[], UUID]
) -> None:
    foreign = finished(Workspace(bench.workspace.db, new_tenant()))
    unknown = UUID(int=foreign.id.int ^ 1)
    for cursor in ("0", str(foreign.last_seq), "-1", "999"):
        answers = [
            stream.get(f"/{run_id}", headers={"Last-Event-ID": cursor}) for run_id in (foreign.id, unknown)
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text.replace(str(foreign.id), "") == answers[1].text.replace(str(unknown), "")


@pytest.mark.parametrize("cursor", ["6", "9" * 10_000, "-1", "-" + "9" * 10_000])
@pytest.mark.parametrize("place", ["header", "query"])
def test_a_cursor_that_the_run_never_had_is_reset_however_long_it_is(
    bench: StreamBench, stream: httpx.Client, cursor: str, place: str
) -> None:
    run = bench.workspace.running()
    given = (
        {"headers": {"Last-Event-ID": cursor}} if place == "header" else {"params": {"lastEventId": cursor}}
    )
    assert kinds(stream.get(f"/{run.id}", **given)) == [(0, "reset"), (2, "snapshot")]  # type: ignore[arg-type]


@pytest.mark.parametrize("cursor", ["x", "1e3", "NaN", "1\u00a0", "x" * 10_000])
@pytest.mark.parametrize("place", ["header", "query"])
def test_a_cursor_that_is_no_number_is_400_however_long_it_is(
    bench: StreamBench, stream: httpx.Client, cursor: str, place: str
) -> None:
    run = bench.workspace.running()
    header = {"headers": {"Last-Event-ID": cursor.encode("latin-1")}}
    answer = stream.get(
        f"/{run.id}", **(header if place == "header" else {"params": {"lastEventId": cursor}})
    )  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert len(answer.text) < 200


@pytest.mark.parametrize("cursor", ["0", "1", "3"])
def test_a_live_run_whose_beginning_retention_has_removed_is_reset_to_a_snapshot(
    bench: StreamBench, stream: httpx.Client, cursor: str
) -> None:
    run = bench.workspace.running()
    bench.workspace.log(run.id, 6)
    bench.workspace.execute("delete from run_events where run_id = %s and seq <= 4", run.id)
    answer = stream.get(f"/{run.id}", headers={"Last-Event-ID": cursor})
    assert kinds(answer) == [(0, "reset"), (8, "snapshot")]
    kept = stream.get(f"/{run.id}", headers={"Last-Event-ID": "4"})
    assert [number for number, _ in kinds(kept)] == [5, 6, 7, 8]


def open_streams(
    bench: StreamBench, pooled: Database, run_id: UUID, end: Callable[[], None], **options: object
) -> tuple[list[str], int]:
    """The events of a stream under which `end` happens after its first bytes; the status when it is asked again."""
    with serving(StreamApp(pooled, bench.hub, window_seconds=60)) as origin:
        url, found, parser = f"{origin}/api/v1/events/runs/{run_id}", [], EventParser()
        with httpx.stream("GET", url, timeout=30, **options) as answer:  # type: ignore[arg-type]
            for piece in answer.iter_raw():
                if not found:
                    end()
                found += [event.type for event in parser.feed(piece)]
        return found, httpx.get(url, timeout=30, **options).status_code  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statement", "status"),
    [("delete from runs where id = %(run)s", 404), ("delete from api_tokens where id = %(token)s", 401)],
    ids=["run deleted", "token revoked"],
)
@pytest.mark.parametrize("with_ticket", [False, True])
def test_what_is_deleted_under_an_open_stream_ends_it_and_says_why_to_whoever_comes_back(
    bench: StreamBench, pooled: Database, statement: str, status: int, with_ticket: bool
) -> None:
    workspace, run = bench.workspace, bench.workspace.running()
    options: dict[str, object] = {"headers": {"Authorization": bench.authorization}}
    if with_ticket:
        principal = tenancy.authenticate(workspace.db, bench.authorization)
        with workspace.db.transaction(workspace.tenant_id) as connection:
            ticket, _ = tenancy.issue_ticket(connection, principal, run.id)
        options = {"params": {"ticket": ticket}}

    def end() -> None:
        with workspace.db.transaction(workspace.tenant_id) as connection:
            connection.execute(statement, {"run": run.id, "token": bench.token_id})

    found, again = open_streams(bench, pooled, run.id, end, **options)
    assert found == ["snapshot"]
    assert again == (401 if with_ticket else status)  # a ticket goes with its run as with its token


def test_a_run_that_ends_while_nobody_looks_is_whole_for_the_cursor_that_comes_back(
    bench: StreamBench, stream: httpx.Client
) -> None:
    run = bench.workspace.running()
    [(cursor, kind)] = kinds(stream.get(f"/{run.id}"))
    assert kind == "snapshot"
    bench.workspace.log(run.id, 4)
    bench.workspace.finish(run.id)
    rest = stream.get(f"/{run.id}", headers={"Last-Event-ID": str(cursor)})
    assert [number for number, _ in kinds(rest)] == [3, 4, 5, 6, 7]
    assert stream.get(f"/{run.id}", headers={"Last-Event-ID": "7"}).status_code == 204
