"""Where a stream begins: the client's cursor, and what follows from it. Pure."""

from __future__ import annotations

import re
from typing import Literal

from nyxcore.errors import BadCursor

type Beginning = Literal["snapshot", "replay", "reset", "ended"]
"""`snapshot`: the state, then live. `replay`: the events after the cursor, then live. `reset`: the client
is told that its cursor is worth nothing, then a snapshot or the rows that are left. `ended`: 204."""

BEYOND = (1 << 63) - 1
"""A cursor that no run reaches."""

_NUMBER = re.compile(r"(-?)0*([0-9]+)")


def parse(header: str | None, query: str | None) -> int | None:
    """The cursor of a request: the header `Last-Event-ID`, else the query's `lastEventId`, else None.

    The header wins, because EventSource keeps repeating the address that it was opened with. An empty one
    counts as none, as in EventSource. A negative number is -1 and one of more than 18 digits is `BEYOND`:
    numbers, and no run ever had them.

    Raises
    ------
    BadCursor : it is no number.
    """
    text = header or query
    if not text:
        return None
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise BadCursor(f"the cursor {text[:40]!r} is not a number: send the id of the last event, or none")
    if len(match[2]) > 18:
        return -1 if match[1] else BEYOND
    return max(int(match[1] + match[2]), -1)


def beginning(cursor: int | None, *, finished: bool, last_seq: int, next_seq: int | None) -> Beginning:
    """How the stream of a run begins.

    Parameters
    ----------
    cursor : what the client has seen, or None.
    finished, last_seq : of the run.
    next_seq : number of the first event after the cursor (after 0 without one) that is still kept.
    """
    if cursor is None and not finished:
        return "snapshot"
    position = cursor or 0
    if not 0 <= position <= last_seq:
        return "reset"
    if position == last_seq:
        return "ended" if finished else "replay"
    return "replay" if next_seq == position + 1 else "reset"
