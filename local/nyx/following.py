"""A run as a command follows it: to its end, or until Ctrl-C cancels it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from nyx.api import Api, ApiRefused, Json
from nyx.events import StreamEvent, follow
from nyx.live import View
from nyx.stack import Stack


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Ctrl-C takes effect at the end of this block, so that a run that is being made can be cancelled.

    A second one does not wait.
    """
    came: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if came:
            signal.default_int_handler(number, frame)
        came.append(number)

    before = signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def shown_events(stack: Stack, run_id: str, view: View, *, after: int | None = None) -> Iterator[StreamEvent]:
    """The run's events up to `done`, each shown before it is given; `after` as `follow` takes it."""

    def on_reconnect(reason: str) -> None:
        stack.check()  # it will not come back when the command that held it is gone
        view.note(reason)

    for event in follow(stack.url, stack.token, run_id, after=after, on_reconnect=on_reconnect):
        view.event(event.type, event.data)
        yield event


def watch(stack: Stack, run_id: str, view: View) -> None:
    """Show a run that was just started, from its first event until it is done."""
    for _ in shown_events(stack, run_id, view, after=0):
        continue


def cancelled(api: Api, stack: Stack, run_id: str) -> Json:
    """Cancel the run and wait for its `done`; a second Ctrl-C gives up waiting."""
    with suppress(ApiRefused):  # it ended by itself a moment before
        api.post(f"/runs/{run_id}/cancel")
    for _ in follow(stack.url, stack.token, run_id, on_reconnect=lambda _: None):
        continue
    return api.get(f"/runs/{run_id}")
