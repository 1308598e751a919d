"""A worker: one process that runs handlers, one event at a time, as a Lambda execution environment does.

Requests come as lines of JSON on standard input, answers leave on the descriptor that the environment
names; what handlers print goes to the log. When standard input ends, its owner is gone, and the worker
ends itself with every process that the handler started.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

ANSWER_FD: Final = "NYX_ANSWER_FD"
_RESPONSE_LIMIT: Final = 6 * 1024 * 1024  # bytes; Lambda's limit on a synchronous response


@dataclass(frozen=True)
class Context:
    """Lambda's context object: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    deadline: float  # monotonic seconds
    function_version: str = "$LATEST"
    log_group_name: str = "embedded"
    log_stream_name: str = "embedded"
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout ends this process."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(frozen=True)
class Failed(Exception):
    """An error in the form in which Lambda reports it, for Retry and Catch to match on."""

    error_type: str
    message: str


def main() -> None:
    """Answer requests until standard input ends."""
    answers = int(os.environ.pop(ANSWER_FD))
    os.set_inheritable(answers, False)  # a subprocess that outlives us must not hold the pipe open
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    threading.Thread(target=_read, args=(requests,), daemon=True, name="requests").start()
    while True:
        request = requests.get()
        if "preload" in request:
            _preload(request["preload"])
            continue
        answer = json.dumps(_invoke(request), separators=(",", ":")).encode() + b"\n"
        with os.fdopen(os.dup(answers), "wb") as pipe:
            pipe.write(answer)


def _read(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    with open(0, "rb", closefd=False) as lines:
        for line in lines:
            requests.put(json.loads(line))
    os.killpg(0, signal.SIGKILL)


def _preload(handlers: list[str]) -> None:
    for name in handlers:
        try:
            _handler(name)
        except Failed as error:  # told again to whoever invokes it
            print(f"{name}: {error.message}", file=sys.stderr, flush=True)
    # the first call would import boto3 and read its descriptions of S3: 0.3 s of the first run
    importlib.import_module("nyxcore.storage.objects").client()


def _invoke(request: dict[str, Any]) -> dict[str, Any]:
    context = Context(
        request["function"],
        request["arn"],
        request["memory"],
        request["id"],
        time.monotonic() + request["timeout"],
    )
    try:
        result = _handler(request["handler"])(request["event"], context)
        payload = _encode(result)
    except Failed as error:
        return {"error": {"errorType": error.error_type, "errorMessage": error.message}}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a handler raises is its answer
        traceback.print_exc()
        return {"error": _described(error, request["id"])}
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return {"payload": payload}


def _handler(name: str) -> Callable[[Any, Context], Any]:
    module, _, attribute = name.rpartition(".")
    try:
        found: Callable[[Any, Context], Any] = getattr(importlib.import_module(module), attribute)
    except AttributeError as error:
        raise Failed("Runtime.HandlerNotFound", f"{module} has no {attribute}") from error
    except Exception as error:
        traceback.print_exc()
        raise Failed("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}") from error
    return found


def _encode(result: Any) -> Any:
    try:
        text = json.dumps(result)
    except (TypeError, ValueError) as error:
        raise Failed("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    if len(text) > _RESPONSE_LIMIT:
        raise Failed(
            "Function.ResponseSizeTooLarge",
            f"Response payload size ({len(text)} bytes) exceeded maximum allowed payload size"
            f" ({_RESPONSE_LIMIT} bytes)",
        )
    return json.loads(text)


def _described(error: BaseException, request_id: str) -> dict[str, Any]:
    if isinstance(error, SystemExit):
        return {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: {request_id} Error: Runtime exited with exit status {error.code}",
        }
    return {
        "errorType": type(error).__name__,
        "errorMessage": str(error),
        "requestId": request_id,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:]
    main()
