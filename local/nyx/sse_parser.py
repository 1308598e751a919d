"""Reads server-sent events as the WHATWG HTML standard says (section 9.2.6, "Interpreting an event stream").

Lines end in CR, LF or CRLF and in nothing else: not in U+2028 and not in U+0085, where `str.splitlines`
would cut. Pieces may be cut anywhere, inside a character or between CR and LF.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class ParsedEvent:
    """An event as a browser would dispatch it: `id` is the last one that the stream gave, `""` without one."""

    id: str
    type: str
    data: str


class EventParser:
    """Turns the bytes of one connection into events.

    Attributes
    ----------
    last_event_id : what to send as `Last-Event-ID` on the next connection; an `id` counts only once the blank
        line after it has come, even when the event had no data and was not dispatched.
    retry_ms : the wait that the server asked for, or None.
    """

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self.retry_ms: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._at_start = True
        self._after_cr = False
        self._id = last_event_id
        self._type = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[ParsedEvent]:
        """The events that this piece completes. What the end of the stream cuts off is never one."""
        self._text += self._decoder.decode(piece)
        if self._at_start and self._text:
            self._text = self._text.removeprefix("\ufeff")
            self._at_start = False
        for line in self._lines():
            if line:
                self._field(line)
            elif (event := self._blank_line()) is not None:
                yield event

    def _lines(self) -> Iterator[str]:
        if self._after_cr and self._text:  # a CR ends its line at once; the LF of a CRLF may come later
            self._text, self._after_cr = self._text.removeprefix("\n"), False
        start = 0
        for end in _LINE_END.finditer(self._text):
            yield self._text[start : end.start()]
            start = end.end()
        if self._text:
            self._after_cr = self._text.endswith("\r")
        self._text = self._text[start:]

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value)

    def _blank_line(self) -> ParsedEvent | None:
        self.last_event_id = self._id
        data, self._data = self._data, []
        kind, self._type = self._type, ""
        if not data:
            return None
        return ParsedEvent(self._id, kind or "message", "\n".join(data))
