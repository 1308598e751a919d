"""mermaid draws every diagram that a report may hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from chromium import Chromium

from nyxcore.reports import diagrams

pytestmark = pytest.mark.browser

MERMAID = Path(__file__).parents[2] / "layers" / "chromium" / "opt" / "chromium" / "mermaid.min.js"
HOSTILE = 'a"];\nb:c,#quot;%%{i}%%<b>`\\z'


@pytest.fixture(scope="module")
def mermaid() -> Iterator[Chromium]:
    """A page with mermaid, set up as the printer of reports does it."""
    browser = Chromium()
    browser.open("about:blank")
    browser.evaluate(MERMAID.read_text() + ";0")
    options = {"startOnLoad": False, "look": "classic", "htmlLabels": False, "securityLevel": "strict"}
    browser.evaluate(f"mermaid.initialize({json.dumps(options)});0")
    yield browser
    browser.close()


def texts(browser: Chromium, fence: str) -> list[str]:
    """What the drawn diagram says, in its order."""
    source = fence.removeprefix("```mermaid\n").removesuffix("\n```")
    drawn = browser.evaluate(
        f"mermaid.render('d', {json.dumps(source)}).then(({{svg}}) => {{"
        " const page = new DOMParser().parseFromString(svg, 'text/html');"
        " return [...page.querySelectorAll('text')].map(one => one.textContent.trim()) })"
    )
    return [text for text in drawn if text]


def test_bars_are_drawn_with_their_labels(mermaid: Chromium) -> None:
    labels = ["Sicherheit 1/5", "Fehlerbehandlung 205/13.000"]
    assert texts(mermaid, diagrams.bars(labels, [5, 13_000], [1, 205])) == labels


def test_a_timeline_is_drawn_with_its_phases(mermaid: Chromium) -> None:
    drawn = texts(
        mermaid,
        diagrams.timeline(
            [("Holen 0,0 s", timedelta()), ("Prüfen 2 h 5 min", timedelta(hours=2, minutes=5))]
        ),
    )
    assert {"Holen 0,0 s", "Prüfen 2 h 5 min"} <= set(drawn)


def test_a_hostile_label_is_drawn_as_harmless_text(mermaid: Chromium) -> None:
    for fence in (diagrams.bars([HOSTILE], [1], [0]), diagrams.timeline([(HOSTILE, timedelta(seconds=1))])):
        drawn = texts(mermaid, fence)
        assert any(text.startswith("a") and text.endswith("z") for text in drawn)
        assert not any(char in text for text in drawn for char in '"<>;#%')


@pytest.mark.parametrize("seconds", [0.0, 0.4, 3, 59, 61, 3599, 90_000])
def test_a_timeline_of_any_length_has_a_readable_axis(mermaid: Chromium, seconds: float) -> None:
    half = timedelta(seconds=seconds / 2)
    assert 2 <= len(texts(mermaid, diagrams.timeline([("a", half), ("b", half)]))) <= 20
