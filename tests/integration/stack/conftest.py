"""Stacks for tests: `trial` runs small handlers of its own, `nyx` starts the real command in a process."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stack_bench import BLUEPRINT, NYX, PATIENCE, Dev, Trial

from nyx.stack import open_stack


@pytest.fixture
def nyx(tmp_path: Path, kept_home: Path) -> Iterator[Callable[..., Dev]]:
    """Starts `nyx` commands; those that are left are ended after the test.

    They work on a home that was used before, for that is four times as fast, unless one is given.
    """
    started: list[Dev] = []

    def start(*arguments: str, home: Path | None = None, **options: Any) -> Dev:
        if home is None:
            home = tmp_path / "home"
            if not home.exists():
                shutil.copytree(kept_home, home)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("NYX_", "AWS_"))},
            "NYX_HOME": str(home),
            **options.pop("environment", {}),
        }
        process = subprocess.Popen(
            [NYX, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment, cwd=tmp_path, **options,
        )  # fmt: skip
        started.append(Dev(process, home))
        return started[-1]

    yield start
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
        command.process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A stack of the trial's handlers, for the tests of one module."""
    home, folder = tmp_path_factory.mktemp("trial") / "home", tmp_path_factory.mktemp("seen")
    with open_stack(
        home,
        on_status=lambda _: None,
        blueprint=BLUEPRINT,
        environment={"NYX_TRIAL_FOLDER": str(folder), "AWS_PROFILE": "mine", "SECRET": "of the shell"},
    ) as stack:
        yield Trial(stack, home, folder)
