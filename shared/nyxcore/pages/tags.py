"""HTML as a list in which text and tags take turns, so that what is done to text never touches an attribute.

It takes what a sanitiser has written: tags are balanced and attributes quoted, and text has no bare `<`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

VOID = frozenset({"br", "hr", "img", "input", "wbr"})  # elements that have no end tag

_TAG = re.compile(r"""(<(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>)""")
_NAME = re.compile(r"</?([a-z0-9]+)")


def split(html: str) -> list[str]:
    """Text at even places, tags at odd ones; the text between two tags that touch is empty."""
    return _TAG.split(html)


def name(tag: str) -> str:
    """The element's name, of an opening tag as of a closing one; "" for a comment or a doctype."""
    found = _NAME.match(tag)
    return found[1] if found else ""


def is_closing(tag: str) -> bool:
    """Whether the tag is the end of an element."""
    return tag.startswith("</")


def end_of(pieces: Sequence[str], start: int) -> int:
    """The place of the tag that closes the element opened at `start`; the last place where nothing does."""
    wanted, depth = name(pieces[start]), 0
    for place in range(start, len(pieces), 2):
        if name(pieces[place]) == wanted:
            depth += -1 if is_closing(pieces[place]) else 1
            if depth == 0:
                return place
    return len(pieces) - 1
