"""A printer with a warm browser, and print jobs to print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from print_jobs import CHROMIUM

from nyxcore.settings import settings
from nyxpdf.limits import Limits
from nyxpdf.printer import Printer

FONTS = Path(__file__).parents[2] / "layers/pages/opt/fonts"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@pytest.fixture
def copied_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pages are made with the fonts that `make setup` has copied."""
    monkeypatch.setenv("NYX_FONTS", str(FONTS))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(scope="session")
def printer() -> Iterator[Printer]:
    """A printer with the default limits, whose browser is shared by the tests."""
    shared = Printer(CHROMIUM, Limits())
    yield shared
    shared.close()
