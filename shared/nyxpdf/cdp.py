"""Chrome DevTools Protocol over two pipes: JSON messages, each ended by a NUL.

https://chromedevtools.github.io/devtools-protocol/ ; the framing is that of `--remote-debugging-pipe`.
"""

from __future__ import annotations

import json
import os
import select
from collections import deque
from typing import Any, Final

from nyxpdf.errors import BrowserFailed
from nyxpdf.limits import Budget

type Json = dict[str, Any]

_TICK: Final = 0.1  # seconds between two looks at the budget
_PIECE: Final = 1 << 20


class Refused(BrowserFailed):
    """The browser answered a call with an error."""


class PageCrashed(BrowserFailed):
    """A page's process has ended; the browser lives."""


class Connection:
    """One browser's protocol. Every wait is bounded by a budget.

    Raises
    ------
    BrowserFailed : the browser has closed its end, answered with an error (Refused), or lost a page (PageCrashed).
    RenderTimeout, RenderOutOfMemory : from the budget, while waiting.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        os.set_blocking(writing, False)
        self._pieces: list[bytes] = []
        self._messages: deque[Json] = deque()
        self._answers: dict[int, Json] = {}
        self._events: list[Json] = []
        self._calls = 0

    def send(self, method: str, params: Json, budget: Budget, *, session: str = "") -> int:
        """Send a call and do not wait; its number is for `answer`."""
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": params}
        data = memoryview(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while data:
            # read as well: a browser whose own pipe is full would not read ours
            readable, writable, _ = select.select([self._reading], [self._writing], [], _TICK)
            budget.check()
            if readable:
                self._read()
            if writable:
                try:
                    data = data[os.write(self._writing, data[:_PIECE]) :]
                except BrokenPipeError as error:
                    raise BrowserFailed("Chromium has ended while it was spoken to.") from error
        return self._calls

    def answer(self, call: int, budget: Budget) -> Json:
        """The result of a call that was sent."""
        while call not in self._answers:
            self._receive(budget)
        answer = self._answers.pop(call)
        if "error" in answer:
            raise Refused(f"Chromium refused a call: {answer['error'].get('message', '')[:200]}")
        result: Json = answer["result"]
        return result

    def call(self, method: str, params: Json, budget: Budget, *, session: str = "") -> Json:
        """The result of a call."""
        return self.answer(self.send(method, params, budget, session=session), budget)

    def event(self, method: str, session: str, budget: Budget) -> Json:
        """The parameters of the next event of that name in a session; one that has come already counts."""
        while True:
            for event in self._events:
                if event["method"] == method and event.get("sessionId", "") == session:
                    self._events.remove(event)
                    params: Json = event["params"]
                    return params
            self._receive(budget)

    def forget_events(self) -> None:
        """Drop the events that nobody has waited for."""
        self._events.clear()

    def close(self) -> None:
        """Close both pipes; the browser ends when it notices."""
        os.close(self._writing)
        os.close(self._reading)

    def _receive(self, budget: Budget) -> None:
        """Wait for messages for a moment, and sort what has come."""
        if select.select([self._reading], [], [], _TICK)[0]:
            self._read()
        budget.check()

    def _read(self) -> None:
        piece = os.read(self._reading, _PIECE)
        if not piece:
            raise BrowserFailed("Chromium has ended in the middle of a document.")
        *ends, rest = piece.split(b"\0")
        for end in ends:
            message = json.loads(b"".join((*self._pieces, end)))
            self._pieces.clear()
            self._sort(message)
        self._pieces.append(rest)

    def _sort(self, message: Json) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
        elif message["method"] in {"Inspector.targetCrashed", "Target.targetCrashed"}:
            raise PageCrashed("The page of the document has crashed.")
        else:
            self._events.append(message)
