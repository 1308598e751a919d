"""Room for the numbers of ordered lists: they hang out to the left of their items, and paper ends there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nyxcore.pages import tags

_GIVEN = re.compile(r' (?:start|value)="(\d+)"')


@dataclass(slots=True)
class _List:
    place: int
    number: int
    largest: int = 0


def measure(pieces: list[str]) -> None:
    """Tell of each ordered list how many digits its largest number has, if it has more than one."""
    around: list[_List] = []
    for place in range(1, len(pieces), 2):
        element, closing = tags.name(pieces[place]), tags.is_closing(pieces[place])
        if element in ("ol", "ul") and closing and around:
            ended = around.pop()
            if tags.name(pieces[ended.place]) == "ol" and ended.largest > 9:
                pieces[ended.place] = (
                    f'{pieces[ended.place][:-1]} style="--digits:{len(str(ended.largest))}">'
                )
        elif element in ("ol", "ul"):
            around.append(_List(place, _given(pieces[place], 1)))
        elif element == "li" and not closing and around:
            inner = around[-1]
            number = _given(pieces[place], inner.number)
            inner.number, inner.largest = number + 1, max(inner.largest, number)


def _given(tag: str, otherwise: int) -> int:
    found = _GIVEN.search(tag)
    return int(found[1]) if found else otherwise
