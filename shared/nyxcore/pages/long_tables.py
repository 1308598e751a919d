"""Tables of thousands of rows, set as several: on paper one table costs memory by its rows times its pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nyxcore.pages import tags

MOST_ROWS = 500  # of one table; measured: fewer save nothing, and more cost the more the longer the table is
PADDING = 3  # characters that a cell has around its text, a badge's shape included
LONGEST_TEXT = 80  # characters from which on a column does not get wider

_ID = re.compile(r' id="[^"]*"')
_SPANS = re.compile(r" (?:row|col)span=")
_ONCE = frozenset({"table", "thead", "tbody"})  # of which a table that can be set as several has one each
_NEVER = frozenset({"tfoot", "caption", "colgroup", "col"})  # and of these none


@dataclass(frozen=True, slots=True)
class Column:
    """Widths of a column's texts, in characters: of the longest part that cannot be broken, and of the longest text."""

    unbreakable: int
    text: int


def split(pieces: list[str], start: int, columns: Sequence[Column], room: int) -> None:
    """Set the table at `start` as several when it is a long one: each has its head and the same widths of columns.

    They stand in the place of the one: the list keeps its length. A table whose cells span rows or columns, or that
    has more than a head and a body, stays as it is.
    """
    end = tags.end_of(pieces, start)
    if not _can_be_split(pieces, start, end):
        return
    body = next(place for place in range(start, end, 2) if tags.name(pieces[place]) == "tbody")
    rows = [place for place in range(body, end, 2) if pieces[place].startswith("<tr")]
    parts = -(-len(rows) // MOST_ROWS)
    if parts < 2:
        return
    widths = _colgroup(columns, room)
    head = _ID.sub("", "".join(pieces[start + 1 : body]))
    again = f"</tbody>\n</table>\n{pieces[start]}{widths}{head}<tbody>\n"
    for part in range(1, parts):
        first = rows[part * len(rows) // parts]
        pieces[first] = again + pieces[first]
    pieces[start] += widths


def _can_be_split(pieces: Sequence[str], start: int, end: int) -> bool:
    opened = [tags.name(piece) for piece in pieces[start:end:2] if not tags.is_closing(piece)]
    return (
        all(opened.count(name) == 1 for name in _ONCE)
        and _NEVER.isdisjoint(opened)
        and not any(_SPANS.search(piece) for piece in pieces[start:end:2])
    )


def _colgroup(columns: Sequence[Column], room: int) -> str:
    """Widths in hundredths, as a table alone would share them: what each needs, and more for whoever has more text."""
    least = [column.unbreakable + PADDING for column in columns]
    more = [min(column.text, LONGEST_TEXT) - min(column.unbreakable, LONGEST_TEXT) for column in columns]
    left = max(0, room - sum(least))
    wide = [need + left * each / (sum(more) or 1) for need, each in zip(least, more, strict=True)]
    return "".join(
        (
            "<colgroup>",
            *(f'<col style="width:{100 * each / sum(wide):.2f}%">' for each in wide),
            "</colgroup>",
        )
    )
