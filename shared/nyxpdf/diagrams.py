"""Mermaid sources to SVG, in a page of their own that holds nothing but them and the fonts.

That page is the only one that runs JavaScript. It is made anew for each document, so that what a hostile diagram may
do to it ends with the document. It comes from two files, since mermaid's 5.5 MB take 0.3 s through the protocol and
0.1 s from the disk; its content security policy lets it run these two and load nothing.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from nyxpdf import fonts
from nyxpdf.browser import Browser, Page
from nyxpdf.cdp import Refused
from nyxpdf.limits import Budget, DiagramTimeout

_CODE: Final = Path(__file__).with_name("diagrams.js")
_PAGE: Final = """<!doctype html><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-{nonce}';
 style-src 'unsafe-inline'; font-src data:; form-action 'none'; base-uri 'none'">
<body></body><script nonce="{nonce}">{code}</script><script nonce="{nonce}" src="{mermaid}"></script>
"""


@dataclass(frozen=True)
class Drawing:
    """What all diagrams of a document share."""

    faces: tuple[fonts.Face, ...]
    created: datetime

    @property
    def family(self) -> str:
        """The value of font-family."""
        return fonts.family_list(self.faces)

    def script(self, call: str, *arguments: object) -> str:
        """A call of diagrams.js."""
        return f"{call}({', '.join(map(json.dumps, arguments))})"


def draw(browser: Browser, sources: Mapping[int, str], drawing: Drawing, budget: Budget) -> dict[int, str]:
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
                _open(page, browser, drawing)
                drawn.update(_draw_in(page, waiting, drawing, share))
        except DiagramTimeout:
            break
    return drawn


def _draw_in(
    page: Page, waiting: list[tuple[int, str]], drawing: Drawing, share: Budget
) -> Iterator[tuple[int, str]]:
    """Draw what is waiting until all is drawn, or one has left the page in a state that nobody knows."""
    while waiting:
        number, source = waiting.pop(0)
        try:
            answer = page.within(share.limits.diagram_seconds).evaluate(
                drawing.script("draw", source, drawing.family)
            )
        except DiagramTimeout:
            share.check()  # ends the document's diagrams when it is their time that is over
            return
        except Refused:
            return
        if isinstance(answer, str):
            yield number, _with_fonts(answer, drawing)


def _open(page: Page, browser: Browser, drawing: Drawing) -> None:
    path = browser.profile / "diagrams.html"
    if not path.exists():
        mermaid = (browser.folder / "mermaid.min.js").as_uri()
        code = _CODE.read_text(encoding="utf-8")
        path.write_text(
            _PAGE.format(nonce=secrets.token_hex(16), code=code, mermaid=mermaid), encoding="utf-8"
        )
    page.cut_off()
    page.open(path.as_uri())
    rules = "\n".join(face.rule for face in drawing.faces)
    milliseconds = int(drawing.created.timestamp() * 1000)
    page.evaluate(drawing.script("prepare", rules, drawing.family, milliseconds))


def _with_fonts(svg: str, drawing: Drawing) -> str:
    """The picture with the fonts that its text needs, since it is shown as an image and sees none of the page's."""
    rules = fonts.needed(drawing.faces, svg)
    start = svg.index(">") + 1
    return f"{svg[:start]}<style>{rules}</style>{svg[start:]}" if rules else svg
