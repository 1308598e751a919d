"""What the stylesheet needs to find in a text's HTML: lines of code, severities, widths of tables and numbers, where to
break."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from html import unescape

from nyxcore.pages import direction, long_tables, numbering, tags
from nyxcore.pages.long_tables import Column

LINE_COLUMNS = 86  # of code that fit beside each other on A4; a longer line is marked where it goes on
WIDE, WIDER, WIDEST = 6, 8, 11  # a table with more columns is set smaller
ROOM, MORE_ROOM = (
    88,
    98,
)  # characters that fit beside each other into a table, and into one that is set smaller
TALL = 1_000  # characters of a row that may take a fifth of a page
BREAKABLE = 13  # characters from which on a name may break after its punctuation

_LONG_WORD = re.compile(rf"\S{{{BREAKABLE},}}")
_LONG_PART = re.compile(r"(?:&#?\w+;|[^\s&<>]){24}(?=[^\s<])")
_AFTER_PUNCTUATION = re.compile(r"(?<=[/\\_:=-])(?=\w)|(?<=\.)(?=\w{4})")  # and not before .py
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_DIFF_CLASS = re.compile(r'<span class="(g[idhu])">')  # Pygments' classes of inserted, deleted, headings
_DIFF_LINES = {"gi": " add", "gd": " del", "gh": " file", "gu": " hunk"}
_WHITESPACE = '<span class="w">'  # has no style
_BADGE = re.compile(r"<span [^>]*>([^<]*)</span>")
_HELD = re.compile(r"(?<=\d) (?=\w)| (?=·)")  # blanks of a colophon at which no line ends
_SEVERITY_PLACES = ("td", "th", "strong")


def dress(html: str, severities: Mapping[str, str]) -> str:
    """`html` with hooks for the stylesheet; what it says stays the same.

    Parameters
    ----------
    severities : word -> level. A table's cell, or bold text, that is nothing but such a word becomes a badge.
    """
    pieces = tags.split(html)
    direction.direct(pieces)
    _let_break(pieces)
    _mark_severities(pieces, severities)
    _measure_tables(pieces)
    numbering.measure(pieces)
    _mark_code(pieces)
    _bind_colophon(pieces)
    return "".join(pieces)


def _mark_severities(pieces: list[str], severities: Mapping[str, str]) -> None:
    for place in range(2, len(pieces) - 1, 2):
        level = severities.get(pieces[place].strip().lower())
        if level is None:
            continue
        before, after = pieces[place - 1], pieces[place + 1]
        inside = tags.name(before)
        if inside in _SEVERITY_PLACES and inside == tags.name(after) and tags.is_closing(after):
            pieces[place] = f'<span class="severity {level}">{pieces[place].strip()}</span>'


def _bind_colophon(pieces: list[str]) -> None:
    """Below the last rule no line begins with a dot or with the unit of a number."""
    last = next((place for place in range(len(pieces) - 2, 0, -2) if pieces[place].startswith("<hr")), None)
    if last is None or pieces[last + 2 : last + 3] != ["<p>"]:
        return
    for place in range(last + 3, tags.end_of(pieces, last + 2), 2):
        if tags.name(pieces[place - 1]) != "code" or tags.is_closing(pieces[place - 1]):
            pieces[place] = _HELD.sub("\N{NO-BREAK SPACE}", pieces[place])


def _measure_tables(pieces: list[str]) -> None:
    """Tell how wide each table is: one that did not fit would make Chromium shrink the whole document."""
    for place in range(1, len(pieces), 2):
        if pieces[place].startswith("<table"):
            columns = _columns_of(pieces, place)
            by_count = sum(len(columns) > limit for limit in (WIDE, WIDER, WIDEST))
            needed = sum(column.unbreakable for column in columns) + len(columns)
            size = max(by_count, sum(needed > limit for limit in (ROOM, MORE_ROOM)))
            long_tables.split(pieces, place, columns, ROOM)
            tall = " tall" if sum(column.text for column in columns) > TALL else ""
            pieces[place] = f'<div class="table wide-{size}{tall}">{pieces[place]}'
        elif pieces[place] == "</table>":
            pieces[place] = "</table></div>"


def _columns_of(pieces: Sequence[str], start: int) -> list[Column]:
    """How wide the columns of the table at `start` are."""
    unbreakable: list[int] = []
    longest: list[int] = []
    column, text = -1, 0
    for place in range(start, tags.end_of(pieces, start), 2):
        match tags.name(pieces[place]), tags.is_closing(pieces[place]):
            case "tr", False:
                column = -1
            case "td" | "th", False:
                column += 1
                text = 0
                unbreakable += [0] * (column == len(unbreakable))
                longest += [0] * (column == len(longest))
        if column >= 0:
            words = _BADGE.sub(r"\1", pieces[place + 1])
            parts = words.replace("<wbr>", " ").split()
            text += len(words.replace("<wbr>", ""))
            longest[column] = max(longest[column], text)
            unbreakable[column] = max(unbreakable[column], max(map(len, parts), default=0))
    return [Column(*widths) for widths in zip(unbreakable, longest, strict=True)]


def _let_break(pieces: list[str]) -> None:
    """Let long names and addresses break after punctuation, and at worst anywhere, so that no table is too wide."""
    code = cell = pre = 0
    for place, piece in enumerate(pieces):
        if place % 2:
            step = -1 if tags.is_closing(piece) else 1
            element = tags.name(piece)
            code += step * (element == "code")
            pre += step * (element == "pre")
            cell += step * (element in ("td", "th"))
        elif (code or cell) and not pre and len(piece) >= BREAKABLE:
            pieces[place] = _LONG_WORD.sub(_broken, piece)
        elif code and cell and not pre and piece:
            pieces[place - 1] = '<code class="short">' if pieces[place - 1] == "<code>" else pieces[place - 1]


def _broken(word: re.Match[str]) -> str:
    return _LONG_PART.sub(r"\g<0><wbr>", _AFTER_PUNCTUATION.sub("<wbr>", word[0]))


def _mark_code(pieces: list[str]) -> None:
    place = 1
    while place < len(pieces):
        if pieces[place].startswith("<pre"):
            end = tags.end_of(pieces, place)
            _mark_lines(pieces, place, end)
            place = end
        place += 2


def _mark_lines(pieces: list[str], start: int, end: int) -> None:
    """Put each line of the code in the `pre` from `start` to `end` into an element of its own."""
    first = next((place for place in range(start, end, 2) if pieces[place] == "<code>"), None)
    if first is None:
        return
    last = tags.end_of(pieces, first)
    pieces[first + 1 : last] = ["".join(_marked(list(_lines(pieces[first + 1 : last]))))]
    pieces[first + 2 : first + 2] = [""] * (last - first - 2)


def _lines(pieces: Sequence[str]) -> Iterator[tuple[str, str]]:
    """HTML and text of each line of code; what is open at a line's end is opened again on the next."""
    around: list[str] = []
    html, text = "", ""
    for place, piece in enumerate(pieces):
        if place % 2:
            if tags.name(piece) in tags.VOID:
                html += piece
            else:
                around = around[:-1] if tags.is_closing(piece) else [*around, piece]
            continue
        opening = "".join(tag for tag in around if tag != _WHITESPACE)
        closing = "".join(f"</{tags.name(tag)}>" for tag in reversed(around) if tag != _WHITESPACE)
        for part in _LINES.findall(piece):
            html += f"{opening}{part}{closing}"
            text += part
            if part.endswith("\n"):
                yield html, text
                html, text = "", ""
    if html:
        yield html, text


def _marked(lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Each line as an element that says what it is in a diff, and whether it is too long for the page."""
    for html, text in lines:
        found = _DIFF_CLASS.match(html)
        kind = _DIFF_LINES[found[1]] if found else ""
        goes_on = " long" if len(text) > LINE_COLUMNS // 2 and _columns(unescape(text)) > LINE_COLUMNS else ""
        yield f'<span class="line{kind}{goes_on}">{html}</span>'


def _columns(text: str) -> int:
    """Its width in columns of a monospace face: 2 for an East Asian wide character (UAX 11)."""
    if text.isascii():
        return len(text.rstrip("\n"))
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
