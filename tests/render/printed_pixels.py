"""What a camera sees of a page."""

from __future__ import annotations

import pypdfium2
import zxingcpp

_DOTS = 150 / 72  # of a point: what a cheap printer and a telephone make of it


def qr_codes(pdf: bytes, page: int) -> list[str]:
    """The texts of the QR codes on a page, as they are read from its picture."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        picture = document[page].render(scale=_DOTS, grayscale=True)
        lines = memoryview(bytes(picture.buffer)).cast("B", (picture.height, picture.stride))
        return [found.text for found in zxingcpp.read_barcodes(lines, formats=zxingcpp.BarcodeFormat.QRCode)]
    finally:
        document.close()
