"""The Python client against the cases that the JavaScript client has too (follow_cases.json)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nyx.events import StreamEvent, StreamRefused, follow
from nyxcore.runs import sse

CASES = json.loads(Path(__file__).with_name("follow_cases.json").read_text())


class Body(httpx.SyncByteStream):
    """The events of an attempt, half of another one, and a broken connection, as the attempt says.

    With `gzip` it is compressed, each piece so that it can be read without the next.
    """

    def __init__(self, attempt: dict[str, Any]) -> None:
        self._attempt = attempt

    def __iter__(self) -> Iterator[bytes]:
        packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
        for piece in self._pieces():
            packed = packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
            yield packed if "gzip" in self._attempt else piece
        if self._attempt.get("breaks"):
            raise httpx.ReadError("connection reset")

    def _pieces(self) -> Iterator[bytes]:
        yield sse.retry(1000)
        for event in self._attempt["events"]:
            yield encoded(event)
        if "half" in self._attempt:
            whole = encoded(self._attempt["half"])
            yield whole[: len(whole) // 2]


def encoded(event: list[Any]) -> bytes:
    number, kind, data = event
    return sse.encode(number, kind, data if isinstance(data, str) else json.dumps(data))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_python_client_does_as_the_javascript_client_does(case: dict[str, Any]) -> None:
    attempts = iter(case["attempts"])
    cursors: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        attempt = next(attempts)
        cursors.append(request.headers.get("last-event-id"))
        if attempt.get("unreachable"):
            raise httpx.ConnectError("refused")
        if "status" in attempt:
            return httpx.Response(attempt["status"], json={"detail": attempt.get("detail")})
        headers = {"Content-Type": attempt.get("type", sse.MEDIA_TYPE)}
        if "gzip" in attempt:
            headers["Content-Encoding"] = "gzip"
        return httpx.Response(200, headers=headers, stream=Body(attempt))

    seen: list[StreamEvent] = []
    refused: dict[str, Any] | None = None
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        try:
            seen += follow(
                "http://nyx.example", "t", "r1", after=case["after"], client=client, sleep=lambda _: None
            )
        except StreamRefused as error:
            refused = {"refused": error.answer, "message": str(error)}
    assert [[event.id, event.type, event.data] for event in seen] == case["delivered"]
    assert cursors == case["cursors"]
    assert refused == (case["end"] if isinstance(case["end"], dict) else None)
    assert (case["end"] == "done") == bool(seen and seen[-1].type == "done")
