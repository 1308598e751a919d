"""The JavaScript client's own tests, run by Node, and that it knows what the server sends."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from nyx.events import EVENT_TYPES
from nyxcore.runs.models import EventType

FOLDER = Path(__file__).parent
CLIENT = FOLDER.parents[2] / "clients" / "javascript"
SENT = {*get_args(EventType), "snapshot", "reset"}


@pytest.mark.browser
@pytest.mark.parametrize("file", ["follow_cases.test.js", "run_stream.test.js", "guide_example.test.js"])
def test_node_finds_nothing_wrong(file: str) -> None:
    command = ["node", "--test", "--test-reporter=tap", str(FOLDER / file)]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    passed = int(re.search(r"^# pass (\d+)$", run.stdout, re.MULTILINE)[1])  # type: ignore[index]
    cases = json.loads((FOLDER / "follow_cases.json").read_text())
    assert passed == (
        len(cases) if file.startswith("follow") else FOLDER.joinpath(file).read_text().count("\ntest(")
    )


def test_the_clients_listen_for_every_type_that_the_server_sends() -> None:
    assert SENT == EVENT_TYPES
    listed = re.search(
        r"EVENT_TYPES = Object\.freeze\(\[(.*?)\]\)", CLIENT.joinpath("nyx-events.js").read_text(), re.S
    )
    assert listed is not None
    assert set(re.findall(r'"(\w+)"', listed[1])) == SENT


def test_the_declarations_name_the_data_of_every_type() -> None:
    declared = re.search(
        r"interface RunEventData \{(.*?)\n\}", CLIENT.joinpath("nyx-events.d.ts").read_text(), re.S
    )
    assert declared is not None
    assert set(re.findall(r"^  (\w+):", declared[1], re.MULTILINE)) == SENT
