"""The real command, ended in the middle of a run: by `kill -9`, by a cancel, by Ctrl-C."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from stack_bench import Dev, eventually, processes_of

from nyx.events import StreamEvent, follow

type Nyx = Callable[..., Dev]

PHASES = ("fetching", "scanning", "detecting", "fixing", "verifying")
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


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that takes some seconds to fix."""
    folder = tmp_path_factory.mktemp("tree")
    for number in range(MODULES):
        folder.joinpath(f"module_{number:04d}.py").write_text(MODULE.replace("{number}", str(number)))
    return folder


class Caller:
    """Calls the API of a running stack."""

    def __init__(self, ready: dict[str, str]) -> None:
        self.ready = ready
        headers = {"Authorization": f"Bearer {ready['token']}"}
        self._http = httpx.Client(base_url=f"{ready['url']}/api/v1", headers=headers, timeout=60)

    def call(self, method: str, path: str, body: object = None) -> Any:
        with self._http as http:
            answer = http.request(method, path, json=body)
        self.__init__(self.ready)  # type: ignore[misc]
        assert answer.is_success, answer.text
        return answer.json()

    def start(self, tree: Path) -> str:
        """A run on this folder; its id."""
        project = self.call("POST", "/projects", {"name": "tree"})["id"]
        made = self.call(
            "POST", f"/projects/{project}/repositories", {"source": "path", "name": "tree", "path": str(tree)}
        )
        draft = {"kind": "auto-fix", "projectId": project, "repositoryId": made["id"], "options": {"force": True}}
        return str(self.call("POST", "/runs", draft)["id"])

    def follow(self, run_id: str, after: int | None = 0) -> Iterator[StreamEvent]:
        return follow(self.ready["url"], self.ready["token"], run_id, after=after)
