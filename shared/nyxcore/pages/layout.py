"""The finished HTML around a text: head, cover, contents."""

from __future__ import annotations

import re
from html import escape
from importlib.resources import files

from nyxcore.markup.service import Heading, Markup
from nyxcore.pages.labels import day, labels
from nyxcore.pages.models import PageDocument

FEWEST_ENTRIES = 4  # of contents that are worth a place

_FIRST_HEADING = re.compile(r"\s*<h1[^>]*>.*?</h1>", re.DOTALL)


def laid_out(document: PageDocument, text: Markup) -> str:
    """The whole page."""
    body, headings = _without_title(document, text)
    return (
        f'<!doctype html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(document.title)}</title>\n<style>{_page_style(document)}</style>\n</head>\n<body>\n"
        f"{_cover(document)}\n{_contents(document, headings)}\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _without_title(document: PageDocument, text: Markup) -> tuple[str, tuple[Heading, ...]]:
    first = next(iter(text.headings), None)
    found = _FIRST_HEADING.match(text.html)
    if first is None or found is None or first.text.strip() != document.title.strip():
        return text.html, text.headings
    return text.html[found.end() :], text.headings[1:]


def _page_style(document: PageDocument) -> str:
    sheet = files("nyxcore.pages").joinpath("page.css").read_text(encoding="utf-8")
    return f"@page{{size:{document.paper}}}\n{sheet}"


def _cover(document: PageDocument) -> str:
    words = labels(document.language)
    facts = [
        (words.project, document.project),
        (words.kind, document.kind),
        (words.date, day(document.date, document.language)),
    ]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    return f'<header class="cover"><h1>{escape(document.title)}</h1><dl>{rows}</dl></header>'


def _contents(document: PageDocument, headings: tuple[Heading, ...]) -> str:
    entries = [heading for heading in headings if heading.level <= 3]
    if len(entries) < FEWEST_ENTRIES:
        return ""
    lines = "".join(
        f'<li class="level-{entry.level}"><a href="#{escape(entry.id)}">{escape(entry.text)}</a>'
        f'<span data-page-of="{escape(entry.id)}"></span></li>'
        for entry in entries
    )
    return (
        f'<nav class="contents"><h2>{escape(labels(document.language).contents)}</h2><ol>{lines}</ol></nav>'
    )
