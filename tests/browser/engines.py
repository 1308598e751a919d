"""Two EventSources that are not ours: Chromium's, in a page, and that of Node 20 (undici)."""

from __future__ import annotations

import json
import select
import subprocess
from pathlib import Path
from typing import Any, Protocol

from chromium import Chromium

PATIENCE = 20.0  # seconds
NODE_FLAGS = ("--experimental-eventsource", "--no-warnings")


class Engine(Protocol):
    """Something that runs the functions of engine_calls.js."""

    def call(self, name: str, argument: object) -> Any:
        """The result of the function `name`."""

    def close(self) -> None:
        """End the process."""


class ChromiumEngine:
    """A page of `origin` in Chromium."""

    def __init__(self, browser: Chromium, origin: str) -> None:
        self.browser = browser
        browser.open(f"{origin}/page")

    def call(self, name: str, argument: object) -> Any:
        return self.browser.evaluate(f"calls.{name}({json.dumps(argument)})", timeout=PATIENCE)

    def close(self) -> None:
        self.browser.close()


class NodeEngine:
    """A process of Node with its experimental EventSource."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("node_engine.js")
        self._process = subprocess.Popen(
            ["node", *NODE_FLAGS, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def call(self, name: str, argument: object) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"call": name, "argument": argument}) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
            raise TimeoutError(f"Node has not answered {name} {argument} within {PATIENCE:g} s")
        line = self._process.stdout.readline()
        assert line, f"Node has ended with {self._process.wait(10)}"
        return json.loads(line)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=30)
