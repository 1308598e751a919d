"""Markdown in, safe HTML out."""

from __future__ import annotations

from nyxcore.errors import MarkdownTooLarge
from nyxcore.markup import characters
from nyxcore.markup.allowlist import sanitise
from nyxcore.markup.characters import decode
from nyxcore.markup.document import Document
from nyxcore.markup.limits import MAX_CHARACTERS, MAX_HTML
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
    MarkdownTooLarge : for more than `limits.MAX_CHARACTERS` characters, or `limits.MAX_HTML` of what they become.
    """
    if len(markdown) > MAX_CHARACTERS:
        raise MarkdownTooLarge(
            f"the Markdown is {len(markdown):,} characters long; at most {MAX_CHARACTERS:,} are taken, so split it"
        )
    document = Document(words(language))
    parser = extended()
    tokens = parser.parse(characters.whole(markdown), {})
    document.finish(tokens)
    html: str = parser.renderer.render(tokens, parser.options, {})
    if len(html) > MAX_HTML:
        raise MarkdownTooLarge(
            f"the Markdown becomes {len(html):,} characters of HTML; at most {MAX_HTML:,} are made, so split it"
        )
    html = characters.shown(sanitise(html))
    return Markup(html, tuple(document.headings.found), tuple(document.diagrams))
