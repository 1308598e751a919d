"""The one encoder of server-sent events (WHATWG HTML section 9.2, "Server-sent events").

Nothing that goes in can start a line of its own: ids are integers, types are plain names, and data is one
line of ASCII JSON, in which CR, LF, NUL, U+2028 and every other special character is an escape.

A blank line follows events alone. After a comment or a `retry` the standard needs none, and widespread
parsers take it there for the end of an empty event.
"""

from __future__ import annotations

import json
import re

MEDIA_TYPE = "text/event-stream; charset=utf-8"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_NOT_IN_A_LINE = re.compile(r"[^\x20-\x7e]")


def encode(event_id: int, name: str, data_json: str) -> bytes:
    """One event: its id, its type and one line of data.

    Parameters
    ----------
    event_id : number of the event; 0 for `reset`.
    name : the event's type, in lower-case letters, digits, `_` and `-`.
    data_json : any JSON text; written again on one line, in ASCII, where it is not so already. What is so already
        goes out as it is, unread.

    Raises
    ------
    ValueError : the name is not such a name, the id is negative, or the data that has to be written again is no JSON.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an event")
    if event_id < 0:
        raise ValueError(f"the event id {event_id} is negative")
    return f"id: {event_id}\nevent: {name}\ndata: {_one_line(data_json)}\n\n".encode("ascii")


def comment() -> bytes:
    """A line that every parser skips: it keeps the connection open and shows that it is alive."""
    return b": still here\n"


def retry(milliseconds: int) -> bytes:
    """How long the client is to wait before it comes back."""
    return b"retry: %d\n" % milliseconds


def _one_line(data_json: str) -> str:
    if _NOT_IN_A_LINE.search(data_json) is None:
        return data_json
    return json.dumps(json.loads(data_json), separators=(",", ":"))
