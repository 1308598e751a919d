"""Where the characters of a printed page stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2

_POINTS_PER_MM = 72 / 25.4


@dataclass(frozen=True)
class Placed:
    """A word, and its edges in millimetres from the left and from the top edge of its paper, which is so wide."""

    text: str
    left: float
    right: float
    top: float
    paper: float


def words(pdf: bytes, page: int) -> list[Placed]:
    """The words of a page, in the order of its text."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return list(_words(document[page]))
    finally:
        document.close()


def _words(sheet: pypdfium2.PdfPage) -> Iterator[Placed]:
    text, width, height = sheet.get_textpage(), sheet.get_width(), sheet.get_height()
    word, boxes = "", []
    for index in range(text.count_chars() + 1):
        sign = text.get_text_range(index, 1) if index < text.count_chars() else ""
        if sign.strip():
            word += sign
            boxes.append(text.get_charbox(index))
        elif boxes:
            left, right, top = min(b[0] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)
            yield Placed(word, *(edge / _POINTS_PER_MM for edge in (left, right, height - top, width)))
            word, boxes = "", []
    text.close()
