"""What every job of the engine's process is given: the tree, the choices, the scanner, a way to say how far it is."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nyxcore.analysis.errors import EngineError
from nyxcore.analysis.models import Options, SourceFile
from nyxcore.analysis.project import ProjectSettings
from nyxcore.analysis.scanner import Scanner
from nyxcore.analysis.tool_process import Tools

_SECONDS_BETWEEN_CALLS = 0.1

Item = dict[str, object]
Emit = Callable[[dict[str, object]], None]


@dataclass(frozen=True, slots=True)
class Job:
    """The surroundings of one job.

    Attributes
    ----------
    rules : the fingerprint of rule tables, tools and engine.
    emit : takes one progress message, {phase, done, total, unit, items}.
    """

    root: Path
    work: Path
    settings: ProjectSettings
    options: Options
    rules: str
    tools: Tools
    scanner: Scanner
    emit: Emit

    def progress(self, phase: str, total: int, unit: str) -> ProgressMeter:
        """A meter for one phase, which says at once that the phase has begun."""
        return ProgressMeter(self.emit, phase, total, unit)


class ProgressMeter:
    """Counts what is done and says so, not more often than ten times a second."""

    def __init__(self, emit: Emit, phase: str, total: int, unit: str) -> None:
        self._emit = emit
        self._phase, self._total, self._unit = phase, total, unit
        self._done = 0
        self._said = 0.0
        self._say(())

    def advance(self, done: int, items: Sequence[Item] = ()) -> None:
        """Count `done` more; items are always passed on."""
        self._done += done
        if items or (
            done and (self._done >= self._total or time.monotonic() - self._said > _SECONDS_BETWEEN_CALLS)
        ):
            self._say(items)

    def _say(self, items: Sequence[Item]) -> None:
        self._said = time.monotonic()
        message = {"phase": self._phase, "done": self._done, "total": self._total, "unit": self._unit}
        self._emit({**message, "items": list(items)})


def read_source(root: Path, file: SourceFile) -> bytes:
    """The bytes of a file of the tree; EngineError when they are not those of the manifest."""
    try:
        content = (root / file.path).read_bytes()
    except OSError as error:
        raise EngineError("changed") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise EngineError("changed")
    return content
