"""Markdown in, safe HTML out."""

from __future__ import annotations

from nyxcore.markup import characters
from nyxcore.markup.allowlist import sanitise
from nyxcore.markup.characters import decode
from nyxcore.markup.document import Document
from nyxcore.markup.embedded import Embedded
from nyxcore.markup.limits import MAX_CHARACTERS, MAX_LINES, within
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
    within(len(markdown), MAX_CHARACTERS, "characters")
    ends = markdown.count("\n") + markdown.count("\r") - markdown.count("\r\n")
    within(ends, MAX_LINES, "line ends")
    embedded = Embedded()
    document = Document(words(language), embedded)
    parser = extended()
    tokens = parser.parse(embedded.take(characters.whole(markdown)), {})
    document.finish(tokens)
    html: str = parser.renderer.render(tokens, parser.options, {})
    html = embedded.put_back(characters.shown(sanitise(html)))
    diagrams = tuple(embedded.put_back(source) for source in document.diagrams)
    return Markup(html, tuple(document.headings.found), diagrams)
