"""From a document to its page, and to the job that the renderer prints."""

from __future__ import annotations

import json
from datetime import UTC
from html import escape

from nyxcore.markup import service as markup
from nyxcore.pages.labels import labels
from nyxcore.pages.layout import laid_out
from nyxcore.pages.models import PageDocument


def print_job(document: PageDocument) -> bytes:
    """The print job of `document`: JSON in UTF-8, the same bytes for the same document.

    Its page has everything inside, and two kinds of places that the renderer fills: `<figure class="diagram"
    data-diagram="n"></figure>` with the n-th of `diagrams`, `<span data-page-of="id"></span>` with a page number.
    """
    text = markup.render(document.markdown, language=document.language)
    words = labels(document.language)
    job = {
        "html": laid_out(document, text),
        "diagrams": [
            {
                "source": source,
                "alt": f"{words.diagram} {number}",
                "fallback": fallback(source, words.diagram_failed),
            }
            for number, source in enumerate(text.diagrams, start=1)
        ],
        # what stands at the head and foot of a page is in its own stylesheet: margin boxes use the page's fonts
        "header": "<span></span>",
        "footer": "<span></span>",
        "author": "nyxcore",
        "created": f"{document.date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    return json.dumps(job, ensure_ascii=False, separators=(",", ":")).encode()


def fallback(source: str, note: str) -> str:
    """What stands in the place of a diagram that was not drawn."""
    return f'<pre><code>{escape(source)}</code></pre><p class="note">{escape(note)}</p>'
