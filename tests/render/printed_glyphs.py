"""What a PDF is set in: its fonts, and the glyphs that its pages draw."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2
from pypdf import PdfReader
from pypdf.generic import ContentStream, DictionaryObject

NOTDEF = 0


@dataclass(frozen=True)
class Drawn:
    """Glyphs that one operator draws in one font."""

    font: DictionaryObject
    glyphs: tuple[int, ...]


def drawn(pdf: bytes) -> Iterator[Drawn]:
    """Everything that is drawn with a font whose characters are numbers of glyphs, in pictures within pages too."""
    reader = PdfReader(io.BytesIO(pdf))
    for page in reader.pages:
        contents = page.get_contents()
        if contents is not None:
            yield from _drawn(contents, page["/Resources"], reader)


def _drawn(contents: Any, resources: Any, reader: PdfReader) -> Iterator[Drawn]:
    font: Any = None
    for operands, operator in ContentStream(contents, reader).operations:
        match operator:
            case b"Tf":
                font = resources["/Font"][operands[0]].get_object()
            case b"Tj" | b"TJ" if font["/Subtype"] == "/Type0":
                parts = operands[0] if operator == b"TJ" else operands
                text = b"".join(_bytes(part) for part in parts if not isinstance(part, int | float))
                yield Drawn(font, tuple(int.from_bytes(text[at : at + 2]) for at in range(0, len(text), 2)))
            case b"Do":
                inner = resources["/XObject"][operands[0]].get_object()
                if inner["/Subtype"] == "/Form":
                    yield from _drawn(inner, inner.get("/Resources", resources), reader)


def _bytes(part: Any) -> bytes:
    raw: bytes = getattr(part, "original_bytes", part)
    return raw


SIMPLE = {"/Type1", "/MMType1", "/TrueType"}
FILES = {"/FontFile", "/FontFile2", "/FontFile3"}


def fonts(pdf: bytes) -> dict[str, bool]:
    """Names of the fonts, and whether each is embedded. One that is drawn as pictures (Type 3) always is: left out."""
    found = {}
    reader = PdfReader(io.BytesIO(pdf))
    for number in range(1, len(reader.xref[0]) + 1):
        each: Any = reader.get_object(number)
        if isinstance(each, DictionaryObject) and _has_file(str(each.get("/Subtype"))):
            found[str(each["/BaseFont"])] = bool(FILES & each.get("/FontDescriptor", {}).keys())
    return found


def _has_file(kind: str) -> bool:
    return kind.startswith("/CIDFont") or kind in SIMPLE


def images(pdf: bytes) -> int:
    """How many pictures made of points the document holds."""
    reader = PdfReader(io.BytesIO(pdf))
    objects: list[Any] = [reader.get_object(number) for number in range(1, len(reader.xref[0]) + 1)]
    return sum(isinstance(each, DictionaryObject) and each.get("/Subtype") == "/Image" for each in objects)


def blank(pdf: bytes, page: int, *, scale: float = 3) -> str:
    """The characters of a page, spaces and joiners apart, in whose boxes the rendered page has nothing but white."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        sheet = document[page]
        bitmap = sheet.render(scale=scale, grayscale=True)
        stride, raw, height = bitmap.stride, bytes(bitmap.buffer), sheet.get_height()
        text = sheet.get_textpage()
        found = []
        for index in range(text.count_chars()):
            sign = text.get_text_range(index, 1)
            left, bottom, right, top = (edge * scale for edge in text.get_charbox(index))
            rows = range(int(height * scale - top), int(height * scale - bottom) + 1)
            columns = slice(int(left), int(right) + 1)
            if sign.strip() and unicodedata.category(sign[0]) not in ("Cf", "Mn", "Cc"):
                boxes = (raw[row * stride : (row + 1) * stride][columns] for row in rows)
                if all(value > 250 for box in boxes for value in box):
                    found.append(sign)
        return "".join(found)
    finally:
        document.close()
