"""Which characters a page is made of, in which style; and what is done about those that a font has no glyph for."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set

from nyxcore.pages import tags
from nyxcore.pages.faces import Style
from nyxcore.pages.fonts import SEQUENCE, Fonts

# Elements that the stylesheet sets in another style than what is around them.
_BOLD = frozenset({"strong", "b", "h1", "h2", "h3", "h4", "h5", "h6", "th", "dt", "summary"})
_BOLD_TOO = frozenset({"dd", "nav"})  # bold in some places: a cover's facts, the upper level of contents
_ITALIC = frozenset({"em", "i", "cite", "dfn", "var"})
_MONO = frozenset({"code", "pre", "kbd", "samp", "tt"})


def survey(pieces: Sequence[str]) -> tuple[Mapping[Style, Set[str]], Set[str]]:
    """The characters of each style in a page's HTML, and its emoji that are made of several code points."""
    used: dict[Style, set[str]] = defaultdict(set)
    sequences: set[str] = set()
    bold = bold_too = italic = mono = 0
    for place, piece in enumerate(pieces):
        if place % 2:
            step = -1 if tags.is_closing(piece) else 1
            element = tags.name(piece)
            bold += step * (element in _BOLD)
            bold_too += step * (element in _BOLD_TOO)
            italic += step * (element in _ITALIC)
            mono += step * (element in _MONO)
        elif piece and not piece.isspace():
            for thick in {bold > 0, bold + bold_too > 0}:
                add(used[Style(mono > 0, thick, italic > 0)], piece)
            if not piece.isascii():
                sequences.update(SEQUENCE.findall(piece))
    return used, sequences


def add(characters: set[str], text: str) -> None:
    """Add the characters of `text`, and those that a shaper composes of them."""
    characters.update(text)
    if not unicodedata.is_normalized("NFC", text):
        characters.update(unicodedata.normalize("NFC", text))


def letter(pieces: Sequence[str], fonts: Fonts) -> str:
    """The page's HTML with the code points of characters that no font has, and emoji sequences in the emoji face."""
    lacking = re.compile(f"[{re.escape(''.join(sorted(fonts.missing)))}]+") if fonts.missing else None

    def lettered(text: str) -> str:
        shown = SEQUENCE.sub(
            lambda found: _emoji(found[0]) if found[0] in fonts.sequences else found[0], text
        )
        return lacking.sub(_code_points, shown) if lacking else shown

    return "".join(
        piece if place % 2 or piece.isascii() else lettered(piece) for place, piece in enumerate(pieces)
    )


def _emoji(sequence: str) -> str:
    return f'<span class="emoji">{sequence}</span>'


def _code_points(match: re.Match[str]) -> str:
    names = " ".join(f"U+{ord(character):04X}" for character in match[0])
    return f'<span class="no-glyph">{names}</span>'
