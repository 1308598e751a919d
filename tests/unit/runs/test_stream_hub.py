"""Who of the open streams hears what, when a round trip ends otherwise than it began."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from nyxcore.errors import DatabaseUnavailable
from nyxcore.runs.hub import Over, StoredEvent, StreamHub, Watch, _Answer
from nyxcore.tenancy.models import Principal

TENANT = uuid4()


def watch(**changes: Any) -> Watch:
    principal = Principal(TENANT, "token:test", frozenset({"runs:read"}))
    values = {"cursor": 0, "contiguous": True, "notify": lambda: None, "lease_id": uuid4()} | changes
    return Watch(principal, uuid4(), **values)


class Asked(StreamHub):
    """A hub whose round trips are what the test says."""

    def __init__(self, answer: Callable[[Sequence[Watch], set[Watch]], dict[UUID, _Answer]]) -> None:
        super().__init__(lambda: pytest.fail("nobody asks a database here"))
        self._answer = answer

    def _ask(self, due: Sequence[Watch], left: Iterable[Watch]) -> dict[UUID, _Answer]:
        return self._answer(due, set(left))


def until(true: Callable[[], object]) -> None:
    """Wait for it, ten seconds at the most."""
    for _ in range(1_000):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it did not come to pass")


def test_rows_on_their_way_do_not_take_the_place_of_the_end() -> None:
    def answer(due: Sequence[Watch], _: set[Watch]) -> dict[UUID, _Answer]:
        hub.end()
        rows = {(each.run_id, each.cursor): [StoredEvent(1, "log", "{}")] for each in due}
        return {TENANT: _Answer(rows, {need for each in due for need in each.needs})}

    hub, stream = Asked(answer), watch(more=True)
    hub.join(stream)
    until(lambda: stream.message is not None)
    hub.close()
    assert stream.message is Over.GONE


def test_a_place_that_cannot_be_given_back_ends_no_other_stream() -> None:
    failed = []

    def answer(due: Sequence[Watch], left: set[Watch]) -> dict[UUID, _Answer]:
        if left:
            failed.append(left)
            raise DatabaseUnavailable("a row is locked")
        return {TENANT: _Answer({}, {need for each in due for need in each.needs})}

    hub, stays, leaves = Asked(answer), watch(last_event=time.monotonic() - 3_600), watch()
    hub.join(stays)
    hub.leave(leaves)
    until(lambda: failed)
    assert stays.message is None
    hub.close()


def test_whoever_was_asked_for_in_vain_is_told_to_come_back() -> None:
    def answer(due: Sequence[Watch], left: set[Watch]) -> dict[UUID, _Answer]:
        raise DatabaseUnavailable("it hangs")

    hub, streams = Asked(answer), [watch(more=True), watch(last_event=time.monotonic() - 3_600)]
    for stream in streams:
        hub.join(stream)
    until(lambda: all(stream.message is Over.TROUBLE for stream in streams))
    hub.close()
