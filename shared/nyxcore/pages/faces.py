"""Which fonts there are, and which of their pieces hold which code points.

The folder and its index are written by `layers/pages/fonts.mjs`. A family comes in pieces of some code points each;
a page takes in only the pieces that its text needs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from nyxcore.errors import FontsMissing

TEXT = ("inter",)
MONO = ("jetbrains-mono", "jetbrains-mono-symbols")
SCRIPTS = ("noto-sans-arabic", "noto-sans-hebrew", "noto-sans-devanagari")
HAN = ("noto-sans-sc", "noto-sans-jp", "noto-sans-kr")
SYMBOLS = ("inter-symbols", "jetbrains-mono-symbols", "noto-sans-symbols-2", "noto-sans-math")
EMOJI = "twemoji"


class Style(NamedTuple):
    """How a piece of text is set."""

    mono: bool = False
    bold: bool = False
    italic: bool = False


class Piece(NamedTuple):
    """One font file of a family: `holds` is its code points, as in "20-7E,A0"."""

    file: str
    bold: bool
    italic: bool
    holds: str


@cache
def families(folder: Path) -> Mapping[str, tuple[Piece, ...]]:
    """The pieces of every family in `folder`, those first that are preferred. Raises FontsMissing."""
    try:
        index = json.loads(folder.joinpath("index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FontsMissing(
            f"there are no fonts in {folder}: `make setup` puts them there; NYX_FONTS names it"
        ) from error
    return {
        name: tuple(Piece(piece["file"], piece["bold"], piece["italic"], piece["holds"]) for piece in pieces)
        for name, pieces in index["families"].items()
    }


def nearest(pieces: tuple[Piece, ...], style: Style) -> tuple[bool, bool]:
    """Bold and italic as the family has them: what is not there is neither slanted nor thickened, but left plain."""
    there = {(piece.bold, piece.italic) for piece in pieces}
    wanted = ((style.bold, style.italic), (style.bold, False), (False, style.italic))
    return next((cut for cut in wanted if cut in there), (False, False))


@cache
def holders(folder: Path, family: str, bold: bool, italic: bool) -> Mapping[int, Piece]:
    """Code point -> the piece of that family and cut that is preferred for it."""
    found: dict[int, Piece] = {}
    for piece in families(folder)[family]:
        if (piece.bold, piece.italic) == (bold, italic):
            for point in code_points(piece.holds):
                found.setdefault(point, piece)
    return found


def code_points(ranges: str) -> list[int]:
    """The code points of "20-7E,A0"."""
    points: list[int] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        points.extend(range(int(first, 16), int(last or first, 16) + 1))
    return points


@lru_cache(maxsize=256)
def data_uri(folder: Path, file: str) -> str:
    """A font file as the source of a font face."""
    return "data:font/woff2;base64," + base64.b64encode(folder.joinpath(file).read_bytes()).decode()
