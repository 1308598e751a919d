"""How a job can fail inside the engine's process; the parent turns each into a sentence of ours."""

from __future__ import annotations

from typing import Literal

Failure = Literal["changed", "mismatch", "memory", "time", "tool", "internal"]


class EngineError(Exception):
    """A job cannot go on; `failure` says why, and nothing of the repository is in it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure: Failure = failure
