"""Handlers and an ASGI app for the stack's own tests; what they saw is left in the folder that the input names."""

import os
import time
from pathlib import Path
from typing import Any


class Transient(Exception):
    pass


class Fatal(Exception):
    pass


def split(event: dict[str, Any], context: Any) -> dict[str, Any]:
    environment = sorted(os.environ)
    Path(event["folder"], "outside.txt").write_text("\n".join(environment))
    return {"items": event["items"]}


def work(event: dict[str, Any], context: Any) -> dict[str, Any]:
    item, folder = event["item"], Path(event["folder"])
    attempt = len(list(folder.glob(f"{item}.*"))) + 1
    folder.joinpath(f"{item}.{attempt}").write_text(str(os.getpid()))
    if item == "transient" and attempt == 1:
        raise Transient("once")
    if item == "fatal":
        raise Fatal("always")
    if item == "exit" and attempt == 1:
        os._exit(3)
    if item == "killed" and attempt == 1:
        time.sleep(60)
    return {"item": item, "attempt": attempt, "function": context.function_name}


def slow(event: dict[str, Any], context: Any) -> None:
    Path(event["folder"], "slow.pid").write_text(str(os.getpid()))
    time.sleep(60)


def sweep(event: dict[str, Any], context: Any) -> None:
    detail = event.get("detail", {})
    folder = Path(os.environ["NYX_TRIAL_FOLDER"])
    with folder.joinpath("sweeps.txt").open("a") as file:
        file.write(f"{event['detail-type']} {detail.get('status', '')} {detail.get('input', '')}\n")


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers every path; `/stream` never ends."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/stream":
        import asyncio

        while True:
            await send({"type": "http.response.body", "body": b": here\n\n", "more_body": True})
            await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": os.environ["NYX_DEPLOYMENT"].encode()})


def unserialisable(event: dict[str, Any], context: Any) -> object:
    return object()


def leaves(event: dict[str, Any], context: Any) -> None:
    raise SystemExit(4)


def too_much(event: dict[str, Any], context: Any) -> str:
    return "x" * (6 * 1024 * 1024)


def remaining(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return {
        "ms": context.get_remaining_time_in_millis(),
        "memory": context.memory_limit_in_mb,
        "arn": context.invoked_function_arn,
        "id": context.aws_request_id,
        "pid": os.getpid(),
        "event": event,
    }


def with_child(event: dict[str, Any], context: Any) -> None:
    """Starts a process that would outlive it, and waits for it."""
    import subprocess

    with subprocess.Popen(["sleep", "60"]) as child:
        Path(event["file"]).write_text(str(child.pid))
