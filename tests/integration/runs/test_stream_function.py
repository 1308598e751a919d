"""The stream's Lambda function as a process on its layer, asked over HTTP through a gateway that streams."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from run_workspace import Workspace
from runtime_api import SEPARATOR, Gateway, RuntimeApi
from stream_bench import StreamBench, events, parsed

from nyx.events import follow
from nyxcore.ids import uuid7

ROOT = Path(__file__).parents[3]
type Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start_stream(start_function: Start, database_urls: Any) -> Start:
    def start(**environment: str) -> subprocess.Popen[bytes]:
        return start_function(
            "stream.handler.handler",
            ROOT / "functions",
            NYX_DATABASE_URL=database_urls.app_url,
            NYX_PUBLIC_BASE_URL="https://nyx.example",
            NYX_CORS_ORIGINS='["https://app.example"]',
            **environment,
        )

    return start


@pytest.fixture
def gateway(runtime: RuntimeApi) -> Iterator[Gateway]:
    gateway = Gateway(runtime)
    yield gateway
    gateway.close()


@pytest.fixture
def client(gateway: Gateway, bench: StreamBench) -> Iterator[httpx.Client]:
    headers = {"Authorization": bench.authorization}
    with httpx.Client(base_url=f"{gateway.origin}/api/v1/events", headers=headers, timeout=30) as client:
        yield client


def test_events_reach_the_client_while_the_run_goes_on(
    bench: StreamBench, start_stream: Start, client: httpx.Client
) -> None:
    start_stream()
    workspace, run = bench.workspace, bench.workspace.running()
    seen = []
    with client.stream("GET", f"/auto-fix/{run.id}") as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        for event in parsed(response.iter_raw()):
            seen.append((int(event.id), event.type))
            if event.type == "snapshot":
                workspace.log(run.id, 1)
            elif event.type == "log":
                workspace.finish(run.id)
    assert seen == [(2, "snapshot"), (3, "log"), (4, "done")]
    done = client.get(f"/auto-fix/{run.id}", headers={"Last-Event-ID": "4"})
    assert (done.status_code, done.content) == (204, b"")
    assert events(client.get(f"/runs/{run.id}?lastEventId=1").content) == workspace.events(run.id)[1:]


def test_the_stream_closes_between_events_before_the_function_is_ended_and_the_client_goes_on(
    bench: StreamBench, start_stream: Start, gateway: Gateway
) -> None:
    start_stream()
    gateway.timeout_ms = 5_400  # 5 s of it are kept for closing
    workspace, run = bench.workspace, bench.workspace.running()
    token = bench.authorization.removeprefix("Bearer ")
    closings: list[str] = []

    def on_reconnect(reason: str) -> None:
        closings.append(reason)
        if len(closings) == 3:
            workspace.finish(run.id)
        else:
            workspace.log(run.id, 1)

    found = follow(gateway.origin, token, run.id, on_reconnect=on_reconnect, sleep=lambda _: None)
    assert [(event.id, event.type) for event in found] == [
        (2, "snapshot"),
        (3, "log"),
        (4, "log"),
        (5, "done"),
    ]
    assert closings == ["the server closed the stream"] * 3


def test_the_place_of_a_stream_is_free_when_its_response_ends(
    bench: StreamBench, start_stream: Start, client: httpx.Client
) -> None:
    """Afterwards Lambda freezes the process, and nothing would give it back."""
    start_stream(NYX_STREAMS_PER_RUN="1", NYX_STREAM_WINDOW_SECONDS="0.2")
    run = bench.workspace.running()
    for _ in range(3):
        assert [kind for _, kind, _ in events(client.get(f"/runs/{run.id}").content)] == ["snapshot"]
        assert bench.leases() == 0


def test_a_client_that_leaves_does_not_keep_the_function_from_the_next_one(
    bench: StreamBench, start_stream: Start, gateway: Gateway, client: httpx.Client
) -> None:
    start_stream(NYX_STREAM_WINDOW_SECONDS="20")
    gateway.cut_when_client_leaves = True
    workspace, run = bench.workspace, bench.workspace.running()
    with client.stream("GET", f"/runs/{run.id}") as response:
        body = response.iter_raw()
        assert b"event: snapshot" in next(body)
    for number in range(4):  # what is written to a connection that nobody reads breaks it
        workspace.log(run.id, 1, start=number)
        time.sleep(0.3)
    workspace.finish(run.id)
    assert events(client.get(f"/runs/{run.id}").content) == workspace.events(run.id)


def test_where_nobody_tells_the_function_that_the_client_has_left_its_window_ends_the_stream(
    bench: StreamBench, start_stream: Start, gateway: Gateway, client: httpx.Client
) -> None:
    start_stream(NYX_STREAM_WINDOW_SECONDS="4", NYX_STREAMS_PER_RUN="1")
    workspace, run = bench.workspace, bench.workspace.running()
    with client.stream("GET", f"/runs/{run.id}") as response:
        assert b"event: snapshot" in next(response.iter_raw())
    written = 0
    while gateway.abandoned.empty():  # the gateway alone finds out, by what it cannot send
        assert written < 100, "the window ended first"
        workspace.log(run.id, 1, start=written)
        written += 1
        time.sleep(0.1)
    invocation = gateway.abandoned.get()
    assert bench.leases() == 1
    workspace.log(run.id, 1, start=written)
    unread = b""
    while (part := invocation.part())[0] == "data":
        unread += part[1]
    assert part == ("end", {})
    assert events(unread)[-1] == workspace.events(run.id)[-1], "it went on for nobody"
    assert bench.leases() == 0
    workspace.finish(run.id)
    assert events(client.get(f"/runs/{run.id}").content) == workspace.events(run.id)


def test_errors_are_problem_details_and_a_page_of_a_known_origin_may_read_them(
    bench: StreamBench, start_stream: Start, client: httpx.Client
) -> None:
    start_stream()
    run = bench.workspace.running()
    for path, headers, status, code in (
        (f"/runs/{uuid7()}", {}, 404, "not_found"),
        (f"/workflows/{run.id}", {}, 404, "not_found"),
        (f"/runs/{run.id}", {"Last-Event-ID": "x"}, 400, "bad_cursor"),
        (f"/runs/{run.id}", {"Authorization": "Bearer x"}, 401, "unauthenticated"),
    ):
        answer = client.get(path, headers={"Origin": "https://app.example"} | headers)
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert ("www-authenticate" in answer.headers) == (status == 401)
    stranger = client.get(f"/runs/{run.id}", headers={"Origin": "https://evil.example", "Last-Event-ID": "x"})
    assert "access-control-allow-origin" not in stranger.headers


def test_an_event_of_an_unknown_shape_is_answered_with_nothing_and_is_no_error(
    start_stream: Start, runtime: RuntimeApi
) -> None:
    start_stream()
    for event in (None, {}, [], "x", {"completed": True}, {"requestContext": None}):
        assert runtime.invoke(event).part() == ("buffered", None)


def test_the_sample_event_is_a_request_that_nobody_may_make(
    start_stream: Start, runtime: RuntimeApi, workspace: Workspace
) -> None:
    start_stream()
    invocation = runtime.invoke(json.loads((ROOT / "events" / "StreamFunction.json").read_text()))
    kind, metadata = invocation.part()
    assert kind == "data"
    assert json.loads(metadata.removesuffix(SEPARATOR))["statusCode"] == 401


def test_under_sam_local_the_stream_is_finite_and_whole(
    bench: StreamBench, start_stream: Start, runtime: RuntimeApi
) -> None:
    start_stream(AWS_SAM_LOCAL="true")
    run = bench.workspace.running()
    bench.workspace.log(run.id, 5)
    event = {
        "requestContext": {},
        "headers": {"AUTHORIZATION": bench.authorization, "last-event-id": "0"},
        "pathParameters": {"family": "runs", "runId": str(run.id)},
    }
    kind, answer = runtime.invoke(event).part()
    assert (kind, answer["statusCode"]) == ("buffered", 200)
    assert events(answer["body"].encode()) == bench.workspace.events(run.id)
