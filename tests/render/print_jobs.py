"""Print jobs of the tests' own making, small and readable; what `nyxcore.pages` makes is tried with its own tests."""

from __future__ import annotations

import json
from pathlib import Path

CHROMIUM = Path(__file__).parents[2] / "layers/chromium/opt/chromium"
CREATED = "2026-11-23T10:00:00Z"
FOOTER = (
    '<div style="font-size:8px;width:100%;text-align:center">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)
FALLBACK = "<pre>the source</pre><p>This diagram could not be drawn.</p>"


def figure(number: int) -> str:
    """The place of a diagram."""
    return f'<figure class="diagram" data-diagram="{number}"></figure>'


def page(body: str, *, title: str = "A report", lang: str = "en", style: str = "") -> str:
    """A finished page around `body`."""
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>@page {{ size: A4; margin: 20mm }} {style}</style></head><body>{body}</body></html>"
    )


def job(
    html: str,
    diagrams: tuple[str, ...] = (),
    *,
    header: str = "",
    footer: str = FOOTER,
) -> bytes:
    """A print job of a finished page."""
    return json.dumps(
        {
            "html": html,
            "diagrams": [
                {"source": source, "alt": f"Diagram {number}", "fallback": FALLBACK}
                for number, source in enumerate(diagrams, start=1)
            ],
            "header": header,
            "footer": footer,
            "author": "nyxcore",
            "created": CREATED,
        }
    ).encode()


def report(sections: int) -> str:
    """A page with a contents of numbered places, and a section each with a table and code: about two to three pages."""
    contents = "".join(
        f'<li><a href="#s{n}">Section {n}</a> <span data-page-of="s{n}"></span></li>' for n in range(sections)
    )
    rows = "".join(f"<tr><td>{n}</td><td>finding number {n}</td><td>pkg/m{n}.py</td></tr>" for n in range(40))
    return page(
        f"<h1>Report</h1><ul>{contents}</ul>"
        + "".join(
            f'<h2 id="s{n}" style="break-before: page">Section {n}</h2><p>{"Words of a section. " * 60}</p>'
            f"<table><thead><tr><th>No.</th><th>What</th><th>Where</th></tr></thead>{rows}</table>"
            "<pre><code>def f(x):\n    return x</code></pre>"
            for n in range(sections)
        )
    )
