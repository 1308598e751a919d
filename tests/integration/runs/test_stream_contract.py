"""The contract of the stream (design, section 6), rows 1 to 5, on the bytes that go out."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from run_workspace import Workspace
from stream_bench import StreamBench, events, finished, parsed, wire

from nyxcore.errors import NotFound, Unauthenticated
from nyxcore.runs import stream
from nyxcore.runs.hub import StreamHub
from nyxcore.runs.models import Event, item_events
from nyxcore.tenancy import service as tenancy


@pytest.fixture(scope="module")
def database_urls(module_database_urls: object) -> object:
    return module_database_urls


# --- the form ------------------------------------------------------------------------------------


def test_every_event_has_an_id_a_type_and_one_line_of_data_and_lines_end_in_lf(bench: StreamBench) -> None:
    run = finished(bench.workspace)
    response = bench.open(run.id)
    body = b"".join(response.chunks)

    assert response.status == 200
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert b"\r" not in body
    retry, _, rest = body.decode("ascii").partition("\n")
    *blocks, end = rest.split("\n\n")
    assert re.fullmatch(r"retry: \d+", retry) and end == ""
    for number, block in enumerate(blocks, start=1):
        assert re.fullmatch(rf"id: {number}\nevent: [a-z]+\ndata: \{{.*\}}", block)


# --- 1: where it begins --------------------------------------------------------------------------


def test_1_without_a_cursor_an_unfinished_run_begins_with_its_snapshot(bench: StreamBench) -> None:
    run = bench.workspace.running()
    bench.workspace.log(run.id, 3)
    bench.workspace.append(run.id, counts={"files": 9})
    now = bench.workspace.get(run.id)

    assert events(bench.read(run.id)) == [(5, "snapshot", wire(now))]


def test_1_without_a_cursor_a_finished_run_gives_its_rows_from_the_first_to_done(bench: StreamBench) -> None:
    run = finished(bench.workspace)
    found = events(bench.read(run.id, window=60))
    assert found == bench.workspace.events(run.id)
    assert [(number, kind) for number, kind, _ in found] == [
        (1, "status"),
        (2, "status"),
        (3, "log"),
        (4, "log"),
        (5, "done"),
    ]


@pytest.mark.parametrize("cursor", [0, 1, 2, 3])
def test_1_with_a_cursor_every_event_after_it_comes_in_order_and_none_twice(
    bench: StreamBench, cursor: int
) -> None:
    run = bench.workspace.running()
    bench.workspace.log(run.id, 2)
    found = events(bench.read(run.id, cursor))
    assert [number for number, _, _ in found] == list(range(cursor + 1, 5))
    assert found == bench.workspace.events(run.id)[cursor:]


def test_1_the_header_wins_over_the_query_and_the_query_serves_where_there_is_no_header(
    bench: StreamBench,
) -> None:
    run = finished(bench.workspace)
    assert [e[0] for e in events(bench.read(run.id, 3, query_cursor="1"))] == [4, 5]
    assert [e[0] for e in events(bench.read(run.id, query_cursor="2"))] == [3, 4, 5]
    assert [e[0] for e in events(bench.read(run.id, "", query_cursor="4"))] == [5]


def test_1_the_first_bytes_are_there_before_anything_is_waited_for(bench: StreamBench) -> None:
    run = bench.workspace.running()
    chunks = bench.open(run.id, window=60).chunks
    first = next(chunks)
    assert first.startswith(b"retry: ") and b"event: snapshot" in first
    chunks.close()  # type: ignore[attr-defined]


# --- 2, 3: live ----------------------------------------------------------------------------------


def test_2_what_happens_while_the_stream_is_open_follows_and_done_ends_it(bench: StreamBench) -> None:
    run = bench.workspace.running()
    finding = {"rule": "ruff:S602", "message": "caf\u00e9 \u2028 \r\n"}

    def work() -> None:
        bench.workspace.append(run.id, Event("phase", {"phase": "scanning"}), phase="scanning")
        bench.workspace.append(run.id, *item_events("findings", [finding] * 150))
        bench.workspace.finish(run.id)

    found = []
    for event in parsed(bench.open(run.id, window=60).chunks):
        found.append(event)
        if event.type == "snapshot":
            work()

    kinds = [(int(event.id), event.type) for event in found]
    assert kinds == [(2, "snapshot"), (3, "phase"), (4, "findings"), (5, "findings"), (6, "done")]
    assert [len(json.loads(event.data)["items"]) for event in found[2:4]] == [100, 50]
    assert json.loads(found[2].data)["items"][0] == finding
    assert json.loads(found[-1].data) == {"run": wire(bench.workspace.get(run.id))}


def test_3_one_round_trip_a_tick_serves_the_streams_of_all_tenants(
    workspace: Workspace, new_tenant: Callable[[], UUID], tmp_path: Path
) -> None:
    trace = (tmp_path / "protocol").open("w+b")

    def connect() -> object:
        connection = workspace.db.connect()
        connection.pgconn.trace(trace.fileno())
        return connection

    hub = StreamHub(connect)  # type: ignore[arg-type]
    benches = [StreamBench(Workspace(workspace.db, new_tenant()), hub) for _ in range(3)]
    runs = [(bench, bench.workspace.running()) for bench in benches for _ in range(4)]
    readers = []
    for bench, run in runs:
        chunks = bench.open(run.id, window=60).chunks
        reader = threading.Thread(target=lambda chunks=chunks: list(chunks))
        reader.start()
        readers.append(reader)
    time.sleep(0.6)
    for bench, run in runs:
        bench.workspace.finish(run.id)
    for reader in readers:
        reader.join()
    ticks = hub.ticks
    hub.close()

    trace.seek(0)
    sent = [line.split(b"\t")[3] for line in trace.read().splitlines() if line.split(b"\t")[1] == b"F"]
    trace.close()
    assert ticks >= 2
    assert sent.count(b"Sync") == ticks


def test_3_a_revoked_token_ends_its_streams(bench: StreamBench) -> None:
    run = bench.workspace.running()
    chunks = bench.open(run.id, window=60).chunks
    next(chunks)
    bench.workspace.execute("delete from api_tokens where id = %s", bench.token_id)
    assert list(chunks) == []
    with pytest.raises(Unauthenticated):
        bench.open(run.id)


def test_3_a_token_that_expires_and_a_member_who_leaves_end_their_streams(bench: StreamBench) -> None:
    run = bench.workspace.running()
    chunks = bench.open(run.id, window=60).chunks
    next(chunks)
    bench.workspace.execute("update api_tokens set expires_at = now() where id = %s", bench.token_id)
    assert list(chunks) == []

    bench.workspace.execute(
        "insert into members (tenant_id, subject, role) values (%s, 'alice', 'viewer')",
        bench.workspace.tenant_id,
    )
    principal = tenancy.Principal(
        bench.workspace.tenant_id, "member:alice", frozenset({"runs:read"}), subject="alice"
    )
    with bench.workspace.db.transaction(bench.workspace.tenant_id) as connection:
        opening = stream._begin(connection, principal, run.id, None, None)
    chunks = stream._chunks(opening, bench.hub, 60)
    next(chunks)
    bench.workspace.execute("delete from members")
    assert list(chunks) == []


def test_3_a_deleted_run_ends_its_streams(bench: StreamBench) -> None:
    run = bench.workspace.running()
    chunks = bench.open(run.id, window=60).chunks
    next(chunks)
    bench.workspace.execute("delete from runs where id = %s", run.id)
    assert list(chunks) == []
    with pytest.raises(NotFound):
        bench.open(run.id)


# --- 4: heartbeats -------------------------------------------------------------------------------


def test_4_silence_is_broken_by_comments_that_no_parser_sees(
    bench: StreamBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stream.HEARTBEAT_SECONDS < 15
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.05)
    run = bench.workspace.running()
    body = bench.read(run.id, 2, window=0.5)
    assert body.count(b": still here\n") >= 3
    assert events(body) == []


# --- 5: done -------------------------------------------------------------------------------------


def test_5_after_done_the_server_closes_and_a_cursor_at_done_is_answered_with_204(bench: StreamBench) -> None:
    run = finished(bench.workspace)
    assert events(bench.read(run.id, 4, window=60))[-1][1] == "done"
    response = bench.open(run.id, 5)
    assert (response.status, list(response.chunks)) == (204, [])
    assert "Content-Type" not in response.headers


def test_5_done_carries_links_to_where_the_service_is_now(
    bench: StreamBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(bench.workspace)
    monkeypatch.setenv("NYX_PUBLIC_BASE_URL", "https://moved.example")
    stream.settings.cache_clear()
    done = events(bench.read(run.id, 4))[-1][2]["run"]
    assert done == wire(bench.workspace.get(run.id))
    assert done["links"]["self"].startswith("https://moved.example/")
