"""The print job: what `nyxcore.pages` hands over, as JSON.

    {"html": "<!doctype html>...",     finished, but for the places of diagrams and of page numbers
     "diagrams": [{"source": "graph TD...", "alt": "Diagram 1", "fallback": "<pre>...</pre>..."}],
     "header": "<div>...</div>", "footer": "<div>...</div>",     Chromium's templates; both may be empty
     "author": "nyxcore", "created": "2026-11-23T10:00:00Z"}

Places: `<figure class="diagram" data-diagram="0"></figure>` gets the diagram of that number or its fallback,
`<span data-page-of="heading-id"></span>` the number of the page on which the element of that id stands. Chromium tells
the pages of those ids only to which the document has a link, which a table of contents has. `<nav class="contents"
data-above-pages="7">...</nav>` is printed only where the document with it has more pages than that. Diagrams are set in
the fonts of the page's own `@font-face` rules, in their order (see `nyxpdf.fonts`).
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape
from typing import Any, Final

from nyxpdf.errors import InvalidJob

_DIAGRAM: Final = re.compile(r'<figure class="diagram" data-diagram="(\d{1,5})"></figure>')
_PAGE_OF: Final = re.compile(r'<span data-page-of="([^"<>]*)"></span>')
_CONTENTS: Final = re.compile(r'<nav class="contents" data-above-pages="(\d{1,5})">.*?</nav>', re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_TEXTS: Final = ("html", "header", "footer", "author", "created")


@dataclass(frozen=True)
class Diagram:
    """A diagram's mermaid source, its alternative text, and the HTML that is shown when it cannot be drawn."""

    source: str
    alt: str
    fallback: str


@dataclass(frozen=True)
class PrintJob:
    """A print job that was read."""

    html: str
    diagrams: tuple[Diagram, ...]
    header: str
    footer: str
    author: str
    created: datetime

    def with_diagrams(self, drawn: Mapping[int, str]) -> str:
        """The page with its figures filled; `drawn` has SVG by the diagram's number."""

        def figure(place: re.Match[str]) -> str:
            number = int(place[1])
            if number >= len(self.diagrams):
                return place[0]
            inner = self.diagrams[number].fallback
            if number in drawn:
                inner = _image(drawn[number], self.diagrams[number].alt)
            return f'<figure class="diagram">{inner}</figure>'

        return _DIAGRAM.sub(figure, self.html)


def parse(data: bytes) -> PrintJob:
    """Read a print job. Raises InvalidJob, with what is wrong with it and nothing of what stands in it."""
    try:
        read = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidJob(f"The print job is no UTF-8: byte {error.start} is wrong.") from None
    except (json.JSONDecodeError, RecursionError):
        raise InvalidJob("The print job is no JSON.") from None
    if not isinstance(read, dict):
        raise InvalidJob("The print job is no JSON object.")
    for name in _TEXTS:
        _checked(read, name, str)
    diagrams = []
    for diagram in _checked(read, "diagrams", list):
        if not isinstance(diagram, dict):
            raise InvalidJob("A diagram of the print job is no JSON object.")
        diagrams.append(Diagram(*(_checked(diagram, name, str) for name in ("source", "alt", "fallback"))))
    try:
        created = datetime.fromisoformat(read["created"])
    except ValueError:
        raise InvalidJob("`created` of the print job is no time such as 2026-11-23T10:00:00Z.") from None
    if created.tzinfo is None:
        raise InvalidJob("`created` of the print job has no time zone.")
    return PrintJob(
        html=read["html"],
        diagrams=tuple(diagrams),
        header=read["header"],
        footer=read["footer"],
        author=read["author"],
        created=created,
    )


def ids_to_number(html: str) -> frozenset[str]:
    """The ids whose pages the document wants to show."""
    return frozenset(unescape(found) for found in _PAGE_OF.findall(html))


def with_fitting_contents(html: str, pages: int) -> str:
    """The page without contents that so many pages, theirs included, do not need."""
    return _CONTENTS.sub(lambda found: found[0] if pages > int(found[1]) else "", html)


def with_page_numbers(html: str, pages: Mapping[str, int]) -> str:
    """The page with its places of page numbers filled; an id without a page leaves its place empty."""

    def place(found: re.Match[str]) -> str:
        return f'<span data-page-of="{found[1]}">{pages.get(unescape(found[1]), "")}</span>'

    return _PAGE_OF.sub(place, html)


def _checked[Kind](read: Mapping[str, Any], name: str, kind: type[Kind]) -> Kind:
    value = read.get(name)
    if not isinstance(value, kind):
        raise InvalidJob(f"`{name}` of the print job is missing, or no {kind.__name__}.")
    if isinstance(value, str) and _SURROGATE.search(value):
        raise InvalidJob(f"`{name}` of the print job has half of a surrogate pair, which is no character.")
    return value


def _image(svg: str, alt: str) -> str:
    encoded = b64encode(svg.encode("utf-8")).decode("ascii")
    return f'<img src="data:image/svg+xml;base64,{encoded}" alt="{escape(alt)}">'
