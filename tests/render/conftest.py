"""A printer with a warm browser, and print jobs to print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from print_jobs import CHROMIUM

from nyxpdf.limits import Limits
from nyxpdf.printer import Printer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def printer() -> Iterator[Printer]:
    """A printer with the default limits, whose browser is shared by the tests."""
    shared = Printer(CHROMIUM, Limits())
    yield shared
    shared.close()
