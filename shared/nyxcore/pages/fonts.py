"""The fonts of one page: the pieces that its text needs, as font faces, and what no font has."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from nyxcore.pages.faces import (
    EMOJI,
    HAN,
    MONO,
    SCRIPTS,
    SYMBOLS,
    TEXT,
    Piece,
    Style,
    data_uri,
    families,
    holders,
    nearest,
)

# What is drawn as one picture of several code points: with a variation selector, a joiner, a skin tone or tags; flags.
SEQUENCE = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}"
    "|[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff]"
    "(?:[\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]+"
    "|\u200d[\u2190-\u2bff\U0001f000-\U0001faff])+)"
)
_KANA = range(0x3040, 0x3100)
_HANGUL = range(0xAC00, 0xD7A4)
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})  # general categories that need no glyph
_VARIATION_SELECTORS = frozenset({*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)})


@dataclass(frozen=True, slots=True)
class Fonts:
    """The fonts of a page: the CSS rules that bring them, the lists for `font-family`, what they lack, and which
    sequences of code points the emoji face draws as one picture.
    """

    rules: str
    text: str
    mono: str
    emoji: str
    missing: frozenset[str]
    sequences: frozenset[str]


def choose(folder: Path, used: Mapping[Style, Set[str]], sequences: Iterable[str] = ()) -> Fonts:
    """The fonts for the characters that are used in each style, and for emoji of several code points.

    Raises
    ------
    FontsMissing : `folder` has no index of fonts.
    """
    order = _han_order({ord(character) for characters in used.values() for character in characters})
    chosen: dict[str, set[Piece]] = {}
    missing: set[str] = set()
    for style, characters in used.items():
        held = [(name, _held(folder, name, style)) for name in _stack(order, mono=style.mono)]
        for character in characters:
            if needs_no_glyph(character):
                continue
            point = ord(character)
            found = next(((name, pieces[point]) for name, pieces in held if point in pieces), None)
            if found is None:
                missing.add(character)
            else:
                chosen.setdefault(found[0], set()).add(found[1])
    emoji = holders(folder, EMOJI, False, False)
    drawn = {each for each in sequences if all(needs_no_glyph(part) or ord(part) in emoji for part in each)}
    if drawn:
        chosen.setdefault(EMOJI, set()).update(emoji.values())
    used_of = [[name for name in _stack(order, mono=mono) if chosen.get(name)] for mono in (False, True)]
    return Fonts(
        rules="".join(_rules(folder, name, chosen[name]) for name in dict.fromkeys(chain(*used_of))),
        text=_family_list(used_of[0]),
        mono=_family_list(used_of[1]),
        emoji=_family_list([EMOJI, *used_of[0]] if chosen.get(EMOJI) else used_of[0]),
        missing=frozenset(missing),
        sequences=frozenset(drawn),
    )


def needs_no_glyph(character: str) -> bool:
    """Whether nothing is drawn for it by itself: spaces, controls, joiners, variation selectors."""
    return unicodedata.category(character) in _INVISIBLE or ord(character) in _VARIATION_SELECTORS


def _han_order(points: Set[int]) -> tuple[str, ...]:
    """Which face Han characters are set in first: Japanese beside kana, Korean beside hangul, else Chinese."""
    chinese, japanese, korean = HAN
    if any(point in _KANA for point in points):
        return japanese, chinese, korean
    if any(point in _HANGUL for point in points):
        return korean, chinese, japanese
    return HAN


def _stack(han: tuple[str, ...], *, mono: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(MONO if mono else TEXT), *SCRIPTS, *SYMBOLS, *han, EMOJI)))


def _held(folder: Path, family: str, style: Style) -> Mapping[int, Piece]:
    """Code point -> piece, of the cut of the family that comes nearest to the style."""
    return holders(folder, family, *nearest(families(folder)[family], style))


def _family_list(names: Iterable[str]) -> str:
    return ",".join(f'"{name}"' for name in names)


def _rules(folder: Path, family: str, pieces: Set[Piece]) -> str:
    """Font faces of a family. Where pieces share a code point, CSS takes the last, so the preferred come last.

    A cut that the family lacks is covered by the range of the one that it has: nothing is slanted or thickened.
    """
    has_bold = any(piece.bold for piece in families(folder)[family])
    ordered = [piece for piece in reversed(families(folder)[family]) if piece in pieces]
    return "".join(
        f'@font-face{{font-family:"{family}";font-weight:{_weights(piece, has_bold=has_bold)};'
        f"font-style:{'italic' if piece.italic else 'normal'};"
        f"unicode-range:{','.join('U+' + part for part in piece.holds.split(','))};"
        f"src:url({data_uri(folder, piece.file)})format('woff2')}}"
        for piece in ordered
    )


def _weights(piece: Piece, *, has_bold: bool) -> str:
    if not has_bold:
        return "1 1000"
    return "501 1000" if piece.bold else "1 500"
