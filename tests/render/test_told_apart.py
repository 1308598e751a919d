"""What colour tells is told by a shape too: severities and alerts, as Chromium computes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from test_nothing_gets_out import shown_page

from nyxcore.pages.models import PageDocument
from nyxcore.pages.service import page_html

SEVERITIES = ("critical", "high", "medium", "low")
ALERTS = ("note", "tip", "important", "warning", "caution")
TEXT = (
    "| severity |\n| --- |\n"
    + "".join(f"| {word} |\n" for word in SEVERITIES)
    + "".join(f"\n> [!{word.upper()}]\n> said\n" for word in ALERTS)
)
# of a sign: is there one, how large, how its corners are cut off, is it hollow
SIGN = """
(() => {
  const sign = getComputedStyle(document.querySelector(SELECTOR), "::before");
  const { content, width, height, clipPath, borderRadius, cornerTopLeftShape, backgroundColor } = sign;
  return [content, parseFloat(width) > 0 && parseFloat(height) > 0, clipPath, borderRadius,
    borderRadius == "0px" ? "" : cornerTopLeftShape, backgroundColor == "rgba(0, 0, 0, 0)"];
})()
"""
SQUARE = ["none", "0px", "", False]  # what a sign is without a shape of its own


pytestmark = pytest.mark.usefixtures("copied_fonts")


@pytest.mark.parametrize(
    ("selectors", "squares"),
    [
        ([f".severity.{word}" for word in SEVERITIES], 0),
        ([f".alert-{word} .alert-title" for word in ALERTS], 1),
    ],
    ids=["severities", "alerts"],
)
@pytest.mark.parametrize("media", ["print", "screen"])
def test_each_has_a_sign_whose_shape_no_other_has(selectors: list[str], squares: int, media: str) -> None:
    html = page_html(
        PageDocument(title="T", project="P", kind="K", date=datetime(2026, 11, 23, tzinfo=UTC), markdown=TEXT)
    )
    with shown_page() as shown:
        shown.load(html)
        shown.call("Emulation.setEmulatedMedia", media=media)
        signs = [shown.evaluate(SIGN.replace("SELECTOR", json.dumps(each))) for each in selectors]
    for selector, sign in zip(selectors, signs, strict=True):
        assert isinstance(sign, list), f"{selector} is not on the page"
        assert sign[:2] == ['""', True], f"{selector} has no sign"
    assert len({json.dumps(sign[2:]) for sign in signs if isinstance(sign, list)}) == len(selectors)
    assert [sign[2:] for sign in signs if isinstance(sign, list)].count(SQUARE) == squares, "a shape is gone"
