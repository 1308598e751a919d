"""The headless Chromium of npm's `@sparticuz/chromium`, spoken to over a pipe (Chrome DevTools Protocol).

The protocol's messages are JSON, each ended by a NUL, on the file descriptors 3 (to Chromium) and 4 (from it).
When this process ends, the pipe does, and Chromium with it. It cannot look up any name and reaches loopback alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

type Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "layers" / "chromium" / "opt" / "chromium"  # as `make setup` has unpacked it
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)


class ChromiumError(Exception):
    """Chromium has ended, does not answer, or says that a call failed."""


class Chromium:
    """A running browser with one page."""

    def __init__(self) -> None:
        self._profile = Path(tempfile.mkdtemp(prefix="nyx-chromium-"))
        self._log = self._profile / "stderr.log"
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self.pid = self._spawn(theirs_in, theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)
        self._received = b""
        self._calls = 0
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session: str = attached["sessionId"]

    def _spawn(self, theirs_in: int, theirs_out: int) -> int:
        # above 4, so that moving one to 3 does not overwrite the other
        moved_in, moved_out = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs_in, theirs_out))
        write = os.O_WRONLY | os.O_CREAT
        pid = os.posix_spawn(
            FOLDER / "headless_shell",
            ["headless_shell", *_FLAGS, f"--user-data-dir={self._profile / 'profile'}", "about:blank"],
            {**os.environ, "LD_LIBRARY_PATH": str(FOLDER / "lib"), "HOME": str(self._profile)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, str(self._log), write, 0o600),
                (os.POSIX_SPAWN_DUP2, moved_in, 3),
                (os.POSIX_SPAWN_DUP2, moved_out, 4),
            ],
            setsid=True,
        )
        os.close(moved_in)
        os.close(moved_out)
        return pid

    def call(
        self, method: str, params: Json | None = None, *, session: str = "", timeout: float = 60
    ) -> Json:
        """The result of a method of the protocol. Raises ChromiumError."""
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": params or {}}
        data = json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0"
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except BrokenPipeError as error:
            raise self._ended() from error
        deadline = time.monotonic() + timeout
        while True:
            answer = self._receive(method, deadline)
            if answer.get("id") == self._calls:
                if "error" in answer:
                    raise ChromiumError(f"{method}: {answer['error']['message']}")
                result: Json = answer["result"]
                return result

    def _receive(self, method: str, deadline: float) -> Json:
        while b"\0" not in self._received:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                raise ChromiumError(f"{method} was not answered in time")
            piece = os.read(self._in, 1 << 20)
            if not piece:
                raise self._ended()
            self._received += piece
        message, _, self._received = self._received.partition(b"\0")
        answer: Json = json.loads(message)
        return answer

    def _ended(self) -> ChromiumError:
        return ChromiumError(f"Chromium has ended: {self._log.read_text(errors='replace')[-2000:]}")

    def open(self, url: str) -> None:
        """Show the page at `url` and wait until it has loaded, its modules included."""
        answer = self.call("Page.navigate", {"url": url}, session=self._session)
        if "errorText" in answer:
            raise ChromiumError(f"{url}: {answer['errorText']}")
        loaded = "document.readyState === 'complete' && location.href"
        while self.evaluate(loaded) != url:
            time.sleep(0.01)

    def evaluate(self, expression: str, *, timeout: float = 60) -> Any:
        """The value of a JavaScript expression in the page, awaited where it is a promise."""
        params = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = self.call("Runtime.evaluate", params, session=self._session, timeout=timeout)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise ChromiumError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def close(self) -> None:
        """End the browser and all of its processes, and remove its profile."""
        os.close(self._out)
        os.close(self._in)
        os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        shutil.rmtree(self._profile, ignore_errors=True)
