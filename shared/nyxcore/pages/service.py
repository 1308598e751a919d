"""From a document to its page, and to the job that the renderer prints."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from html import escape
from pathlib import Path

from nyxcore.markup import service as markup
from nyxcore.pages import tags
from nyxcore.pages.faces import Style
from nyxcore.pages.fonts import Fonts, choose
from nyxcore.pages.labels import labels
from nyxcore.pages.layout import body
from nyxcore.pages.lettering import add, letter, survey
from nyxcore.pages.models import PageDocument
from nyxcore.pages.stylesheet import stylesheet
from nyxcore.settings import settings

_DIAGRAM = re.compile(r'(<figure class="diagram" data-diagram="(\d+)">)(</figure>)')
_ALWAYS = frozenset(map(chr, range(0x20, 0x7F))) | {"\ufffd"}  # page numbers, entities, what stands for a stranger
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class _Page:
    html: str
    diagrams: Sequence[str]
    fonts: Fonts


def print_job(document: PageDocument) -> bytes:
    """The print job of `document`: JSON in UTF-8, the same bytes for the same document.

    Its page has everything inside, and two kinds of places that the renderer fills: `<figure class="diagram"
    data-diagram="n"></figure>` with the n-th of `diagrams`, `<span data-page-of="id"></span>` with a page number.
    `faces` are the CSS rules of the fonts that the diagrams' text needs, `family` is the list for `font-family`:
    an SVG image sees nothing of the page around it, and has to bring them itself.

    Raises
    ------
    ValueError : its date has no time zone.
    FontsMissing : the fonts are not where the settings say.
    MarkdownTooLarge : see `nyxcore.markup`.
    """
    page = _page(document)
    job = {
        "html": page.html,
        "diagrams": [
            {"source": source, "alt": _alt(document, number), "fallback": _fallback(document, source)}
            for number, source in enumerate(page.diagrams)
        ],
        "faces": _diagram_fonts(page.diagrams).rules if page.diagrams else "",
        "family": page.fonts.text,
        # what stands at the head and foot of a page is in its own stylesheet: margin boxes use the page's fonts
        "header": "<span></span>",
        "footer": "<span></span>",
        "author": "nyxcore",
        "created": f"{document.date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    return json.dumps(job, ensure_ascii=False, separators=(",", ":")).encode()


def page_html(document: PageDocument) -> str:
    """The page to be read on a screen where no renderer has run: the source of each diagram stands in its place.

    Raises
    ------
    ValueError, FontsMissing, MarkdownTooLarge : as `print_job` does.
    """
    page = _page(document)
    return _DIAGRAM.sub(
        lambda place: place[1] + _fallback(document, page.diagrams[int(place[2])]) + place[3], page.html
    )


def _page(document: PageDocument) -> _Page:
    text = markup.render(document.markdown, language=document.language)
    pieces = tags.split(body(document, text))
    used, sequences = survey(pieces)
    plain = {*_ALWAYS, *document.title, *document.project}
    for source in text.diagrams:
        add(plain, source)
    wanted = {**used, Style(): plain | used.get(Style(), set()), Style(bold=True): _ALWAYS | used.get(Style(bold=True), set())}
    if text.diagrams:  # their fallback is code
        wanted[Style(mono=True)] = plain | used.get(Style(mono=True), set())
    fonts = choose(Path(settings().fonts), wanted, sequences)
    html = (
        f'<!doctype html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(document.title)}</title>\n<style>{fonts.rules}</style>\n"
        f"<style>{stylesheet(document, fonts)}</style>\n</head>\n<body>\n{letter(pieces, fonts.missing)}\n</body>\n</html>\n"
    )
    return _Page(html, text.diagrams, fonts)


def _diagram_fonts(sources: Sequence[str]) -> Fonts:
    characters = set(_ALWAYS)
    for source in sources:
        add(characters, source)
    return choose(Path(settings().fonts), {Style(): characters, Style(bold=True): characters})


def _alt(document: PageDocument, number: int) -> str:
    return f"{labels(document.language).diagram} {number + 1}"


def _fallback(document: PageDocument, source: str) -> str:
    """What stands in the place of a diagram that was not drawn."""
    note = labels(document.language).diagram_failed
    return f'<pre><code>{escape(source)}</code></pre><p class="note">{escape(note)}</p>'
