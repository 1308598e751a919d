"""The loop over the Runtime API, as a process, with a handler that does what the test says."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from runtime_api import SEPARATOR, Gateway, Invocation, RuntimeApi

HERE = Path(__file__).parent
type Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(autouse=True)
def environment() -> None:
    """The loop needs neither settings nor a database."""


@pytest.fixture
def function(start_function: Start) -> subprocess.Popen[bytes]:
    return start_function("scripted_handler.handler", HERE)


def data(invocation: Invocation) -> bytes:
    kind, value = invocation.part()
    assert kind == "data"
    return bytes(value)


def test_each_chunk_is_sent_when_it_is_made(
    runtime: RuntimeApi, function: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    invocation = runtime.invoke({"what": "paced", "gates": str(tmp_path), "count": 3})
    metadata = data(invocation)
    assert metadata.endswith(SEPARATOR)
    assert json.loads(metadata.removesuffix(SEPARATOR)) == {
        "statusCode": 200,
        "headers": {"Content-Type": "text/plain"},
    }
    for number in range(3):
        assert invocation.parts.empty()
        (tmp_path / str(number)).touch()
        assert data(invocation) == b"chunk %d\n" % number
    assert invocation.part() == ("end", {})
    assert invocation.headers is not None
    assert invocation.headers["Lambda-Runtime-Function-Response-Mode"] == "streaming"
    assert invocation.headers["Content-Type"] == "application/vnd.awslambda.http-integration-response"


def test_the_next_invocation_is_served_after_a_stream(
    runtime: RuntimeApi, function: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    for _ in range(2):
        invocation = runtime.invoke({"what": "paced", "gates": str(tmp_path), "count": 0})
        data(invocation)
        assert invocation.part() == ("end", {})
    assert runtime.invoke("hello").part() == ("buffered", {"echo": "hello"})


@pytest.mark.parametrize("event", [None, [], "x", 7, {}, {"what": "unheard of"}])
def test_what_is_no_stream_is_answered_as_one_document(
    runtime: RuntimeApi, function: subprocess.Popen[bytes], event: Any
) -> None:
    assert runtime.invoke(event).part() == ("buffered", {"echo": event})


def test_the_handler_learns_which_invocation_it_is_and_how_long_it_may_take(
    runtime: RuntimeApi, function: subprocess.Popen[bytes]
) -> None:
    invocation = runtime.invoke({"what": "context"}, timeout_ms=60_000)
    _, answer = invocation.part()
    assert answer["id"] == invocation.id
    assert 0 < answer["left"] <= 60_000
    assert answer["trace"].startswith("Root=1-")
    assert runtime.invoke({"what": "context"}, timeout_ms=-1000).part()[1]["left"] == 0


def test_a_handler_that_raises_is_reported_and_the_process_goes_on(
    runtime: RuntimeApi, function: subprocess.Popen[bytes]
) -> None:
    invocation = runtime.invoke({"what": "raise"})
    kind, error = invocation.part()
    assert (kind, error["errorType"], error["errorMessage"]) == ("error", "LookupError", "no such thing")
    assert invocation.headers is not None
    assert invocation.headers["Lambda-Runtime-Function-Error-Type"] == "Runtime.LookupError"
    assert runtime.invoke("next").part() == ("buffered", {"echo": "next"})


def test_an_error_in_the_middle_comes_as_trailers_and_the_client_sees_a_cut_body(
    runtime: RuntimeApi, function: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    invocation = runtime.invoke({"what": "breaks"})
    assert [data(invocation)[:1], data(invocation)] == [b"{", b"so far so good\n"]
    kind, trailers = invocation.part()
    assert kind == "end"
    assert trailers["Lambda-Runtime-Function-Error-Type"] == "Runtime.ValueError"
    error = json.loads(base64.b64decode(trailers["Lambda-Runtime-Function-Error-Body"]))
    assert error["errorMessage"] == "broke in the middle"

    gateway = Gateway(runtime)
    monkeypatch.setattr(runtime, "invoke", lambda *_: RuntimeApi.invoke(runtime, {"what": "breaks"}))
    with httpx.stream("GET", f"{gateway.origin}/api/v1/events/runs/x") as response:
        body = response.iter_raw()
        assert next(body) == b"so far so good\n"
        with pytest.raises(httpx.RemoteProtocolError):
            next(body)
    gateway.close()


def test_when_the_response_is_not_wanted_any_more_the_handler_is_closed_and_the_process_goes_on(
    runtime: RuntimeApi, function: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    invocation = runtime.invoke({"what": "endless", "closed": str(closed)})
    data(invocation)
    invocation.client_gone.set()
    assert runtime.invoke("next").part() == ("buffered", {"echo": "next"})
    assert closed.read_text() == "yes"


def test_under_sam_local_a_stream_is_one_finite_document(
    runtime: RuntimeApi, start_function: Start, tmp_path: Path
) -> None:
    for number in range(2):
        (tmp_path / str(number)).touch()
    start_function("scripted_handler.handler", HERE, AWS_SAM_LOCAL="true")
    assert runtime.invoke({"what": "paced", "gates": str(tmp_path), "count": 2}).part() == (
        "buffered",
        {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": "chunk 0\nchunk 1\n"},
    )


def test_a_handler_that_cannot_be_loaded_is_reported_as_such_and_ends_the_process(
    runtime: RuntimeApi, start_function: Start
) -> None:
    process = start_function("no_such_module.handler", HERE)
    error = runtime.init_errors.get(timeout=30)
    assert error["errorType"] == "ModuleNotFoundError"
    assert process.wait(timeout=30) != 0


def test_a_runtime_api_that_ends_ends_the_process(
    runtime: RuntimeApi, function: subprocess.Popen[bytes]
) -> None:
    runtime.invoke("one").part()
    time.sleep(0.05)
    runtime.waiting.put(None)
    assert function.wait(timeout=30) != 0
