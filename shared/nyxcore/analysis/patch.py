"""What is checked of the combined tree as a whole: that git takes the patch, and that Python still compiles."""

from __future__ import annotations

import os
import subprocess
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from nyxcore.analysis.diffs import Lines, unified
from nyxcore.analysis.errors import EngineError
from nyxcore.analysis.filestate import FileState
from nyxcore.analysis.models import PYTHON
from nyxcore.analysis.tool_process import Tools

_SECONDS = 120.0


def patch_of(states: Iterable[FileState]) -> bytes:
    """One patch for `git apply`, from the pristine to the combined contents, in the order of the paths."""
    changed = sorted((state for state in states if state.fixes), key=lambda state: state.path)
    return b"".join(
        unified(state.path, Lines(state.pristine), state.layer, git_header=True) for state in changed
    )


def refused_by_git(states: Sequence[FileState], tools: Tools, folder: Path) -> list[str] | None:
    """Paths of the changed files whose part of the patch git does not take; None when there is no git.

    All parts are checked at once, and by themselves only when that fails.
    """
    if tools.git is None:
        return None
    changed = [state for state in states if state.fixes]
    if not changed or _applies(tools.git, changed, folder / "all"):
        return []
    return [
        state.path
        for number, state in enumerate(changed)
        if not _applies(tools.git, [state], folder / str(number))
    ]


def _applies(git: str, states: Sequence[FileState], folder: Path) -> bool:
    tree = folder / "tree"
    for state in states:
        path = tree / state.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(state.pristine)
    patch = folder / "patch"
    patch.write_bytes(patch_of(states))
    # Without a ceiling git would look for a repository in the folders above, and apply nothing outside of it.
    environment = {"GIT_CEILING_DIRECTORIES": os.fspath(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        done = subprocess.run(
            [git, "-c", "core.autocrlf=false", "apply", "--check", os.fspath(patch)],
            cwd=tree,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError("time") from error
    return done.returncode == 0


def compile_worse(states: Iterable[FileState]) -> list[str]:
    """Paths of the Python files that this Python compiled before the fixes and does not compile after."""
    return [
        state.path
        for state in states
        if state.fixes
        and state.language == PYTHON
        and not _compiles(state.content)
        and _compiles(state.pristine)
    ]


def _compiles(content: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(content, "file", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return False
    return True
