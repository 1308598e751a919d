"""Nothing hangs out of a page's margins: numbers of lists, running heads, lines of the next page."""

from __future__ import annotations

import re
from itertools import chain, pairwise

import pypdfium2
import pytest
from printed_edges import words
from test_printed_pages import SAMPLES, printed

from nyxpdf.printer import Printer

MARGIN, FOOT = 23, 22  # millimetres, left and right, and below

pytestmark = pytest.mark.usefixtures("copied_fonts")


def numbered(first: int, count: int) -> str:
    return "".join(f"{number}. item\n" for number in range(first, first + count))


NOTES = "".join(f"word[^{number}] " for number in range(1, 121)) + "".join(
    f"\n\n[^{number}]: note" for number in range(1, 121)
)
NUMBERED = {
    "ten": (numbered(1, 12), 12),
    "a hundred": (numbered(1, 105), 105),
    "from 990 on": (numbered(990, 14), 14),
    "of five digits": (numbered(99_990, 12), 12),
    "with a number of its own": ('<ol><li>item</li><li value="54321">item</li></ol>', 2),
    "in a cell": (f"<table><tr><td><ol>{'<li>item</li>' * 12}</ol></td><td>b</td></tr></table>", 12),
    "within bullets": ("- bullet\n" + "".join(f"  {line}\n" for line in numbered(1, 12).splitlines()), 12),
    "of footnotes": (NOTES, 120),
}


@pytest.mark.parametrize(("markdown", "count"), NUMBERED.values(), ids=NUMBERED)
def test_the_number_of_every_item_stands_within_the_page(printer: Printer, markdown: str, count: int) -> None:
    found = printed(printer, markdown)
    placed = chain.from_iterable(words(found.pdf, page) for page in range(1, found.pages))
    numbers = [word for word in placed if re.fullmatch(r"\d+\.", word.text)]
    assert len(numbers) == count
    assert [word.text for word in numbers if word.left < MARGIN] == []


def test_an_item_without_a_list_has_room_for_its_bullet(printer: Printer) -> None:
    item = next(word for word in words(printed(printer, "<li>item</li>").pdf, 1) if word.text == "item")
    assert item.left > MARGIN + 4


HEADS = {
    "capitals": {"title": "W" * 200},
    "ideographs": {"title": "漢" * 200},
    "Arabic": {"title": "تقرير عن صحة الشيفرة ضض " * 9},
    "beside a project": {"title": "W" * 200, "project": "Ö" * 120},
    "of ideographs beside a project": {"title": "漢" * 80, "project": "プロジェクト" * 10},
    "beside a short project": {"title": "A review of everything that there is, " * 5, "project": "Atlas"},
}


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("changes", HEADS.values(), ids=HEADS)
def test_a_long_title_at_the_head_of_a_page_ends_within_the_margin_and_before_the_project(
    printer: Printer, changes: dict[str, str], paper: str
) -> None:
    found = words(printed(printer, "text", paper=paper, **changes).pdf, 1)
    head = sorted((word for word in found if word.top < 20), key=lambda word: word.left)
    assert re.search(r"…|\.\.\.", "".join(word.text for word in head))
    assert head[0].left >= MARGIN - 0.1
    assert max(word.right for word in head) <= head[0].paper - MARGIN + 0.3
    if changes.get("project"):
        assert max(after.left - before.right for before, after in pairwise(head)) > 4
    assert max(word.right for word in head) - head[0].left > 100, "as much as fits"


def test_a_line_that_has_moved_to_the_next_page_leaves_nothing_of_its_tall_glyphs(printer: Printer) -> None:
    boxes = SAMPLES[-1]
    line = f"**{boxes}** *{boxes}* `{boxes}` **`{boxes}`** *`{boxes}`* ***`{boxes}`***"
    document = pypdfium2.PdfDocument(printed(printer, "<br>".join([line] * 60), paper="Letter").pdf)
    for page in list(document)[1:]:
        picture = page.render(scale=4, grayscale=True)
        rows = [bytes(picture.buffer)[at * picture.stride :][: picture.width] for at in range(picture.height)]
        inked = "".join(
            "x" if min(row) < 200 else " " for row in rows[: int((279.4 - FOOT) * 4 * 72 / 25.4) + 4]
        )
        assert min(map(len, inked.split())) > 10, "each stripe of ink is a line of text"
    document.close()
