"""Pages are set in the fonts that `make setup` has copied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nyxcore.settings import settings

FONTS = Path(__file__).parents[3] / "layers/pages/opt/fonts"


@pytest.fixture(autouse=True)
def copied_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the settings find the fonts."""
    monkeypatch.setenv("NYX_FONTS", str(FONTS))
    settings.cache_clear()
    yield FONTS
    settings.cache_clear()
