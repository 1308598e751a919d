"""Ctrl-C while `nyx workflow` starts a run, follows it, or decides what it waits for: whenever it comes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nyx import following
from nyx.events import StreamEvent
from nyx.stack import Stack
from nyx.workflow.running import DecisionNeeded, Manner, Outcome, Session

STEP = {"key": "look", "type": "review", "status": "waiting", "title": None, "output": "Text.",
        "prompt": "Is it right?", "calls": [], "truncated": False}  # fmt: skip


class Api:
    """One run that waits for a decision until it is cancelled; Ctrl-C comes with the request of a number."""

    def __init__(self, ctrl_c: int = 0) -> None:
        self.ctrl_c, self.asked = ctrl_c, 0
        self.run: dict[str, Any] = {"id": "r1", "workflowId": "w1", "status": "waiting", "finishedAt": None}

    def _came(self) -> None:
        self.asked += 1
        if self.asked == self.ctrl_c:
            signal.raise_signal(signal.SIGINT)

    def get(self, path: str) -> dict[str, Any]:
        self._came()
        return {"steps": [STEP]} if path == "/workflows/w1" else dict(self.run)

    def post(self, path: str, body: object = None) -> dict[str, Any]:
        if path.endswith("/cancel"):
            self.run |= {"status": "cancelled", "finishedAt": "2026-11-23T09:00:20Z"}
        self._came()
        return dict(self.run)

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        self._came()
        yield from [STEP] if path.endswith("/steps") else []


def start(session: Session) -> None:
    session.start("w1", None, path=None, project=None)


def decide(session: Session) -> None:
    session.outcome.run = {"id": "r1", "workflowId": "w1", "status": "waiting", "finishedAt": None}
    session.decide("look", {"decision": "approve"})


@pytest.fixture(autouse=True)
def stream(monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(*_: object, **__: object) -> Iterator[StreamEvent]:
        yield StreamEvent(1, "status", {"status": "waiting"})

    monkeypatch.setattr(following, "follow", follow)
    monkeypatch.setattr("nyx.workflow.running.project_named", lambda *_: {"id": "p1"})


@pytest.mark.parametrize("act", [start, decide])
def test_ctrl_c_at_any_request_cancels_the_run(act: Callable[[Session], None], tmp_path: Path) -> None:
    def session(api: Api) -> Session:
        stack = Stack("", "t", "", "", joined=True, _lock=None, _parts=None)  # type: ignore[arg-type]
        return Session(stack, api, Outcome(), Manner(tmp_path, yes=False, silent=True))  # type: ignore[arg-type]

    quiet = Api()
    with pytest.raises(DecisionNeeded):
        act(session(quiet))
    for number in range(1, quiet.asked + 1):
        stopped = session(Api(number))
        with pytest.raises(KeyboardInterrupt):
            act(stopped)
        assert stopped.outcome.run is not None
        assert (stopped.outcome.run["status"], stopped.outcome.steps) == ("cancelled", [STEP]), number
