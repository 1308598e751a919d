"""How large hostile documents are made: as large as is taken in `make soak`, and a fifth of that every day.

The limits that a document of full size meets are as much lower then, so that each test is of the same thing.
"""

from __future__ import annotations

import os

import pytest

from nyxcore.markup import highlighting, limits, service

SCALE = 1 if "NYX_SOAK" in os.environ else 5


def scale_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of a whole document become as much lower as documents are smaller."""
    for name in ("MAX_MARKS", "MAX_BLOCK_TOKENS", "MAX_STEPS"):
        monkeypatch.setattr(limits, name, getattr(limits, name) // SCALE)
    monkeypatch.setattr(service, "MAX_CHARACTERS", limits.MAX_CHARACTERS // SCALE)
    monkeypatch.setattr(highlighting, "MAX_TOTAL", highlighting.MAX_TOTAL // SCALE)
