"""docs/following-a-run.md shows every type of event, as the server's own models and encoder write it.

Its example in JavaScript is run by guide_example.test.js.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from nyx import events
from nyx.events import StreamEvent, StreamLost, StreamRefused
from nyx.sse_parser import EventParser
from nyxcore.findings.models import Finding, Fix
from nyxcore.runs import sse
from nyxcore.runs.models import PHASES, EventType, Progress, Run, RunStatus

GUIDE = Path(__file__).parents[3].joinpath("docs", "following-a-run.md").read_text()
EXAMPLES = "\n".join(f"{block}\n" for block in re.findall(r"```\n(id: .*?)```", GUIDE, re.DOTALL))
EVENTS = {event.type: (event.id, json.loads(event.data)) for event in EventParser().feed(EXAMPLES.encode())}


def data(kind: str) -> Any:
    return EVENTS[kind][1]


def wire(model: Run | Finding | Progress) -> object:
    return model.model_dump(mode="json", by_alias=True)


def test_every_type_is_there_and_written_as_the_encoder_writes_it() -> None:
    assert EVENTS.keys() == {*get_args(EventType), "snapshot", "reset"}
    for kind, (number, value) in EVENTS.items():
        assert sse.encode(int(number), kind, json.dumps(value, separators=(",", ":"))).decode() in EXAMPLES


def test_runs_findings_fixes_and_progress_are_as_the_models_have_them() -> None:
    for run in (data("snapshot"), data("done")["run"]):
        assert wire(Run.model_validate(run)) == run
    assert wire(Progress.model_validate(data("progress"))) == data("progress")
    for finding in data("findings")["items"]:
        assert wire(Finding.model_validate(finding)) == finding
    for fix in data("fixes")["items"]:
        assert fix.keys() == {field.alias for field in Fix.model_fields.values()} - {"diff"}


def test_the_statuses_and_phases_are_the_products() -> None:
    named = set(re.findall(r"`(\w+)`", GUIDE))
    assert named >= {*PHASES, *get_args(RunStatus)}
    assert data("status")["status"] in get_args(RunStatus) and data("phase")["phase"] in PHASES


@pytest.mark.parametrize("ends", [None, StreamRefused(401, "the token has expired"), StreamLost("no answer")])
def test_the_python_example_prints_events_and_says_how_it_ended(
    ends: Exception | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def follow(url: str, token: object, run_id: str, *, after: int | None) -> Iterator[StreamEvent]:
        assert callable(token) and after == 7
        yield StreamEvent(8, "log", {})
        if ends is not None:
            raise ends

    monkeypatch.setattr(events, "follow", follow)
    names: dict[str, Any] = {"new_token": lambda: "nyx_1", "run_id": "r1", "last_seen": 7}
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    exec(example, names)
    printed = capsys.readouterr().out
    assert printed.startswith("8 log {}\n") and names["last_seen"] == 8
    assert str(ends) in printed or ends is None


def test_the_python_client_needs_no_more_than_the_guide_says() -> None:
    program = "import sys, nyx.events; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ours = {name for name in ran.stdout.split() if name.split(".")[0] in {"nyx", "nyxcore"}}
    assert ours == {"nyx", "nyx.events", "nyx.sse_parser", "nyx.errors", "nyxcore", "nyxcore.errors"}
    source = Path(events.__file__).read_text()
    assert set(re.findall(r"^from (nyx\S*) import (.*)$", source, re.MULTILINE)) == {
        ("nyx.errors", "LocalError"),
        ("nyx.sse_parser", "EventParser, ParsedEvent"),
    }
