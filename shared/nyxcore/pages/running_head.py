"""What stands at the head of every page but the cover: a title, and a project that it does not name.

Chromium cuts off nothing in the margin of a page: what is too long runs across what stands beside it and off the paper.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from nyxcore.pages.models import PageDocument, Paper

# Widths in ems of the head's font, 7.75 pt: of the page area, and of characters, which are rather taken too wide.
ROOM: Mapping[Paper, float] = {"A4": 59.5, "Letter": 61.5}
GAP = 2.0
MOST_OF_PROJECT = 0.4  # of the room

_ELLIPSIS = "…"
_NARROW = frozenset(" .,:;'|!()[]/·ijlfrtI")
_BROAD = frozenset("mwMW@%—…æœÆŒ©")
_CATEGORIES = {
    "Mn": 0.0,
    "Me": 0.0,
    "Cf": 0.0,
    "Cc": 0.0,
    "Lu": 0.8,
    "Lt": 1.3,
    "Lo": 0.8,
    "Sm": 1.2,
    "So": 1.4,
}


def running_head(document: PageDocument) -> tuple[str, str]:
    """What stands at the left and what at the right, both short enough to stand beside each other."""
    room = ROOM[document.paper]
    if document.project in document.title:
        return shortened(document.title, room), ""
    side = shortened(document.project, room * MOST_OF_PROJECT)
    return shortened(document.title, room - GAP - _width(side)), side


def shortened(text: str, room: float) -> str:
    """`text`, or as much of its beginning as fits with an ellipsis."""
    if _width(text) <= room:
        return text
    left = room - _width(_ELLIPSIS)
    for place, character in enumerate(text):
        left -= _width(character)
        if left < 0:
            return _whole(text, place).rstrip(" ·,:;–—-") + _ELLIPSIS
    return text


def _whole(text: str, end: int) -> str:
    """The text before `end`, without a character whose marks or joined parts stand behind it."""
    while end and (_is_mark(text[end]) or text[end - 1] == "\N{ZERO WIDTH JOINER}"):
        end -= 1
    return text[:end]


def _is_mark(character: str) -> bool:
    return character == "\N{ZERO WIDTH JOINER}" or unicodedata.category(character).startswith("M")


def _width(text: str) -> float:
    return sum(map(_em, text))


def _em(character: str) -> float:
    if character in _NARROW:
        return 0.37
    if character in _BROAD or unicodedata.east_asian_width(character) in "WF":
        return 1.05
    return _CATEGORIES.get(unicodedata.category(character), 0.63)
