"""The body of a page: cover, contents and text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

import segno

from nyxcore.markup.models import Heading, Markup
from nyxcore.pages.contents import contents
from nyxcore.pages.direction import attribute
from nyxcore.pages.dressing import dress
from nyxcore.pages.labels import day, labels
from nyxcore.pages.models import PageDocument

LONG_TITLE, LONGER_TITLE = 32, 90  # characters from which on the cover sets it smaller

_FIRST_HEADING = re.compile(r"\s*<h1[^>]*>.*?</h1>", re.DOTALL)
_DOT = " · "  # between the parts of a title
# Orbits around a crescent moon, in the corner of the cover.
_MOTIF = (
    '<svg class="motif" viewBox="0 0 400 400" aria-hidden="true"><g fill="none" stroke="currentColor">'
    + "".join(f'<circle cx="270" cy="130" r="{radius}"/>' for radius in (56, 100, 144, 188, 232, 276, 320))
    + '</g><path d="M277 104a26 26 0 1 0 18 34a21.5 21.5 0 1 1-18-34z" fill="currentColor"/>'
    + '<circle cx="133" cy="173" r="3.6" fill="currentColor"/><circle cx="350" cy="70" r="2.4" fill="currentColor"/>'
    + '<circle cx="41.5" cy="89.7" r="2.8" fill="currentColor"/></svg>'
)


def body(document: PageDocument, text: Markup) -> str:
    """What stands in the page's `<body>`."""
    html, headings = _without_title(document, text)
    dressed = dress(html, labels(document.language).severities)
    return f"{_cover(document)}\n{contents(document, headings, html)}\n<main>\n{dressed}\n</main>"


def _without_title(document: PageDocument, text: Markup) -> tuple[str, Sequence[Heading]]:
    first = next(iter(text.headings), None)
    found = _FIRST_HEADING.match(text.html)
    if first is None or found is None or first.text.strip() != " ".join(document.title.split()):
        return text.html, text.headings
    return text.html[found.end() :], text.headings[1:]


def _cover(document: PageDocument) -> str:
    words = labels(document.language)
    facts = [
        (words.project, document.project),
        (words.kind, document.kind),
        (words.date, day(document.date, document.language)),
    ]
    rows = "".join(
        f"<div><dt>{name}</dt><dd{attribute(value)}>{escape(value)}</dd></div>"
        for name, value in facts
        if value
    )
    return (
        f'<header class="cover"><div class="band">{_MOTIF}{_title(document)}</div>'
        f'<div class="facts"><dl>{rows}</dl>{_qr_code(document.url, words.online)}</div></header>'
    )


def _title(document: PageDocument) -> str:
    """The title, its first part large and the others, such as a date, on a line below."""
    first, rest = _parts(document.title, document.project)
    size = sum(len(first) > limit for limit in (LONG_TITLE, LONGER_TITLE))
    below = f'<span class="rest"><span class="dot">{_DOT}</span>{escape(rest)}</span>' if rest else ""
    return f'<h1 class="size-{size}"{attribute(document.title)}>{escape(first)}{below}</h1>'


def _parts(title: str, project: str) -> tuple[str, str]:
    """The title's first part, be it a project whose name has a dot in it, and the rest."""
    if project and (title == project or title.startswith(project + _DOT)):
        return project, title[len(project + _DOT) :]
    first, _, rest = title.partition(_DOT)
    return first, rest


def _qr_code(url: str | None, label: str) -> str:
    """A QR code that leads to `url`, and its address in words."""
    if url is None:
        return ""
    code = segno.make_qr(url, error="m").svg_inline(
        border=0, omitsize=True, svgclass=None, lineclass=None, title=url
    )
    shown = escape(url.removeprefix("https://").removeprefix("http://"))
    return f'<a class="online" href="{escape(url)}">{code}<span><b>{label}</b><br>{shown}</span></a>'
