"""Ways out of a page: what an attacker may write into a report, and who notices when one works.

The first are those of the measurement that the design rests on (its others are the refresh and the icon); each asks for
a path of its own.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

SVG = "http://www.w3.org/2000/svg"


class Listener:
    """An HTTP server on loopback, a proxy as well, and a UDP socket: whoever asks is written down."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def handle(self) -> None:
                asked.add("a connection")
                super().handle()

            def do_GET(self) -> None:
                asked.add(self.path.partition("?")[0].partition("/v/")[2] or self.path)
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_HEAD = do_OPTIONS = do_CONNECT = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the tests read `asked`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._udp.settimeout(0.2)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.serve_forever),
            threading.Thread(target=self._hear_datagrams),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()
        self._udp.close()

    def wait_for(self, expected: set[str], seconds: float) -> None:
        """Wait until all of them have been asked for, or the time is over."""
        end = time.monotonic() + seconds
        while not expected <= self.asked and time.monotonic() < end:
            time.sleep(0.05)

    def _hear_datagrams(self) -> None:
        while not self._stopping.is_set():
            try:
                self._udp.recv(2048)
            except TimeoutError:
                continue
            self.asked.add("a datagram")


class Opened:
    """Which files of a folder are opened, by whatever process; told by Linux (inotify(7))."""

    _OPEN = 0x20  # IN_OPEN
    _EVENT = struct.Struct("iIII")

    def __init__(self, folder: Path) -> None:
        self._folder, self._files = folder, set[str]()

    def __enter__(self) -> Self:
        libc = ctypes.CDLL(None, use_errno=True)
        self._events = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert libc.inotify_add_watch(self._events, os.fsencode(self._folder), self._OPEN) > 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._events)

    @property
    def asked(self) -> set[str]:
        """Names of the files that have been opened."""
        try:
            events = os.read(self._events, 1 << 20)
        except BlockingIOError:
            events = b""
        while events:
            _, _, _, length = self._EVENT.unpack_from(events)
            end = self._EVENT.size + length
            self._files.add(events[self._EVENT.size : end].rstrip(b"\0").decode())
            events = events[end:]
        return self._files - {""}

    def wait_for(self, expected: set[str], seconds: float) -> None:
        """Wait until all of them have been opened, or the time is over."""
        end = time.monotonic() + seconds
        while not expected <= self.asked and time.monotonic() < end:
            time.sleep(0.05)


type Way = Callable[[str], str]

MEASURED: dict[str, Way] = {
    "img": lambda url: f'<img src="{url}">',
    "stylesheet": lambda url: f'<link rel="stylesheet" href="{url}">',
    "prefetch": lambda url: f'<link rel="prefetch" href="{url}">',
    "iframe": lambda url: f'<iframe src="{url}"></iframe>',
    "object": lambda url: f'<object data="{url}"></object>',
    "embed": lambda url: f'<embed src="{url}">',
    "video": lambda url: f'<video src="{url}" preload="auto"></video>',
    "poster": lambda url: f'<video poster="{url}"></video>',
    "svg-image": lambda url: f'<svg xmlns="{SVG}"><image href="{url}" width="9" height="9"/></svg>',
    "css-background": lambda url: f'<p style="background: url({url})">x</p>',
    "css-import": lambda url: f'<style>@import "{url}";</style>',
    "css-font": lambda url: (
        f'<style>@font-face {{ font-family: L; src: url({url}) }}</style><p style="font-family: L">x</p>'
    ),
    "fetch": lambda url: f'<script>fetch("{url}")</script>',
    "websocket": lambda url: f'<script>new WebSocket("{url}".replace("http", "ws"))</script>',
    "worker": lambda url: f"<script>new Worker(URL.createObjectURL(new Blob(['fetch(\"{url}\")'])))</script>",
}

