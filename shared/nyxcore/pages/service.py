"""From a document to its page, and to the job that the renderer prints."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC
from html import escape
from pathlib import Path

from nyxcore.markup import service as markup
from nyxcore.pages import tags
from nyxcore.pages.dressing import dress
from nyxcore.pages.faces import Style
from nyxcore.pages.fonts import Fonts, choose
from nyxcore.pages.labels import labels
from nyxcore.pages.layout import body
from nyxcore.pages.lettering import add, letter, survey
from nyxcore.pages.models import PageDocument
from nyxcore.pages.stylesheet import stylesheet
from nyxcore.settings import settings

_DIAGRAM = re.compile(r'(<figure class="diagram" data-diagram="(\d+)">)(</figure>)')
_ALWAYS = frozenset(
    (*map(chr, range(0x20, 0x7F)), "…")
)  # page numbers, entities, what stands for a stranger, heads
_POLICY = (  # of the page on a screen; the renderer has locks of its own
    "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class _Page:
    html: str
    diagrams: Sequence[str]
    fonts: Fonts

    def fallback(self, source: str, why: str) -> str:
        """What stands in the place of a diagram that was not drawn."""
        note = f'<p class="note">{escape(why)}</p>'
        return letter(tags.split(dress(f"<pre><code>{escape(source)}</code></pre>{note}", {})), self.fonts)


def print_job(document: PageDocument) -> bytes:
    """The print job of `document`: JSON in UTF-8, the same bytes for the same document.

    Its page has everything inside, and two kinds of places that the renderer fills: `<figure class="diagram"
    data-diagram="n"></figure>` with the n-th of `diagrams`, `<span data-page-of="id"></span>` with a page number.
    Its fonts have every character of the diagrams' sources: diagrams are set in them.

    Raises
    ------
    ValueError : its date has no time zone.
    FontsMissing : the fonts are not where the settings say.
    MarkdownTooLarge : see `nyxcore.markup`.
    """
    page, words = _page(document), labels(document.language)
    job = {
        "html": page.html,
        "diagrams": [
            {
                "source": source,
                "alt": f"{words.diagram} {number}",
                "fallback": page.fallback(source, words.diagram_failed),
            }
            for number, source in enumerate(page.diagrams, start=1)
        ],
        # none: the page's own stylesheet has margin boxes, which use its fonts and know the cover
        "header": "",
        "footer": "",
        "author": "nyxcore",
        "created": f"{document.date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    return json.dumps(job, ensure_ascii=False, separators=(",", ":")).encode()


def page_html(document: PageDocument) -> str:
    """The page to be read on a screen where no renderer has run yet: each diagram's source stands in its place, and
    when it is drawn.

    Raises
    ------
    ValueError, FontsMissing, MarkdownTooLarge : as `print_job` does.
    """
    page, waits = _page(document), labels(document.language).diagram_waits
    return _DIAGRAM.sub(
        lambda place: place[1] + page.fallback(page.diagrams[int(place[2])], waits) + place[3], page.html
    )


def _page(document: PageDocument) -> _Page:
    text = markup.render(document.markdown, language=document.language)
    pieces = tags.split(body(document, text))
    used, sequences = survey(pieces)
    fonts = choose(Path(settings().fonts), _with_unwritten(used, document, text.diagrams), sequences)
    html = (
        f'<!doctype html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(document.title)}</title>\n<style>{fonts.rules}</style>\n"
        f"<style>{stylesheet(document, fonts)}</style>\n</head>\n"
        f"<body>\n{letter(pieces, fonts)}\n</body>\n</html>\n"
    )
    return _Page(html, text.diagrams, fonts)


def _with_unwritten(
    used: Mapping[Style, Set[str]], document: PageDocument, diagrams: Sequence[str]
) -> Mapping[Style, Set[str]]:
    """What the page's HTML is set in, and what does not stand in it: running heads, page numbers, diagrams' sources."""
    unwritten: dict[Style, set[str]] = {Style(): {*_ALWAYS, *document.title, *document.project}}
    unwritten[Style(bold=True)] = {*_ALWAYS}
    for source in diagrams:
        for style in (Style(), Style(bold=True), Style(mono=True)):  # drawn, and where it cannot be
            add(unwritten.setdefault(style, set()), source)
    return {style: unwritten.get(style, set()) | used.get(style, set()) for style in {**used, **unwritten}}
