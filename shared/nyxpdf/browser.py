"""One Chromium process: how it is started, what its pages may do, and how it ends.

It gets an empty environment but for what it needs, a private profile that is removed with it, and fonts of its own
folder only, so that a page looks the same everywhere. It reaches nothing: see `_NO_NETWORK`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nyxpdf import processes
from nyxpdf.cdp import Connection, Json
from nyxpdf.errors import BrowserFailed, ChromiumMissing
from nyxpdf.limits import Budget, Limits

# For the case that `Page.seal`, which alone lets nothing out, does not hold. The resolver's rules alone stop every
# request, and so does the dead proxy; the datagrams of WebRTC pass both, and are stopped by the policy for them.
# tests/render tries each by itself.
_NO_NETWORK: Final = (
    "--host-resolver-rules=MAP * ~NOTFOUND",  # names and addresses alike
    "--proxy-server=socks5://127.0.0.1:9",  # the discard port: nobody listens
    "--proxy-bypass-list=<-loopback>",  # loopback goes to the dead proxy, too
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--no-pings",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
)
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # Lambda gives no user namespaces; docs/decisions says what stands instead
    "--disable-gpu",
    # A process a page, and few beside them: a page that hangs or dies takes nothing with it. --single-process would be
    # some 60 ms faster, but ends as soon as a page gets a context of its own, and all pages share one thread.
    "--no-zygote",
    "--in-process-gpu",
    "--disable-dev-shm-usage",  # Lambda has no /dev/shm
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--font-render-hinting=none",  # hinted widths differ from the printed ones
    "--hide-scrollbars",
    "--mute-audio",
    "--lang=en-US",
    "--remote-debugging-pipe",
)
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}/fonts</dir><cachedir>{profile}/fonts</cachedir></fontconfig>
"""


class Browser:
    """A running Chromium. It ends with `close`, and when this process does, even by SIGKILL: the pipe is its life."""

    def __init__(self, folder: Path, flags: tuple[str, ...] = ()) -> None:
        """Start it; `folder` is what layers/chromium/unpack.py made. Raises ChromiumMissing."""
        program = folder / "headless_shell"
        if not os.access(program, os.X_OK):
            raise ChromiumMissing(
                f"There is no Chromium at {program}: run `make setup`, or set NYX_CHROMIUM."
            )
        self.folder = folder.resolve()
        self.profile = processes.new_profile()
        self._ended = False
        theirs_in, writing = os.pipe()
        reading, theirs_out = os.pipe()
        try:
            self.pid = self._spawn(flags, theirs_in, theirs_out)
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        self.connection = Connection(reading, writing)

    def _spawn(self, flags: tuple[str, ...], theirs_in: int, theirs_out: int) -> int:
        fonts = self.profile / "fonts.conf"
        fonts.write_text(_FONTS.format(folder=self.folder, profile=self.profile), encoding="utf-8")
        environment = {
            "HOME": str(self.profile),
            "TMPDIR": str(self.profile),
            "LD_LIBRARY_PATH": str(self.folder / "lib"),
            "FONTCONFIG_FILE": str(fonts),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }
        profile = f"--user-data-dir={self.profile / 'profile'}"
        # above 4, so that moving one to 3 does not overwrite the other
        moved_in, moved_out = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs_in, theirs_out))
        try:
            return os.posix_spawn(
                self.folder / "headless_shell",
                ["headless_shell", *_FLAGS, *_NO_NETWORK, *flags, profile, "about:blank"],
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, moved_in, 3),
                    (os.POSIX_SPAWN_DUP2, moved_out, 4),
                ],
                setsid=True,
            )
        finally:
            os.close(moved_in)
            os.close(moved_out)

    def alive(self) -> bool:
        """Whether the process is still there."""
        if not self._ended:
            self._ended = os.waitpid(self.pid, os.WNOHANG)[0] != 0
        return not self._ended

    def memory(self) -> int:
        """Bytes that all of its processes hold for themselves."""
        return processes.memory(self.pid)

    def budget(self, limits: Limits) -> Budget:
        """A new document's budget."""
        return Budget(limits, self.memory)

    @contextlib.contextmanager
    def page(self, budget: Budget) -> Iterator[Page]:
        """A new, empty page without network and with nothing that another page has left; closed at the end."""
        context = self.connection.call("Target.createBrowserContext", {}, budget)["browserContextId"]
        empty = {"url": "about:blank", "browserContextId": context}
        target = self.connection.call("Target.createTarget", empty, budget)["targetId"]
        attach = {"targetId": target, "flatten": True}
        session = self.connection.call("Target.attachToTarget", attach, budget)["sessionId"]
        yield Page(self.connection, session, budget)
        self.connection.call("Target.disposeBrowserContext", {"browserContextId": context}, budget)
        self.connection.forget_events()

    def close(self) -> None:
        """End all of its processes and remove its profile."""
        self.connection.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self._ended:
            os.waitpid(self.pid, 0)
            self._ended = True
        shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    """A page of a browser, spoken to within a budget."""

    def __init__(self, connection: Connection, session: str, budget: Budget) -> None:
        self._connection, self._session, self._budget = connection, session, budget
        self._document = ""

    def within(self, seconds: float) -> Page:
        """The same page, spoken to for `seconds` at the most."""
        return Page(self._connection, self._session, self._budget.within(seconds))

    def call(self, method: str, **params: object) -> Json:
        """The result of a call."""
        return self._connection.call(method, params, self._budget, session=self._session)

    def cut_off(self) -> None:
        """No network from here on, whatever is loaded."""
        self.call("Network.enable")
        self.call(
            "Network.emulateNetworkConditions",
            offline=True,
            latency=0,
            downloadThroughput=0,
            uploadThroughput=0,
        )

    def seal(self) -> None:
        """No JavaScript and no network from here on."""
        self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.cut_off()

    def widen(self, width: int) -> None:
        """Give the page a screen of so many CSS pixels by one."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=1, deviceScaleFactor=1, mobile=False
        )

    def load(self, html: str) -> None:
        """Show the document and wait until its images have loaded."""
        self.call("Page.enable")
        frame = self.call("Page.getFrameTree")["frameTree"]["frame"]
        self._document = frame["loaderId"]
        self._connection.forget_events()
        self.call("Page.setDocumentContent", frameId=frame["id"], html=html)
        self._connection.event("Page.loadEventFired", self._session, self._budget)

    def shows_what_was_loaded(self) -> bool:
        """False once a document has led away from itself, which a refresh does without JavaScript too."""
        now: str = self.call("Page.getFrameTree")["frameTree"]["frame"]["loaderId"]
        return now == self._document

    def open(self, url: str) -> None:
        """Go to a URL and wait until it has loaded."""
        self.call("Page.enable")
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise BrowserFailed(f"Chromium cannot open its own page: {answer['errorText']}")
        self._connection.event("Page.loadEventFired", self._session, self._budget)

    def evaluate(self, expression: str) -> object:
        """The value of a JavaScript expression, awaited where it is a promise; None where it throws."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return None if "exceptionDetails" in answer else answer["result"].get("value")
