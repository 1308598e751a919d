"""The printer draws every diagram that a report may hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nyxcore.reports import diagrams
from nyxpdf.browser import Browser
from nyxpdf.diagrams import draw
from nyxpdf.fonts import Faces
from nyxpdf.limits import Limits

pytestmark = pytest.mark.browser

CHROMIUM = Path(__file__).parents[2] / "layers" / "chromium" / "opt" / "chromium"
HOSTILE = 'a"];\nb:c,#quot;%%{i}%%<b>`\\z'
TEXT = "{http://www.w3.org/2000/svg}text"

type Texts = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def texts() -> Iterator[Texts]:
    """What a drawn diagram says, in its order; drawn by the printer's own page of diagrams."""
    browser = Browser(CHROMIUM)

    def of(fence: str) -> list[str]:
        source = fence.removeprefix("```mermaid\n").removesuffix("\n```")
        created = datetime(2026, 11, 23, tzinfo=UTC)
        (svg,) = draw(browser, {0: source}, Faces(""), created, browser.budget(Limits())).values()
        found = ("".join(each.itertext()).strip() for each in ElementTree.fromstring(svg).iter(TEXT))
        return [text for text in found if text]

    yield of
    browser.close()


def test_bars_are_drawn_with_their_labels(texts: Texts) -> None:
    labels = ["Sicherheit 1/5", "Fehlerbehandlung 205/13.000"]
    assert texts(diagrams.bars(labels, [5, 13_000], [1, 205])) == labels


def test_a_timeline_is_drawn_with_its_phases(texts: Texts) -> None:
    drawn = texts(
        diagrams.timeline(
            [("Holen 0,0 s", timedelta()), ("Prüfen 2 h 5 min", timedelta(hours=2, minutes=5))]
        ),
    )
    assert {"Holen 0,0 s", "Prüfen 2 h 5 min"} <= set(drawn)


def test_a_hostile_label_is_drawn_as_harmless_text(texts: Texts) -> None:
    for fence in (diagrams.bars([HOSTILE], [1], [0]), diagrams.timeline([(HOSTILE, timedelta(seconds=1))])):
        drawn = texts(fence)
        assert any(text.startswith("a") and text.endswith("z") for text in drawn)
        assert not any(char in text for text in drawn for char in '"<>;#%')


@pytest.mark.parametrize("seconds", [0.0, 0.4, 3, 59, 61, 3599, 90_000])
def test_a_timeline_of_any_length_has_a_readable_axis(texts: Texts, seconds: float) -> None:
    half = timedelta(seconds=seconds / 2)
    assert 2 <= len(texts(diagrams.timeline([("a", half), ("b", half)]))) <= 20
