"""How much a document may take, and what it has taken so far."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nyxpdf.errors import RenderOutOfMemory, RenderTimeout

MIB: Final = 1 << 20
_BETWEEN_LOOKS: Final = 0.2  # seconds


@dataclass(frozen=True)
class Limits:
    """Limits of one document.

    Attributes
    ----------
    seconds : from the job's arrival to the PDF, the start of a browser included.
    job_bytes : of the print job, its fonts and images included.
    pages : of the PDF.
    memory : bytes that the browser's processes may have for themselves, all together (see `processes.memory`).
    diagram_seconds : for drawing one diagram; one that takes longer is left undrawn.
    diagrams_seconds : for all diagrams of a document; those after it are left undrawn.
    documents : after so many a browser is replaced.
    """

    seconds: float = 90.0
    job_bytes: int = 64 * MIB
    pages: int = 1_000
    memory: int = 1_400 * MIB
    diagram_seconds: float = 2.0
    diagrams_seconds: float = 40.0
    documents: int = 100


class DiagramTimeout(Exception):
    """A part of the work took longer than its share; the document goes on without it."""


class _Watch:
    """Looks at the memory now and then: a look takes some milliseconds."""

    def __init__(self, memory: Callable[[], int]) -> None:
        self._memory, self._next = memory, 0.0

    def exceeds(self, limit: int) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _BETWEEN_LOOKS
        return self._memory() > limit


class Budget:
    """What is left of a document's time and memory. `check` is called again and again while the browser works."""

    def __init__(self, limits: Limits, memory: Callable[[], int]) -> None:
        self.limits = limits
        self._watch = _Watch(memory)
        self._end = time.monotonic() + limits.seconds
        self._share_end = self._end

    def within(self, seconds: float) -> Budget:
        """The same budget, of which a part may take `seconds`; it raises DiagramTimeout when they are over."""
        part = copy.copy(self)
        part._share_end = min(self._share_end, time.monotonic() + seconds)
        return part

    def left(self) -> float:
        """Seconds that are left. Raises RenderTimeout or, of a part, DiagramTimeout when none are."""
        now = time.monotonic()
        if now >= self._end:
            raise RenderTimeout(
                f"The document was not finished within {self.limits.seconds:g} s; make it shorter or simpler."
            )
        if now >= self._share_end:
            raise DiagramTimeout
        return self._share_end - now

    def check(self) -> None:
        """Raises what `left` raises, and RenderOutOfMemory."""
        self.left()
        if self._watch.exceeds(self.limits.memory):
            raise RenderOutOfMemory(
                f"Printing took more than {self.limits.memory // MIB} MiB of memory; make the document smaller,"
                " its tables and images first."
            )
