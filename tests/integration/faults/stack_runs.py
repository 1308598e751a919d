"""Runs on a real stack: begun, followed up to a phase, and a tree that takes some seconds to fix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from nyx.api import Api
from nyx.events import StreamEvent, follow

MODULES = 600
MODULE = """\
import os
import sys
import json


def total(values, limit=[]):
    if values == None:
        return 0
    if not limit is None:
        print(f"limit")
    try:
        return sum(values)
    except:
        return -{number}
"""


def write_tree(folder: Path) -> None:
    for number in range(MODULES):
        folder.joinpath(f"module_{number:04d}.py").write_text(MODULE.replace("{number}", str(number)))


@contextmanager
def api_of(ready: dict[str, str]) -> Iterator[Api]:
    api = Api(ready["url"], ready["token"])
    try:
        yield api
    finally:
        api.close()


def start(api: Api, tree: Path) -> str:
    """A run on this folder; its id."""
    project = api.post("/projects", {"name": "tree"})["id"]
    repository = {"source": "path", "name": "tree", "path": str(tree)}
    made = api.post(f"/projects/{project}/repositories", repository)["id"]
    draft = {"kind": "auto-fix", "projectId": project, "repositoryId": made}
    return str(api.post("/runs", draft)["id"])


def events(ready: dict[str, str], run_id: str, after: int = 0) -> Iterator[StreamEvent]:
    return follow(ready["url"], ready["token"], run_id, after=after)


def until_phase(ready: dict[str, str], run_id: str, phase: str) -> list[StreamEvent]:
    """The events up to the beginning of this phase."""
    seen = []
    with closing(events(ready, run_id)) as stream:  # type: ignore[type-var]
        for event in stream:
            seen.append(event)
            if event.type == "phase" and event.data["phase"] == phase:
                return seen
    raise AssertionError(f"the run ended before {phase}: {seen[-1]}")


def numbers(found: list[StreamEvent]) -> list[int]:
    return [event.id for event in found]


def running(api: Api) -> Any:
    return next((run for run in api.items("/runs") if run["status"] in {"queued", "running"}), None)
