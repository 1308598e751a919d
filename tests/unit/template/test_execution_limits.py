"""What Step Functions allows an execution: 25,000 events of history, 256 KiB of state. From the definitions alone.

Events are counted as AWS writes them for Lambda tasks that are named by their ARN: a state is entered and left, each
attempt is scheduled, started and ended. What is counted is the worst way through: every attempt of every task is
needed, and the last one fails wherever failing leads to more.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nyxcore.sources.archive import MAX_FILES
from nyxcore.sources.models import MAX_REFERENCE_BYTES, MAX_SOURCE_BYTES
from nyxcore.sources.packs import MAX_PACK_BYTES, MAX_PACK_FILES
from nyxcore.sources.streams import MAX_UNPACKED

FUNCTIONS = Path(__file__).parents[3] / "functions"
DEFINITIONS = sorted(FUNCTIONS.glob("pipelines/*/pipeline.asl.json"))
MOST_EVENTS = 25_000
LARGEST_STATE = 256 * 1024
EVENTS_OF_EXECUTION = 2
EVENTS_OF_ATTEMPT = 3
# a pack is closed when it has its files, or when the next file would make it too large; one may be left over
MOST_PACKS = (
    MAX_FILES // MAX_PACK_FILES
    + MAX_UNPACKED // (MAX_PACK_BYTES - max(MAX_SOURCE_BYTES, MAX_REFERENCE_BYTES))
    + 1
)
MOST_ITEMS = {"$.scan.packs": MOST_PACKS}
"""The most items of each list that a Map goes over. On AWS sources are archives alone."""

type Json = dict[str, Any]


def attempts(state: Json) -> int:
    """How often a state is tried at the most: each retrier counts for itself."""
    return 1 + sum(retrier.get("MaxAttempts", 3) for retrier in state.get("Retry", []))


def events_of(state: Json) -> int:
    """The most events that passing through one state writes."""
    match state["Type"]:
        case "Task":
            return 2 + EVENTS_OF_ATTEMPT * attempts(state)
        case "Map":
            assert state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "INLINE", (
                "else items have their own history"
            )
            items = MOST_ITEMS[state["ItemsPath"]]
            return 2 + attempts(state) * (2 + items * (2 + most_events(state["ItemProcessor"])))
        case "Choice" | "Wait" | "Succeed" | "Pass":
            return 2
        case "Fail":
            return 1
        case other:
            raise AssertionError(f"say how many events a state of type {other} writes")


def most_events(machine: Json) -> int:
    """The most events of any way through a machine, which must have no circle."""
    states: Json = machine["States"]
    open_: set[str] = set()

    @cache
    def from_(name: str) -> int:
        assert name not in open_, f"{name} comes round to itself: its events have no bound"
        open_.add(name)
        state = states[name]
        following = {state[key] for key in ("Next", "Default") if key in state}
        following |= {each["Next"] for key in ("Catch", "Choices") for each in state.get(key, [])}
        longest = events_of(state) + max(map(from_, following), default=0)
        open_.remove(name)
        return longest

    return from_(machine["StartAt"])


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.parent.name)
def test_no_execution_comes_near_25_000_events(path: Path) -> None:
    most = EVENTS_OF_EXECUTION + most_events(json.loads(path.read_text()))
    assert 10 < most < MOST_EVENTS / 2


def test_the_most_packs_fit_into_the_state() -> None:
    assert len(json.dumps({"packs": list(range(MOST_PACKS))})) < LARGEST_STATE / 2


def test_what_is_counted_is_what_aws_writes() -> None:
    """A machine whose history AWS documents: two events of the execution, and five of a task that succeeds."""
    task: Json = {"Type": "Task", "Resource": "arn", "Next": "Each"}
    each: Json = {
        "Type": "Map",
        "ItemsPath": "$.scan.packs",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "One",
            "States": {"One": {**task, "End": True}},
        },
    }
    del each["ItemProcessor"]["States"]["One"]["Next"]
    assert (
        most_events({"StartAt": "A", "States": {"A": task, "Each": {**each, "End": True}}})
        == 5 + 4 + 7 * MOST_PACKS
    )
    task["Retry"] = [{"ErrorEquals": ["A"], "MaxAttempts": 0}, {"ErrorEquals": ["B"]}]
    assert events_of(task) == 2 + 3 * 4
    with pytest.raises(AssertionError, match="comes round"):
        most_events({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A"}}})
