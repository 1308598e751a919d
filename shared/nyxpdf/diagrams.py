"""Mermaid sources to SVG, in a page of their own that holds nothing but them and the fonts.

That page is the only one that runs JavaScript. It is made anew for each document, so that what a hostile diagram may
do to it ends with the document. It comes from two files, since mermaid's 5.5 MB take 0.3 s through the protocol and
0.1 s from the disk; its content security policy lets it run these two and load nothing.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from nyxpdf.browser import Browser, Page
from nyxpdf.cdp import PageCrashed, Refused
from nyxpdf.fonts import Faces
from nyxpdf.limits import Budget, DiagramTimeout

_CODE: Final = Path(__file__).with_name("diagrams.js")
_PAGE: Final = """<!doctype html><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-{nonce}';
 style-src 'unsafe-inline'; font-src data:; form-action 'none'; base-uri 'none'">
<body></body><script nonce="{nonce}">{code}</script><script nonce="{nonce}" src="{mermaid}"></script>
"""


def draw(
    browser: Browser, sources: Mapping[int, str], faces: Faces, created: datetime, budget: Budget
) -> dict[int, str]:
    """The SVG of every source that mermaid can draw in time, by the source's number.

    One that it cannot parse, or not within `Limits.diagram_seconds`, is left out; so are those for which no time of
    `Limits.diagrams_seconds` is left.
    """
    waiting = list(sources.items())
    drawn: dict[int, str] = {}
    share = budget.within(budget.limits.diagrams_seconds)
    while waiting:
        try:
            with browser.page(share) as page:
                _open(page, browser, faces, created)
                drawn.update(_draw_in(page, waiting, faces, share))
        except DiagramTimeout:
            break
    return drawn


def _draw_in(
    page: Page, waiting: list[tuple[int, str]], faces: Faces, share: Budget
) -> Iterator[tuple[int, str]]:
    """Draw what is waiting until all is drawn, or one has left the page in a state that nobody knows."""
    while waiting:
        number, source = waiting.pop(0)
        try:
            part = page.within(share.limits.diagram_seconds)
            answer = part.evaluate(_script("draw", source, faces.family))
        except DiagramTimeout:
            share.check()  # ends the document's diagrams when it is their time that is over
            return
        except (Refused, PageCrashed):
            return
        if isinstance(answer, dict):
            yield number, _with_fonts(answer["xml"], faces.needed(answer["text"], bold=answer["bold"]))


def _open(page: Page, browser: Browser, faces: Faces, created: datetime) -> None:
    path = browser.profile / "diagrams.html"
    if not path.exists():
        mermaid = (browser.folder / "mermaid.min.js").as_uri()
        code = _CODE.read_text(encoding="utf-8")
        filled = _PAGE.format(nonce=secrets.token_hex(16), code=code, mermaid=mermaid)
        path.write_text(filled, encoding="utf-8")
    page.cut_off()
    page.open(path.as_uri())
    page.evaluate(_script("prepare", faces.rules, faces.family, int(created.timestamp() * 1000)))


def _script(call: str, *arguments: object) -> str:
    """A call of diagrams.js."""
    return f"{call}({', '.join(map(json.dumps, arguments))})"


def _with_fonts(svg: str, rules: str) -> str:
    """The picture with its fonts in it, since it is shown as an image and sees none of the page's."""
    start = svg.index(">") + 1
    return f"{svg[:start]}<style>{rules}</style>{svg[start:]}" if rules else svg
