"""`nyx workflow` follows a run from decision to decision, and shows the whole log of the run that it has started."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nyx import following
from nyx.events import StreamEvent
from nyx.stack import Stack
from nyx.workflow import reviewing
from nyx.workflow.running import DecisionNeeded, Manner, Outcome, Session

BUDGET = "Step each waits: the budget of the run is 10 tokens"


def step(key: str, status: str, type_: str = "review") -> dict[str, Any]:
    calls = [{"label": "balanced"}, {"label": "ambitious"}] if type_ == "llm" else []
    return {"key": key, "type": type_, "status": status, "title": None, "output": f"Text of {key}.",
            "prompt": None, "calls": calls, "truncated": False}  # fmt: skip


class Run:
    """A run of three steps that wait for a decision one after another: its log, its stream and its API in one.

    Between its decisions it stays `waiting` all the while. It goes on before a decision is answered, or not until
    whoever follows it has read all that there is.
    """

    def __init__(self, *, at_once: bool) -> None:
        self.at_once, self.goes_on, self.beside = at_once, False, False
        self.steps = [step("pick", "pending", "llm"), step("first", "pending"), step("second", "pending")]
        self.status, self.finished = "running", None
        self.log: list[tuple[str, dict[str, Any]]] = [
            ("status", {"status": "running"}), ("log", {"level": "info", "message": BUDGET}),
        ]  # fmt: skip
        self.decided: list[tuple[str, Any]] = []
        self.cursors: list[int | None] = []

    def go_on(self) -> None:
        """The next step waits, and the run once nothing is at work beside it; where there is none the run ends."""
        self.goes_on = False
        following = next((each for each in self.steps if each["status"] != "succeeded"), None)
        if following is None:
            self.status, self.finished = "succeeded", "2026-11-23T09:00:20Z"
            self.log += [("status", {"status": self.status}), ("done", {"run": self.shown()})]
            return
        if following["status"] == "pending":
            following["status"] = "waiting"
            self.log.append(("step", {"key": following["key"], "status": "waiting", "attempt": 1}))
            if self.beside:
                self.beside, self.goes_on = False, True
                return
        if self.status != "waiting":
            self.status = "waiting"
            self.log.append(("status", {"status": "waiting"}))

    def shown(self) -> dict[str, Any]:
        return {"id": "r1", "workflowId": "w1", "kind": "workflow", "status": self.status, "error": None,
                "finishedAt": self.finished, "result": None}  # fmt: skip

    def follow(self, *_: object, after: int | None = None, **__: object) -> Iterator[StreamEvent]:
        """As the service streams: the log after a cursor, or a snapshot and what comes after it."""
        self.cursors.append(after)
        seen = len(self.log) if after is None else after
        if after is None:
            yield StreamEvent(seen, "snapshot", self.shown())
        while self.log[-1][0] != "done" or seen < len(self.log):
            if seen == len(self.log):
                assert self.goes_on, f"nothing more comes, and the run waits: {self.decided}"
                self.go_on()
            seen += 1
            yield StreamEvent(seen, *self.log[seen - 1])

    def get(self, path: str) -> dict[str, Any]:
        if path == "/workflows/w1":
            return {"steps": [{"key": each["key"], "title": None} for each in self.steps]}
        return self.shown()

    def post(self, path: str, body: Any = None) -> dict[str, Any]:
        if found := re.fullmatch(r"/runs/r1/steps/(\w+)/decision", path):
            decided = next(each for each in self.steps if each["key"] == found[1])
            assert (decided["status"], self.status) == ("waiting", "waiting"), "it does not wait yet"
            decided["status"] = "succeeded"
            self.decided.append((found[1], body.get("alternative", body["decision"])))
            self.log.append(("step", {"key": found[1], "status": "succeeded", "attempt": 1}))
        self.goes_on = True
        if self.at_once:
            self.go_on()
        return self.shown()

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        yield from [dict(each) for each in self.steps] if path.endswith("/steps") else []


@pytest.fixture(params=[True, False], ids=["at once", "later"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    run = Run(at_once=request.param)
    monkeypatch.setattr(following, "follow", run.follow)
    monkeypatch.setattr("nyx.workflow.running.project_named", lambda *_: {"id": "p1"})
    return run


def session(run: Run, out: Path, *, yes: bool = False) -> Session:
    stack = Stack("", "t", "", "", joined=True, _lock=None, _parts=None)  # type: ignore[arg-type]
    return Session(stack, run, Outcome(), Manner(out, yes=yes, silent=False))  # type: ignore[arg-type]


def test_with_yes_a_pick_and_the_reviews_behind_it_are_all_approved(run: Run, tmp_path: Path) -> None:
    session(run, tmp_path, yes=True).start("w1", None, path=None, project=None)
    assert run.decided == [("pick", 1), ("first", "approve"), ("second", "approve")]


def test_whoever_is_there_is_asked_at_every_wait(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = iter(["2", "a", "r"])
    monkeypatch.setattr(reviewing, "on_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: next(replies))
    session(run, tmp_path).start("w1", None, path=None, project=None)
    assert run.decided == [("pick", 2), ("first", "approve"), ("second", "reject")]


def test_where_nobody_can_be_asked_each_decision_ends_at_the_next_wait(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DecisionNeeded, match="on pick"):
        session(run, tmp_path).start("w1", None, path=None, project=None)
    for key, following_one in [("pick", "first"), ("first", "second")]:
        deciding = session(run, tmp_path)
        deciding.outcome.run = run.shown()
        with pytest.raises(DecisionNeeded, match=f"on {following_one}"):
            deciding.decide(key, {"decision": "approve"})
    last = session(run, tmp_path)
    last.outcome.run = run.shown()
    last.decide("second", {"decision": "approve"})
    assert last.outcome.run["status"] == "succeeded"


def test_a_step_that_waits_beside_others_at_work_is_decided_once_the_run_waits(
    run: Run, tmp_path: Path
) -> None:
    run.beside = True
    session(run, tmp_path, yes=True).start("w1", None, path=None, project=None)
    assert run.decided[0] == ("pick", 1)


def test_the_log_of_a_run_that_was_just_started_is_shown_from_its_first_line_and_once(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session(run, tmp_path, yes=True).start("w1", None, path=None, project=None)
    shown = capsys.readouterr().out
    assert run.cursors == [0]
    for line in [f"info: {BUDGET}", "? pick: waits for a decision", "✓ first", "✓ second"]:
        assert shown.count(line) == 1, shown
