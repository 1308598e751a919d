"""Images: those that a document carries itself stay, others become links, since the page has no network."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping

from markdown_it.common.utils import escapeHtml

from nyxcore.markup.embedded import Embedded
from nyxcore.markup.targets import is_remote
from nyxcore.markup.wording import Phrase

MAX_BYTES = 4_000_000  # of one image's base64
MAX_TOTAL_BYTES = 6_000_000  # of all images of a document
MAX_PIXELS = 40_000_000  # of one image: 160 MB once it is drawn

_DATA = re.compile(r"\s*data:image/(png|jpe?g|gif|webp);base64,", re.IGNORECASE)
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Images:
    """The images of one document: each is judged when its place comes, and counts against the document's total."""

    def __init__(self, words: Mapping[Phrase, str], embedded: Embedded) -> None:
        self._words = words
        self._embedded = embedded
        self._left = MAX_TOTAL_BYTES

    def html(self, source: str, alt: str, attributes: str = "", *, linked: bool = False) -> str:
        """The HTML for an image.

        Parameters
        ----------
        source : its address, as the document writes it.
        alt : its alternative text.
        attributes : further attributes, written and escaped.
        linked : whether it stands inside of a link, where it cannot be one itself.
        """
        if data := _DATA.match(source):
            return self._shown(data, source, alt, attributes)
        label = escapeHtml(alt or source.rsplit("/", 1)[-1][:80] or self._words["image"])
        if linked or not is_remote(source):
            return label
        return f'<a href="{escapeHtml(source)}">{label}</a>'

    def _shown(self, data: re.Match[str], source: str, alt: str, attributes: str) -> str:
        written = "".join(source[data.end() :].split())
        encoded = self._embedded.data(written)
        kind = data[1].lower().replace("jpg", "jpeg")
        reason: Phrase | None = None
        if len(encoded) > min(self._left, MAX_BYTES):
            reason = "image_too_large"
        elif (size := _size(encoded, kind)) is None:
            reason = "image_broken"
        elif size[0] * size[1] > MAX_PIXELS:
            reason = "image_too_large"
        if reason:
            return f'<span class="refused">{escapeHtml(alt or self._words["image"])} ({self._words[reason]})</span>'
        self._left -= len(encoded)
        return f'<img src="data:image/{kind};base64,{written}" alt="{escapeHtml(alt)}"{attributes}>'


def _size(encoded: str, kind: str) -> tuple[int, int] | None:
    """Width and height in pixels by the image's own header; None unless it is an image of the kind that it claims."""
    try:
        content = base64.b64decode(encoded, validate=True)
        match kind:
            case "png" if content[:8] == b"\x89PNG\r\n\x1a\n":
                width, height = struct.unpack(">II", content[16:24])
            case "gif" if content[:6] in (b"GIF87a", b"GIF89a"):
                width, height = struct.unpack("<HH", content[6:10])
            case "webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
                width, height = _webp(content)
            case "jpeg" if content[:2] == b"\xff\xd8":
                width, height = _jpeg(content)
            case _:
                return None
    except (binascii.Error, struct.error, IndexError, ValueError):
        return None
    return width, height


def _webp(content: bytes) -> tuple[int, int]:
    """RFC 9649: lossy, lossless and extended files each keep the size elsewhere."""
    match content[12:16]:
        case b"VP8 ":
            width, height = struct.unpack("<HH", content[26:30])
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack("<I", content[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    raise ValueError("no such WebP")


def _jpeg(content: bytes) -> tuple[int, int]:
    """ITU T.81: segments follow each other up to the frame header, which holds height and width."""
    position = 2
    while content[position] == 0xFF:
        if content[position + 1] in _JPEG_SIZES:
            height, width = struct.unpack(">HH", content[position + 5 : position + 9])
            return width, height
        (length,) = struct.unpack(">H", content[position + 2 : position + 4])
        position += 2 + length
    raise ValueError("no frame header")
