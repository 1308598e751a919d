"""Markdown in, safe HTML out."""

from __future__ import annotations

from nyxcore.errors import MarkdownTooLarge
from nyxcore.markup import characters
from nyxcore.markup.allowlist import sanitise
from nyxcore.markup.characters import decode
from nyxcore.markup.document import Document
from nyxcore.markup.limits import MAX_CHARACTERS, MAX_HTML, MAX_LINES
from nyxcore.markup.models import Markup
from nyxcore.markup.parser import extended
from nyxcore.markup.wording import words

__all__ = ["decode", "render"]


def render(markdown: str, *, language: str = "en") -> Markup:
    """Convert a Markdown document of any origin into HTML that may stand in a page.

    Parameters
    ----------
    markdown : the document: CommonMark 0.31.2, GFM's extensions, footnotes, alerts, mermaid fences.
    language : of the words that the conversion adds, such as the title of an alert: `en` or `de`.

    Raises
    ------
    InvalidInput : for any other language.
    MarkdownTooLarge : for more characters, lines or resulting HTML than `limits` allows.
    """
    _within(len(markdown), MAX_CHARACTERS, "characters")
    ends = markdown.count("\n") + markdown.count("\r") - markdown.count("\r\n")
    _within(ends, MAX_LINES, "line ends")
    document = Document(words(language))
    parser = extended()
    tokens = parser.parse(characters.whole(markdown), {})
    document.finish(tokens)
    html: str = parser.renderer.render(tokens, parser.options, {})
    _within(len(html), MAX_HTML, "characters once it is HTML")
    html = characters.shown(sanitise(html))
    return Markup(html, tuple(document.headings.found), tuple(document.diagrams))


def _within(count: int, limit: int, what: str) -> None:
    if count > limit:
        raise MarkdownTooLarge(f"the Markdown has {count:,} {what}; at most {limit:,} are taken, so split it")
