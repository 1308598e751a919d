"""The contract of the stream (design, section 6), rows 6 to 8: bad cursors, trouble, and strangers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from uuid import UUID

import pytest
from run_workspace import Workspace
from stream_bench import StreamBench, events, finished, parsed, wire

from nyxcore.db.connection import Connection
from nyxcore.errors import BadCursor, Forbidden, NotFound, Unauthenticated
from nyxcore.ids import uuid7
from nyxcore.runs import stream
from nyxcore.runs.hub import MAX_EVENTS
from nyxcore.tenancy import service as tenancy


@pytest.fixture(scope="module")
def database_urls(module_database_urls: object) -> object:
    return module_database_urls


# --- 6: cursors that are worth nothing -----------------------------------------------------------


@pytest.mark.parametrize("cursor", ["7", "999999999999999999", "9" * 10_000, "-1", "-99999999999999999999"])
def test_6_a_cursor_that_the_run_never_had_is_answered_with_reset_and_a_fresh_snapshot(
    bench: StreamBench, cursor: str
) -> None:
    run = bench.workspace.running()
    found = events(bench.read(run.id, cursor))
    assert [(number, kind) for number, kind, _ in found] == [(0, "reset"), (2, "snapshot")]
    assert found[1][2] == wire(bench.workspace.get(run.id))


def test_6_on_a_finished_run_reset_is_followed_by_every_row_up_to_done(bench: StreamBench) -> None:
    run = finished(bench.workspace)
    found = events(bench.read(run.id, 6, window=60))
    assert found[0][:2] == (0, "reset")
    assert found[1:] == bench.workspace.events(run.id)


@pytest.mark.parametrize("cursor", [None, 0, 1, 3])
def test_6_a_cursor_before_events_that_retention_has_removed_is_answered_with_reset_and_what_is_left(
    bench: StreamBench, cursor: int | None
) -> None:
    run = finished(bench.workspace)
    bench.workspace.execute("delete from run_events where run_id = %s and type <> 'done'", run.id)
    found = events(bench.read(run.id, cursor, window=60))
    assert [(number, kind) for number, kind, _ in found] == [(0, "reset"), (5, "done")]


def test_6_a_cursor_right_before_done_loses_nothing_to_retention_and_is_not_reset(bench: StreamBench) -> None:
    run = finished(bench.workspace)
    bench.workspace.execute("delete from run_events where run_id = %s and type <> 'done'", run.id)
    assert [(number, kind) for number, kind, _ in events(bench.read(run.id, 4))] == [(5, "done")]


def test_6_rows_that_are_removed_in_the_middle_of_a_replay_end_it_instead_of_leaving_a_hole(
    bench: StreamBench,
) -> None:
    run = finished(bench.workspace, logs=2 * MAX_EVENTS)
    chunks = bench.open(run.id, 0, window=60).chunks
    first = events(next(chunks))
    bench.workspace.execute("delete from run_events where run_id = %s and type <> 'done'", run.id)
    rest = events(b"".join(chunks))
    seen = [number for number, _, _ in first + rest]
    assert seen == list(range(1, len(seen) + 1)) and len(seen) >= MAX_EVENTS
    assert "done" not in [kind for _, kind, _ in first + rest]
    again = events(bench.read(run.id, seen[-1], window=60))
    assert [(number, kind) for number, kind, _ in again] == [(0, "reset"), (run.last_seq, "done")]


@pytest.mark.parametrize("cursor", ["x", "1.5", "0x1", "+1", "1 2", "\u0661", "-", "a" * 10_000])
def test_6_a_cursor_that_is_no_number_is_400(bench: StreamBench, cursor: str) -> None:
    run = bench.workspace.running()
    with pytest.raises(BadCursor) as caught:
        bench.open(run.id, cursor)
    assert caught.value.status == 400 and len(caught.value.message) < 200


def test_6_two_reconnects_with_the_same_cursor_get_the_same_events(bench: StreamBench) -> None:
    run = finished(bench.workspace)
    first, second = bench.open(run.id, 2, window=60), bench.open(run.id, 2, window=60)
    assert (
        events(b"".join(first.chunks))
        == events(b"".join(second.chunks))
        == bench.workspace.events(run.id)[2:]
    )


# --- 7: closing and trouble ----------------------------------------------------------------------


def test_7_the_window_ends_between_events_and_the_client_goes_on_with_its_cursor(bench: StreamBench) -> None:
    run = bench.workspace.running()
    seen: list[tuple[int, str, object]] = []
    cursor: int | None = 0
    for number in range(4):
        bench.workspace.log(run.id, 5, start=5 * number)
        body = bench.read(run.id, cursor, window=0.2)
        assert body.endswith(b"\n\n")  # between events
        seen += events(body)
        cursor = seen[-1][0]
    assert seen == bench.workspace.events(run.id)


def test_7_a_stream_that_nobody_reads_any_more_lives_no_longer_than_its_window(bench: StreamBench) -> None:
    run = bench.workspace.running()
    assert events(b"".join(bench.open(run.id, window=0.1).chunks))[-1][1] == "snapshot"
    assert bench.hub._watches == set()


def test_7_a_database_that_is_away_is_answered_with_retry_and_200(
    bench: StreamBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bench.workspace.running()
    monkeypatch.setattr(bench.workspace.db, "_url", "postgresql://nyx_app@127.0.0.1:1/none")
    bench.workspace.db.close()
    response = bench.open(run.id)
    assert response.status == 200
    assert re.fullmatch(rb"retry: \d+\n", b"".join(response.chunks))


def test_7_a_writer_that_has_become_a_reader_is_answered_with_retry_and_200(
    bench: StreamBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bench.workspace.running()
    url = f"{bench.workspace.db._url}?options=-c%20default_transaction_read_only%3Don"
    monkeypatch.setattr(bench.workspace.db, "_url", url)
    bench.workspace.db.close()
    response = bench.open(run.id)
    bench.workspace.db.close()
    assert response.status == 200
    assert re.fullmatch(rb"retry: \d+\n", b"".join(response.chunks))


def test_7_a_database_that_goes_away_ends_open_streams_with_retry(
    bench: StreamBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bench.workspace.running()
    chunks = bench.open(run.id, window=60).chunks
    next(chunks)
    with bench.workspace.db.connect() as survivor:
        monkeypatch.setattr(bench.workspace.db, "_url", "postgresql://nyx_app@127.0.0.1:1/none")
        _terminate_others(survivor)
    assert re.fullmatch(rb"retry: \d+\n", b"".join(chunks))


def test_7_a_connection_that_breaks_is_made_anew_without_the_client_noticing(bench: StreamBench) -> None:
    run = bench.workspace.running()
    chunks = bench.open(run.id, 2, window=60).chunks
    next(chunks)
    first = threading.Thread(target=lambda: found.extend(parsed(chunks)))
    found: list[object] = []
    first.start()
    for number in range(3):
        with bench.workspace.db.connect() as survivor:
            _terminate_others(survivor)
        bench.workspace.log(run.id, 1, start=number)
        time.sleep(0.3)
    bench.workspace.finish(run.id)
    first.join()
    assert [int(event.id) for event in found] == [3, 4, 5, 6]  # type: ignore[attr-defined]


# --- 8: who may read it --------------------------------------------------------------------------


def test_8_an_unknown_a_foreign_and_a_wrongly_named_run_are_the_same_404(
    bench: StreamBench, new_tenant: Callable[[], UUID]
) -> None:
    foreign = Workspace(bench.workspace.db, new_tenant()).running()
    mine = bench.workspace.running()
    for run_id, path in (
        (foreign.id, "runs"),
        (uuid7(), "runs"),
        ("nonsense", "runs"),
        (mine.id, "refactor"),
        (mine.id, "workflows"),
        (mine.id, "nonsense"),
    ):
        with pytest.raises(NotFound):
            bench.open(run_id, path=path)
    assert events(bench.read(mine.id, path="auto-fix"))[0][1] == "snapshot"


def test_8_a_ticket_opens_the_stream_of_its_run_alone_and_dies_with_its_token(bench: StreamBench) -> None:
    run, other = bench.workspace.running(), bench.workspace.running()
    principal = tenancy.authenticate(bench.workspace.db, bench.authorization)
    with bench.workspace.db.transaction(bench.workspace.tenant_id) as connection:
        ticket, _ = tenancy.issue_ticket(connection, principal, run.id)
    assert events(bench.read(run.id, authorization=None, ticket=ticket))[0][1] == "snapshot"
    with pytest.raises(Unauthenticated):
        bench.open(other.id, authorization=None, ticket=ticket)

    chunks = bench.open(run.id, authorization=None, ticket=ticket, window=60).chunks
    next(chunks)
    bench.workspace.execute("delete from api_tokens where id = %s", bench.token_id)
    assert list(chunks) == []
    with pytest.raises(Unauthenticated):
        bench.open(run.id, authorization=None, ticket=ticket)


def test_8_a_ticket_that_a_member_asked_for_dies_when_the_member_is_removed(bench: StreamBench) -> None:
    run, tenant_id = bench.workspace.running(), bench.workspace.tenant_id
    for subject in ("alice", "bob"):
        bench.workspace.execute(
            "insert into members (tenant_id, subject, role) values (%s, %s, 'viewer')", tenant_id, subject
        )
    alice, bob = (
        tenancy.Principal(tenant_id, f"member:{subject}", frozenset({"runs:read"}), subject=subject)
        for subject in ("alice", "bob")
    )
    with bench.workspace.db.transaction(tenant_id) as connection:
        of_alice, _ = tenancy.issue_ticket(connection, alice, run.id)
        of_bob, _ = tenancy.issue_ticket(connection, bob, run.id)

    chunks = bench.open(run.id, authorization=None, ticket=of_alice, window=60).chunks
    next(chunks)
    bench.workspace.execute("delete from members where subject = 'alice'")
    assert list(chunks) == []
    with pytest.raises(Unauthenticated):
        bench.open(run.id, authorization=None, ticket=of_alice)
    assert events(bench.read(run.id, authorization=None, ticket=of_bob))[0][1] == "snapshot"


def test_8_nobody_a_stranger_and_a_token_without_the_scope_are_refused(bench: StreamBench) -> None:
    run = bench.workspace.running()
    with bench.workspace.db.transaction(bench.workspace.tenant_id) as connection:
        _, other_scope = tenancy.issue_token(
            connection, bench.workspace.tenant_id, name="t", scopes=["reports:read"], created_by="system"
        )
    with pytest.raises(Unauthenticated):
        bench.open(run.id, authorization=None)
    with pytest.raises(Unauthenticated):
        bench.open(run.id, authorization="Bearer nonsense")
    with pytest.raises(Forbidden):
        bench.open(run.id, authorization=f"Bearer {other_scope}")


def test_8_a_token_of_another_project_does_not_see_the_run(bench: StreamBench) -> None:
    run = bench.workspace.running()
    project_id = uuid7()
    bench.workspace.execute(
        "insert into projects (tenant_id, id, name) values (%s, %s, 'p')",
        bench.workspace.tenant_id,
        project_id,
    )
    with bench.workspace.db.transaction(bench.workspace.tenant_id) as connection:
        _, pinned = tenancy.issue_token(
            connection,
            bench.workspace.tenant_id,
            name="t",
            scopes=["runs:read"],
            project_id=project_id,
            created_by="system",
        )
    with pytest.raises(NotFound):
        bench.open(run.id, authorization=f"Bearer {pinned}")


def test_8_neither_ticket_nor_token_shows_in_what_is_logged_of_a_request() -> None:
    request = stream.StreamRequest("runs", "x", authorization="Bearer secret", ticket="secret")
    assert "secret" not in repr(request)


def _terminate_others(survivor: Connection) -> None:
    """What a restart of the server, or a proxy's idle timeout, does to connections."""
    survivor.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
