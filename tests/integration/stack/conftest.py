"""Stacks for tests: `trial` runs small handlers of its own, `nyx` starts the real command in a process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stack_bench import BLUEPRINT, PATIENCE, Dev, Reported, Trial, start_nyx

from nyx.stack import open_stack

PROBLEMS = """\
import subprocess
import pickle


def load(name, seen=[]):
    if not seen is None:
        subprocess.run("cat " + name, shell=True)
    try:
        return pickle.loads(open(name, "rb").read())
    except:
        return None
"""


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
        started.append(start_nyx(*arguments, home=home, cwd=tmp_path, **options))
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


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory, kept_home: Path) -> Iterator[Reported]:
    """The command's whole work on a small project, and a stack that its reports are asked of."""
    folder = tmp_path_factory.mktemp("reported")
    home, tree = folder / "home", folder / "atlas"
    shutil.copytree(kept_home, home)
    tree.mkdir()
    for number in range(4):
        (tree / f"module_{number}.py").write_text(PROBLEMS)
    fix = start_nyx("fix", str(tree), "--json", home=home, cwd=folder)
    out, errors = fix.process.communicate(timeout=PATIENCE)
    assert fix.process.returncode == 0, errors
    dev = start_nyx("dev", "--json", "--port", "0", home=home, cwd=folder).wait_ready()
    yield Reported(tree, folder / "nyx-out", dev, json.loads(out))
    dev.end()
