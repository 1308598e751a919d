"""docs/following-a-run.md shows every type of event, as the server's own models and encoder write it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

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