MORE: dict[str, Way] = {
    "preload": lambda url: f'<link rel="preload" as="image" href="{url}">',
    "modulepreload": lambda url: f'<link rel="modulepreload" href="{url}">',
    "srcset": lambda url: f'<img srcset="{url} 1x, {url} 2x">',
    "picture": lambda url: f'<picture><source srcset="{url}"><img></picture>',
    "audio": lambda url: f'<audio src="{url}" preload="auto" autoplay></audio>',
    "input": lambda url: f'<input type="image" src="{url}">',
    "script": lambda url: f'<script src="{url}"></script>',
    "import": lambda url: f'<script type="module">import("{url}")</script>',
    "beacon": lambda url: f'<script>navigator.sendBeacon("{url}", "x")</script>',
    "xhr": lambda url: f'<script>const x = new XMLHttpRequest(); x.open("GET", "{url}"); x.send()</script>',
    "eventsource": lambda url: f'<script>new EventSource("{url}")</script>',
    "form": lambda url: (
        f'<form id="f" action="{url}" target="t"></form><iframe name="t"></iframe><script>f.submit()</script>'
    ),
    "handler": lambda url: f'<img src="data:," onerror="fetch(\'{url}\')">',
    "css-list": lambda url: f'<ul><li style="list-style: url({url})">x</li></ul>',
    "css-content": lambda url: f'<style>#c::before {{ content: url({url}) }}</style><p id="c">x</p>',
    "css-mask": lambda url: f'<p style="mask: url({url})">x</p>',
    "css-image-set": lambda url: f'<p style="background: image-set(url({url}) 1x)">x</p>',
    "svg-filter": lambda url: (
        f'<svg xmlns="{SVG}"><filter id="ff"><feImage href="{url}"/></filter>'
        '<rect width="9" height="9" filter="url(#ff)"/></svg>'
    ),
    "srcdoc": lambda url: f'<iframe srcdoc=\'<img src="{url}"><script>fetch("{url}")</script>\'></iframe>',
    "data-frame": lambda url: f'<iframe src="data:text/html,{quote(_nested(url))}"></iframe>',
    "data-svg-frame": lambda url: (
        f'<iframe src="data:image/svg+xml,{quote(_svg(url))}"></iframe>'
        f'<object data="data:image/svg+xml,{quote(_svg(url))}"></object>'
    ),
}

# Leads the page away from all others, so it stands in a document of its own; sooner than any printing is over.
REFRESH: dict[str, Way] = {
    "refresh": lambda url: f'<meta http-equiv="refresh" content="0.1;url={url}">',
}

# Heard of neither with protection nor without: the headless shell has no place for an icon (the 17th that was
# measured, with a browser that has one), the others are off by specification or asked for too late.
NEVER: dict[str, Way] = {
    "favicon": lambda url: f'<link rel="icon" href="{url}"><link rel="apple-touch-icon" href="{url}">',
    "css-print": lambda url: f"<style>@media print {{ h6 {{ background: url({url}) }} }}</style><h6>x</h6>",
    "svg-use": lambda url: f'<svg xmlns="{SVG}"><use href="{url}#x"/></svg>',
    "data-svg-image": lambda url: f'<img src="data:image/svg+xml,{quote(_svg(url))}">',
}


def _nested(url: str) -> str:
    return f'<img src="{url}"><script>fetch("{url}"); top.location = "{url}"</script>'


def _svg(url: str) -> str:
    return (
        f'<svg xmlns="{SVG}"><style>@import "{url}";</style><image href="{url}" width="9" height="9"/>'
        f'<foreignObject><img xmlns="http://www.w3.org/1999/xhtml" src="{url}"/></foreignObject>'
        f'<script>fetch("{url}")</script></svg>'
    )


def body(ways: dict[str, Way], origin: str) -> str:
    """All of the ways in one page, each asking `origin` for its own path."""
    return "".join(way(f"{origin}/v/{name}") for name, way in ways.items())


def datagrams(port: int) -> str:
    """WebRTC and WebTransport, which speak UDP; of the second nothing is heard in such a page, protected or not."""
    return (
        f'<script>const p = new RTCPeerConnection({{iceServers: [{{urls: "stun:127.0.0.1:{port}"}}]}});'
        "p.createDataChannel('x'); p.createOffer().then((offer) => p.setLocalDescription(offer));"
        f'new WebTransport("https://127.0.0.1:{port}/v/webtransport")</script>'
    )
