"""Arabic and Hebrew stand on paper as they are read: from the right margin on, a sentence's end at its left."""

from __future__ import annotations

import pytest
from printed_edges import Placed, words
from test_printed_pages import printed

from nyxpdf.printer import Printer

MARGIN = 23  # millimetres, left and right
BODY = 20  # millimetres from the top, below which a page's text begins
HEBREW = "שלום עולם"
LONG = " ".join(["מילה"] * 40)

pytestmark = pytest.mark.usefixtures("copied_fonts")


def text_of(printer: Printer, markdown: str) -> list[Placed]:
    found = words(printed(printer, markdown, title="T", project="").pdf, 1)
    return [word for word in found if BODY < word.top < 270]


@pytest.mark.parametrize(
    "markdown", [f"{HEBREW} (Python) {LONG}.", f"## {HEBREW}", f"| {HEBREW} | a |\n| - | - |"]
)
def test_a_block_begins_at_the_right_margin(printer: Printer, markdown: str) -> None:
    found = text_of(printer, markdown)
    assert max(word.right for word in found) == pytest.approx(found[0].paper - MARGIN, abs=0.5)


def test_a_sentence_ends_at_its_left(printer: Printer) -> None:
    found = text_of(printer, f"{HEBREW} END.")
    first = min(found, key=lambda word: -word.right)
    (end,) = [word for word in found if "END" in word.text]
    assert end.right < first.left
    assert end.right > MARGIN + 100


def test_numbers_of_a_list_stand_at_its_right_and_within_the_page(printer: Printer) -> None:
    found = text_of(printer, "".join(f"{number}. {HEBREW}\n" for number in range(1, 13)))
    numbers = [word for word in found if any(sign.isdigit() for sign in word.text)]
    assert len(numbers) >= 12
    assert all(word.left > 160 and word.right <= word.paper - MARGIN for word in numbers)


def test_cells_keep_apart_where_two_directions_meet(printer: Printer) -> None:
    found = text_of(printer, f"| a | {HEBREW} | c |\n| - | - | - |\n| Latin | {LONG} | Latin |\n")
    last = max(word.left for word in found if word.text == "Latin")
    assert last - max(word.right for word in found if word.right < last) > 2
