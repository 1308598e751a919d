"""A server on loopback that speaks OpenAI's and Anthropic's wire protocols, as well or as badly as a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

type Behaviour = Callable[["Exchange"], None]


@dataclass
class Seen:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Exchange:
    """One request that a behaviour answers."""

    def __init__(self, handler: BaseHTTPRequestHandler, closing: threading.Event) -> None:
        self._handler = handler
        self._closing = closing

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self._head(status, {"Content-Length": str(len(body)), "Connection": "close", **headers})
        self.write(body)

    def begin_stream(self, **headers: str) -> None:
        """A response whose end is the end of the connection."""
        self._head(200, {"Content-Type": "text/event-stream", "Connection": "close", **headers})

    def begin_chunked(self) -> None:
        self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})

    def write(self, piece: bytes) -> None:
        self._handler.wfile.write(piece)
        self._handler.wfile.flush()

    def wait(self, seconds: float) -> bool:
        """True when the server is being closed."""
        return self._closing.wait(seconds)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()


@dataclass
class ModelServer:
    """Answers each request by the next behaviour of the script, and keeps what it was asked."""

    script: list[Behaviour] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    host: str = "127.0.0.1"

    def __post_init__(self) -> None:
        owner = self
        self._closing = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                owner.seen.append(Seen(self.path, headers, json.loads(body)))
                self.close_connection = True
                with suppress(
                    BrokenPipeError, ConnectionResetError
                ):  # some tests are about clients that give up
                    owner.script.pop(0)(Exchange(self, owner._closing))

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer((self.host, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    def prompts(self) -> list[list[str]]:
        """The texts of each request's messages."""
        return [[message["content"] for message in seen.body["messages"]] for seen in self.seen]

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def events(documents: Iterable[dict[str, Any]], *, named: bool = False) -> bytes:
    lines = [
        (f"event: {document['type']}\n" if named else "") + f"data: {json.dumps(document)}\n\n"
        for document in documents
    ]
    return "".join(lines).encode()


def chunk(
    text: str = "", *, finish: str | None = None, usage: tuple[int, int, int] | None = None
) -> dict[str, Any]:
    """One `chat.completion.chunk`; with `usage` (input, output, cached) the last one, which has no choice."""
    document: dict[str, Any] = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}],
    }  # fmt: skip
    if usage is not None:
        document["choices"] = []
        document["usage"] = {
            "prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": usage[0] + usage[1],
            "prompt_tokens_details": {"cached_tokens": usage[2]},
        }  # fmt: skip
    return document


def says(text: str, *, usage: tuple[int, int, int] | None = (100, 20, 0), finish: str = "stop") -> Behaviour:
    """A whole, well-formed streamed answer of OpenAI's protocol."""

    def behave(exchange: Exchange) -> None:
        documents = [chunk(piece) for piece in (text[: len(text) // 2], text[len(text) // 2 :])]
        documents.append(chunk(finish=finish))
        documents += [chunk(usage=usage)] if usage else []
        exchange.begin_stream()
        exchange.write(events(documents) + b"data: [DONE]\n\n")

    return behave


def anthropic_says(
    text: str, *, usage: tuple[int, int, int] = (100, 20, 0), stop: str = "end_turn"
) -> Behaviour:
    """A whole streamed answer of Anthropic's protocol; `usage` is input (without cached), output, cached."""

    def behave(exchange: Exchange) -> None:
        told = {"input_tokens": usage[0], "output_tokens": 1, "cache_read_input_tokens": usage[2]}
        message = {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [],
            "usage": told,
        }
        documents = [
            {"type": "message_start", "message": message | {"stop_reason": None, "stop_sequence": None}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop, "stop_sequence": None},
                "usage": {"output_tokens": usage[1]},
            },
            {"type": "message_stop"},
        ]
        exchange.begin_stream()
        exchange.write(events(documents, named=True))

    return behave


def fails(
    status: int, code: str = "some_error", message: str = "words of the provider", **headers: str
) -> Behaviour:
    """An error before any stream."""
    body = json.dumps({"error": {"message": message, "type": code, "code": code}, "type": "error"}).encode()
    return lambda exchange: exchange.send(status, body, Content_Type="application/json", **headers)


def breaks_off(text: str = "half an ans") -> Behaviour:
    """The connection is closed in the middle of a chunked answer."""

    def behave(exchange: Exchange) -> None:
        piece = events([chunk(text)])
        exchange.begin_chunked()
        exchange.write(b"%x\r\n%b\r\n" % (len(piece), piece) + b"ff\r\ndata: {")

    return behave


def ends_early(text: str = "half an ans") -> Behaviour:
    """The stream ends in good order, before the answer has."""

    def behave(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.write(events([chunk(text)]))

    return behave


def falls_silent() -> Behaviour:
    """The answer begins, and then nothing more comes."""

    def behave(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.write(events([chunk("half")]))
        exchange.wait(60)

    return behave


def never_answers(exchange: Exchange) -> None:
    """Takes the question, and says nothing."""
    exchange.wait(60)


def drips(exchange: Exchange) -> None:
    """Never silent for long, and never done."""
    exchange.begin_stream()
    while not exchange.wait(0.02):
        exchange.write(events([chunk("x")]))


def sends(body: bytes, **headers: str) -> Behaviour:
    """A 200 with this body."""
    return lambda exchange: exchange.send(200, body, **{"Content_Type": "text/event-stream", **headers})


def fails_in_stream(code: str) -> Behaviour:
    """A stream that has begun and then says that it has failed."""

    def behave(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.write(events([chunk("half"), {"error": {"message": "words", "type": code, "code": code}}]))

    return behave
