"""Starts a tool below this process, with an empty environment, and never shows what it says on stderr.

Time, memory and core dumps are limited by what this process has set for itself: children inherit it.
"""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True, slots=True)
class Tools:
    """Absolute paths of the programs; `git` is None where there is none."""

    ruff: str
    ast_grep: str
    git: str | None = None


class ToolProcess:
    """One running tool whose standard output goes to a file."""

    def __init__(self, arguments: Sequence[str], folder: Path, *, seconds: float) -> None:
        self._seconds = seconds
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by result's reader or by stop
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.DEVNULL,
            env={},
            cwd=folder,
        )

    def result(self, *, accepted: tuple[int, ...] = (0,)) -> IO[bytes] | None:
        """Wait for the end; the output, or None when it took too long, crashed or gave another exit code."""
        try:
            code = _wait(self._process, self._seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            return None
        if code not in accepted:
            self._file.close()
            return None
        self._file.seek(0)
        return self._file

    def stop(self) -> None:
        """End the tool if it still runs, and let go of its output."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._file.close()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    """The exit code. Where the system has it, a process descriptor tells of the end at once, without polling."""
    if hasattr(os, "pidfd_open"):
        descriptor = os.pidfd_open(process.pid)
        try:
            select.select([descriptor], [], [], seconds)
        finally:
            os.close(descriptor)
        seconds = 0.001
    return process.wait(seconds)
