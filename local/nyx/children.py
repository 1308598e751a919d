"""Python processes of the stack: how the supervisor starts and ends them, and how they report to it.

A child reads its configuration as the first line of its standard input (secrets do not belong into
arguments, which every user of the machine may list), reports one line on a pipe when it is ready, and ends
when its standard input does: that is what is left of a supervisor that was killed, on systems without a
death signal.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from nyx import launch
from nyx.errors import DiskFull, StackFailed

type Configuration = dict[str, Any]

_REPORT: Final = "NYX_REPORT_FD"
_LOG_TAIL: Final = 4000  # bytes


class Child:
    """A child as its supervisor sees it. Make it in the main thread (see launch.py)."""

    def __init__(
        self,
        name: str,
        module: str,
        configuration: Configuration,
        *,
        environment: Mapping[str, str],
        log: Path,
        cwd: Path,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name, self._log = name, log
        self._report, report = os.pipe()
        log.unlink(missing_ok=True)
        with log.open("xb") as output:
            self._process = subprocess.Popen(
                [
                    *launcher(signal.SIGKILL),
                    sys.executable, "-I", "-m", module,
                ],
                stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=cwd,
                env={**environment, _REPORT: str(report)}, pass_fds=[report, *pass_fds],
                start_new_session=True,  # Ctrl-C in a terminal is for the supervisor alone
            )  # fmt: skip
        os.close(report)
        self._tell(configuration)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def wait_ready(self, timeout: float = 60.0) -> Configuration:
        """What the child reports when it is ready. Raises StackFailed or DiskFull when it does not."""
        until, received = time.monotonic() + timeout, b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._report, selectors.EVENT_READ)
            while not received.endswith(b"\n"):
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise StackFailed(
                        f"the {self.name} part was not ready after {timeout:.0f} s; its log is {self._log}"
                    )
                piece = os.read(self._report, 1 << 16)
                if not piece:
                    raise self.failure("did not start")
                received += piece
        report: Configuration = json.loads(received)
        return report

    def go(self) -> None:
        """Tell the child that everything it needs is there."""
        self._tell({})

    def stop(self, *, timeout: float = 2.5) -> None:
        """End the child, in its own way within `timeout` seconds, else at once, with all that it started."""
        if self.alive():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # something that could not be told any more
                self._process.stdin.close()
        os.close(self._report)

    def failure(self, what: str) -> StackFailed | DiskFull:
        """The error for a child that ended, with the last of its words."""
        tail = self._log.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").strip()
        if "No space left on device" in tail:
            return DiskFull(
                f"no space is left on the disk of {self._log.parent.parent}; free 200 MB and start again"
            )
        last = tail.splitlines()[-1] if tail else "it said nothing"
        return StackFailed(f"the {self.name} part {what}: {last} (more in {self._log})")

    def _tell(self, message: Configuration) -> None:
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # it has ended: wait_ready and alive tell
                self._process.stdin.write(json.dumps(message).encode() + b"\n")
                self._process.stdin.flush()


def launcher(death_signal: int) -> list[str]:
    """Prefix of a command that makes it end with this process."""
    script = str(Path(launch.__file__))
    return [
        sys.executable, "-I", "-S", script, "--parent", str(os.getpid()),
        "--death-signal", str(int(death_signal)), "--",
    ]  # fmt: skip


class Supervisor:
    """The supervisor as its child sees it."""

    def __init__(self) -> None:
        self._report = int(os.environ.pop(_REPORT))
        os.set_inheritable(self._report, False)
        # unbuffered: a thread that waits in a buffered file holds its lock, and the interpreter's end aborts
        self._orders = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115 - descriptor 0
        self.configuration: Configuration = json.loads(self._orders.readline() or b"{}")
        self._goes = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="supervisor").start()

    def ready(self, report: Configuration | None = None) -> None:
        """Report that this child is ready."""
        os.write(self._report, json.dumps(report or {}).encode() + b"\n")

    def wait_for_go(self) -> None:
        """Wait until the supervisor says that everything is there."""
        self._goes.wait()

    def _watch(self) -> None:
        if self._orders.readline():
            self._goes.set()
            self._orders.read()
        os.killpg(0, signal.SIGKILL)  # the supervisor is gone, and with it whatever this was for
