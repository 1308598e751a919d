"""Lambda on a laptop: a few worker processes that take one event at a time and may be killed."""

from __future__ import annotations

import json
import os
import queue
import selectors
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nyx.aws.functions import Function
from nyx.aws.worker import ANSWER_FD
from nyx.children import launcher

_NO_DEATH_SIGNAL: Final = 0  # a worker notices the end of its input, and then ends its subprocesses too


@dataclass(frozen=True)
class Outcome:
    """What an invocation came to: `payload` is the result, or Lambda's description of the error."""

    payload: Any
    failed: bool


@dataclass(frozen=True)
class WorkerSettings:
    """How workers are started: environment, folder, log, roots put before the import path, what to preload."""

    environment: Mapping[str, str]
    cwd: Path
    log: Path
    import_roots: Sequence[str] = ()
    preload: Sequence[str] = ()


class Pool:
    """At most `size` workers. A crashed or killed one is replaced when it is next needed."""

    def __init__(self, settings: WorkerSettings, size: int) -> None:
        self._settings = settings
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(None)  # a place without a process yet
        self._workers: set[_Worker] = set()
        self._calls: set[_Call] = set()
        self._lock = threading.Lock()
        self._closed = False

    def warm(self) -> None:
        """Start the workers that are not in use ahead of their first event."""
        places = []
        with suppress(queue.Empty):
            while True:
                places.append(self._idle.get_nowait())
        for place in places:
            self._idle.put(place or self._start())

    def invoke(self, function: Function, event: Any, execution: str = "") -> Outcome:
        """Run the function on the event; waits for a free worker. Never raises for what a handler does.

        `execution` is what it is done for: `stop` ends it.
        """
        call = _Call(execution)
        with self._lock:
            self._calls.add(call)
        worker = self._idle.get()
        try:
            if worker is None or not worker.alive():
                worker = self._start(replacing=worker)
            with self._lock:
                call.worker = worker
            outcome = _STOPPED if call.stopped else worker.run(function, event)
        finally:
            with self._lock:
                self._calls.discard(call)
            if worker is not None and not worker.alive():
                self._forget(worker)
                worker = self._start() if call.stopped else None  # it loads while nobody waits for it yet
            self._idle.put(worker)
        return outcome

    def stop(self, execution: str) -> None:
        """Kill the workers that work for this execution; what still waits for one is not begun."""
        with self._lock:
            for call in self._calls:
                if call.execution == execution:
                    call.stopped = True
                    if call.worker is not None:
                        call.worker.kill()

    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        with self._lock:
            return [worker.pid for worker in self._workers if worker.alive()]

    def close(self) -> None:
        """End all workers at once; what they were doing counts as crashed."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, set()
        for worker in workers:
            worker.kill()  # whoever waits for its answer closes it
        with suppress(queue.Empty):
            while True:
                if (idle := self._idle.get_nowait()) is not None:
                    idle.close()

    def _start(self, replacing: _Worker | None = None) -> _Worker:
        if replacing is not None:
            self._forget(replacing)
        worker = _Worker(self._settings)
        with self._lock:
            if not self._closed:
                self._workers.add(worker)
                return worker
        worker.kill()
        return worker

    def _forget(self, worker: _Worker) -> None:
        with self._lock:
            self._workers.discard(worker)
        worker.close()


@dataclass(eq=False)
class _Call:
    """An invocation that waits for a worker or has one."""

    execution: str
    worker: _Worker | None = None
    stopped: bool = False


class _Worker:
    def __init__(self, settings: WorkerSettings) -> None:
        self._answers, answers = os.pipe()
        self._received = b""
        with settings.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *launcher(_NO_DEATH_SIGNAL),
                    sys.executable, "-I", "-m", "nyx.aws.worker", *settings.import_roots,
                ],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=settings.cwd, bufsize=0,
                env={**settings.environment, ANSWER_FD: str(answers)}, pass_fds=[answers],
                start_new_session=True,
            )  # fmt: skip
        os.close(answers)
        self._killed = threading.Lock()  # a reaped number may belong to another process: never signal it
        if settings.preload:
            self._tell({"preload": list(settings.preload)})

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        with self._killed:
            return self._process.poll() is None

    def run(self, function: Function, event: Any) -> Outcome:
        request = str(uuid.uuid4())
        self._tell(
            {
                "id": request,
                "function": function.name,
                "arn": function.arn,
                "handler": function.handler,
                "timeout": function.timeout,
                "memory": function.memory,
                "event": event,
            }
        )
        try:
            answer = self._answer(function.timeout)
        except TimeoutError:
            self.kill()
            how = f"Task timed out after {function.timeout:.2f} seconds"
            return _error("Sandbox.Timedout", f"RequestId: {request} Error: {how}")
        if answer is None:
            self.kill()
            how = f"Runtime exited with error: {self._ending()}"
            return _error("Runtime.ExitError", f"RequestId: {request} Error: {how}")
        if "error" in answer:
            return Outcome(answer["error"], failed=True)
        return Outcome(answer["payload"], failed=False)

    def kill(self) -> None:
        """End the worker and what its handler started; safe to call twice, and from any thread."""
        with self._killed:
            if self._process.returncode is None:
                _kill_group(self._process.pid)
                self._process.wait()

    def close(self) -> None:
        """Kill, and give back the pipes. Only for whoever has taken the worker from the pool."""
        self.kill()
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
            os.close(self._answers)

    def _ending(self) -> str:
        code = self._process.returncode
        return f"signal: {signal.Signals(-code).name}" if code and code < 0 else f"exit status {code}"

    def _tell(self, message: Mapping[str, Any]) -> None:
        data = memoryview(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        try:
            while data and self._process.stdin:
                data = data[self._process.stdin.write(data) or 0 :]
        except (BrokenPipeError, ValueError):
            return  # it has ended: no answer will come

    def _answer(self, timeout: float) -> dict[str, Any] | None:
        until = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while b"\n" not in self._received:
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise TimeoutError
                piece = os.read(self._answers, 1 << 16)
                if not piece:
                    return None
                self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _error(error_type: str, message: str) -> Outcome:
    """An error that Lambda itself reports, in its own words, since state machines match on them."""
    return Outcome({"errorType": error_type, "errorMessage": message}, failed=True)


_STOPPED: Final = _error("Runtime.ExitError", "Error: the execution was stopped")


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(pid, signal.SIGKILL)  # not yet a group of its own: between fork and setsid
