"""Footnotes: their marks, and the section at the end."""

from __future__ import annotations

from collections.abc import Mapping

from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

from nyxcore.markup.wording import Phrase

MAX_BACK = 20  # ways back from one note: a note with more marks is a legend, which nobody comes from


class Footnotes:
    """Writes the footnotes of one document: note n stands in `#note-n`, its marks in `#noteref-n`, `#noteref-n-2`, …"""

    def __init__(self, words: Mapping[Phrase, str]) -> None:
        self._words = words

    def reference(self, token: Token) -> None:
        """A mark in the text."""
        number = token.meta["id"] + 1
        mark = _mark(token)
        html = f'<sup class="footnote-ref"><a href="#note-{number}" id="{mark}">{number}</a></sup>'
        token.type, token.content = "made", html

    def open_block(self, tokens: list[Token], index: int) -> None:
        """The beginning of the section."""
        label = escapeHtml(self._words["footnotes"])
        tokens[index].type = "made"
        tokens[index].content = f'<section class="footnotes" aria-label="{label}">\n<ol>\n'

    def open_note(self, tokens: list[Token], index: int) -> None:
        """The beginning of a note."""
        token = tokens[index]
        token.type, token.content = "made", f'<li id="note-{token.meta["id"] + 1}">'

    def back(self, tokens: list[Token], index: int) -> None:
        """The way back to a mark."""
        token = tokens[index]
        if token.meta["subId"] >= MAX_BACK:
            token.type, token.content = "made", ""
            return
        label = escapeHtml(self._words["back"])
        token.content = (
            f' <a href="#{_mark(token)}" class="footnote-back" aria-label="{label}">\u21a9\ufe0e</a>'
        )
        token.type = "made"


def _mark(token: Token) -> str:
    nth = token.meta["subId"]
    return f"noteref-{token.meta['id'] + 1}" + (f"-{nth + 1}" if nth else "")
