"""The table of contents, and whether a text may be so long that it needs one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from nyxcore.markup.models import Heading
from nyxcore.pages import tags
from nyxcore.pages.direction import attribute
from nyxcore.pages.labels import labels
from nyxcore.pages.models import PageDocument

FEWEST_ENTRIES = 4  # of contents that are worth a place
PAGES_WITHOUT_CONTENTS = 6  # that a document has at the most, its contents not counted, if it needs none
MOST_ENTRIES = 70  # of contents that name the headings of level 3 too
SHEET = 32  # lines that always fit on a page; a picture may fill one
SHORTEST_TEXT = 5 * SHEET  # lines that always fit on these pages, of which one is the cover
LINE_WIDTH = 95  # bytes: of letters that have two or three, less fit beside each other

# Lines that an element takes besides those of its text: its last one, and the space around it.
_LINES: Mapping[str, int] = (
    dict.fromkeys(("br", "dd", "div", "dt", "li", "summary", "tr"), 1)
    | dict.fromkeys(("p", "pre"), 2)
    | dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "hr"), 3)
    | dict.fromkeys(("figure", "img"), SHEET)
)


def contents(document: PageDocument, headings: Sequence[Heading], html: str) -> str:
    """The contents of a text that may have enough pages for them; the printer, which counts, drops them if not."""
    entries = [heading for heading in headings if heading.level <= 3]
    if len(entries) > MOST_ENTRIES:
        entries = [heading for heading in headings if heading.level <= 2]
    if len(entries) < FEWEST_ENTRIES or not may_be_long(html):
        return ""
    title = labels(document.language).contents
    items = "\n".join(
        f'<li class="level-{entry.level}"><a href="#{escape(entry.id)}">'
        f'<span{attribute(entry.text)}>{escape(entry.text)}</span><span class="leader"></span>'
        f'<span data-page-of="{escape(entry.id)}"></span></a></li>'
        for entry in entries
    )
    most = PAGES_WITHOUT_CONTENTS + 1  # their own page
    return (
        f'<nav class="contents" data-above-pages="{most}"><p class="contents-title">{title}</p>'
        f"<ol>\n{items}\n</ol></nav>"
    )


def may_be_long(html: str) -> bool:
    """Whether a text could need more pages than a document without contents has: to print it is what tells."""
    lines = line = code = 0
    for place, piece in enumerate(tags.split(html)):
        if place % 2:
            element, closing = tags.name(piece), tags.is_closing(piece)
            code += (-1 if closing else 1) * (element == "pre")
            if element in _LINES:
                lines += line // LINE_WIDTH + (0 if closing else _LINES[element])
                line = 0
        else:
            lines += piece.count("\n") if code else 0
            line += len(piece.encode())
        if lines + line // LINE_WIDTH >= SHORTEST_TEXT:
            return True
    return False
