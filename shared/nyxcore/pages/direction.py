"""Arabic and Hebrew text is set from right to left: each paragraph, list, table and cell by its first strong letter.

A letter is strong where Unicode gives it a direction (UAX 9, rules P2 and P3). Code is asked last: a sentence that
begins with a file's name goes the way of its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from nyxcore.pages import tags

_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_STRONG: Mapping[str, str] = {"L": "ltr", "R": "rtl", "AL": "rtl"}
_BLOCKS = frozenset(
    (
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd"),
        *("table", "caption", "th", "td", "blockquote", "details", "summary"),
    )
)
_KEEPS = frozenset({"li", "th", "td"})  # their place beside others is their list's or table's matter
_CODE = frozenset({"code", "pre", "kbd", "samp", "tt"})
_GIVEN = re.compile(r' dir="(\w+)"')


def direct(pieces: list[str]) -> None:
    """Give `dir` to the blocks that go another way than what is around them; a page without such text has none."""
    if not any(_RIGHT_TO_LEFT.search(text) for text in pieces[::2]):
        return
    own = _own_directions(pieces)
    around = ["ltr"]
    for place in range(1, len(pieces), 2):
        element = tags.name(pieces[place])
        if element not in _BLOCKS:
            continue
        if tags.is_closing(pieces[place]):
            around.pop()
            continue
        given = _GIVEN.search(pieces[place])
        wanted = own.get(place, around[-1])
        if given is None and wanted != around[-1]:
            pieces[place] = f'{pieces[place][:-1]} dir="{wanted}">'
        around.append(around[-1] if element in _KEEPS else _known(given, wanted))


def isolated(text: str) -> str:
    """`text` for a place where no `dir` can stand, within Unicode's characters for a direction of its own."""
    return (
        f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}" if _RIGHT_TO_LEFT.search(text) else text
    )


def attribute(text: str) -> str:
    """The attribute for an element that says `text`."""
    return ' dir="rtl"' if _direction(text) == "rtl" else ""


def _own_directions(pieces: list[str]) -> Mapping[int, str]:
    """Place of a block's tag -> the direction of its first strong letter; of a block of nothing but code, code's."""
    own: dict[int, str] = {}
    undecided: list[int] = []
    with_code: set[int] = set()
    code = 0
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            found = _direction(piece) if undecided and not code else None
            if found:
                own.update(dict.fromkeys(undecided, found))
                undecided.clear()
            continue
        element, closing = tags.name(piece), tags.is_closing(piece)
        code += (-1 if closing else 1) * (element in _CODE)
        if code and undecided:
            with_code.add(undecided[-1])
        if element in _BLOCKS and not closing:
            undecided.append(place)
        elif element in _BLOCKS and undecided:
            ended = undecided.pop()
            if ended in with_code:
                own[ended] = "ltr"
                with_code.update(undecided[-1:])
    return own


def _direction(text: str) -> str | None:
    return next(filter(None, (_STRONG.get(unicodedata.bidirectional(character)) for character in text)), None)


def _known(given: re.Match[str] | None, otherwise: str) -> str:
    return given[1] if given and given[1] != "auto" else otherwise
