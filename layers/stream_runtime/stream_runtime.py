"""A loop over Lambda's Runtime API that can stream the response, which the managed Python runtime cannot.

A handler streams by returning an object with `status`, `headers` and `chunks` (an iterable of bytes);
whatever else it returns is sent as JSON, as by the managed runtime. The form of a streamed response is that
of API Gateway's response streaming: metadata as JSON, eight NUL bytes, the body
(https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html), sent as
described for custom runtimes
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming).
"""

from __future__ import annotations

import base64
import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

_API = "/2018-06-01/runtime"
_log = logging.getLogger("stream_runtime")


@runtime_checkable
class Streamed(Protocol):
    """What a handler returns to stream."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterable[bytes]


class Context:
    """The part of the managed runtime's context object that says which invocation this is and how long it may take."""

    def __init__(self, headers: http.client.HTTPMessage) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn", "")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        self._deadline_ms = int(headers.get("Lambda-Runtime-Deadline-Ms") or 0)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


def main() -> None:
    """Load the handler that `_HANDLER` names and serve invocations until Lambda ends the process."""
    logging.basicConfig(
        level=os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO"), format="%(levelname)s %(name)s %(message)s"
    )
    sys.path.insert(0, os.environ.get("LAMBDA_TASK_ROOT", "."))
    try:
        handler = _load(os.environ["_HANDLER"])
    except Exception as error:
        _post(f"{_API}/init/error", json.dumps(_described(error)), _error_type(error))
        raise
    invocations = _connection()
    while True:
        invocations.request("GET", f"{_API}/invocation/next")
        response = invocations.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"the Runtime API answered {response.status} to /next")
        if trace := response.headers.get("Lambda-Runtime-Trace-Id"):
            os.environ["_X_AMZN_TRACE_ID"] = trace
        serve(handler, body, Context(response.headers))


def serve(handler: Callable[[Any, Context], object], body: bytes, context: Context) -> None:
    """Answer one invocation; what the handler raises is reported and does not end the process."""
    invocation = f"{_API}/invocation/{context.aws_request_id}"
    try:
        result = handler(json.loads(body or b"null"), context)
        if isinstance(result, Streamed) and os.environ.get("AWS_SAM_LOCAL") != "true":
            _stream(f"{invocation}/response", result)
            return
        # `sam local` passes on nothing but one whole JSON document
        document = json.dumps(_whole(result) if isinstance(result, Streamed) else result)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is its invocation's error
        _log.exception("invocation %s failed", context.aws_request_id)
        _post(f"{invocation}/error", json.dumps(_described(error)), _error_type(error))
        return
    _post(f"{invocation}/response", document, {"Content-Type": "application/json"})


def _load(name: str) -> Callable[[Any, Context], object]:
    module, _, function = name.rpartition(".")
    handler: Callable[[Any, Context], object] = getattr(
        importlib.import_module(module.replace("/", ".")), function
    )
    return handler


def _whole(streamed: Streamed) -> dict[str, object]:
    body = b"".join(streamed.chunks).decode()
    return {"statusCode": streamed.status, "headers": dict(streamed.headers), "body": body}


def _stream(path: str, streamed: Streamed) -> None:
    """Send the response piece by piece, and an error in the middle as trailers, so that nobody takes it for whole."""
    connection = _connection()
    chunks = iter(streamed.chunks)
    try:
        connection.putrequest("POST", path)
        for name, value in (
            ("Lambda-Runtime-Function-Response-Mode", "streaming"),
            ("Content-Type", "application/vnd.awslambda.http-integration-response"),
            ("Transfer-Encoding", "chunked"),
            ("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"),
        ):
            connection.putheader(name, value)
        connection.endheaders()
        metadata = {"statusCode": streamed.status, "headers": dict(streamed.headers)}
        _send_chunk(connection, json.dumps(metadata).encode() + b"\0" * 8)
        connection.send(_end(_send_all(connection, chunks)))
        connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        _log.info("the response is not wanted any more: %s", error)
    finally:
        if isinstance(chunks, Iterator) and hasattr(chunks, "close"):
            chunks.close()
        connection.close()


def _send_all(connection: http.client.HTTPConnection, chunks: Iterator[bytes]) -> Exception | None:
    """Send every chunk; what the iterator raised, or None. What the connection raises goes through."""
    while True:
        try:
            chunk = next(chunks)
        except StopIteration:
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is, the client must learn that the body is cut
            _log.exception("the response broke off")
            return error
        if chunk:
            _send_chunk(connection, chunk)


def _send_chunk(connection: http.client.HTTPConnection, data: bytes) -> None:
    connection.send(b"%x\r\n%b\r\n" % (len(data), data))


def _end(error: Exception | None) -> bytes:
    """The last chunk, and the trailers that say what went wrong."""
    if error is None:
        return b"0\r\n\r\n"
    body = base64.b64encode(json.dumps(_described(error)).encode()).decode()
    trailers = _error_type(error) | {"Lambda-Runtime-Function-Error-Body": body}
    return "".join(["0\r\n", *(f"{name}: {value}\r\n" for name, value in trailers.items()), "\r\n"]).encode()


def _post(path: str, body: str, headers: Mapping[str, str]) -> None:
    connection = _connection()
    connection.request("POST", path, body.encode(), dict(headers))
    connection.getresponse().read()
    connection.close()


def _connection() -> http.client.HTTPConnection:
    # without a timeout: /next answers when there is something to do, be it hours later
    return http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def _described(error: Exception) -> dict[str, object]:
    trace = traceback.format_tb(error.__traceback__)
    return {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}


def _error_type(error: Exception) -> dict[str, str]:
    return {"Lambda-Runtime-Function-Error-Type": f"Runtime.{type(error).__name__}"}


if __name__ == "__main__":
    main()
