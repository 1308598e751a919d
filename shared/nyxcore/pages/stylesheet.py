"""The stylesheet of one page: what differs from page to page, before what is the same for all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from nyxcore.pages.direction import isolated
from nyxcore.pages.fonts import Fonts
from nyxcore.pages.models import PageDocument, Paper
from nyxcore.pages.running_head import running_head

# Heights of the cover's two parts; with a millimetre to spare, for what is higher than its page makes a second one.
COVER: Mapping[Paper, tuple[str, str]] = {"A4": ("158mm", "138mm"), "Letter": ("148mm", "130mm")}
SHEETS = ("page.css", "parts.css", "screen.css")

_UNSAFE = re.compile(r"[^0-9A-Za-z .,:;·–—-]")


def stylesheet(document: PageDocument, fonts: Fonts) -> str:
    """The CSS of a page: paper, its running head and foot, fonts, and everything in `page.css` and after it."""
    title, side = running_head(document)
    band, facts = COVER[document.paper]
    return (
        f"@page{{size:{document.paper};"
        f"@top-left{{content:{_string(isolated(title), fonts)}}}@top-right{{content:{_string(isolated(side), fonts)}}}"
        '@bottom-right{content:counter(page)" / "counter(pages)}}\n'
        f":root{{--text:{fonts.text};--mono:{fonts.mono or fonts.text};--emoji:{fonts.emoji};"
        f"--band:{band};--facts:{facts}}}\n"
        f"{_sheets()}"
    )


@cache
def _sheets() -> str:
    folder = files("nyxcore.pages")
    return "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in SHEETS)


def _string(text: str, fonts: Fonts) -> str:
    """A CSS string (CSS Syntax 3, section 4.3.5), with a question mark for each character that no font has."""
    known = "".join("?" if character in fonts.missing else character for character in text)
    return f'"{_UNSAFE.sub(lambda match: f"\\{ord(match[0]):x} ", known)}"'
