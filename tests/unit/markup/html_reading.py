"""HTML as a parser of its own reads it (html.parser, not the sanitiser's html5ever), and what may be found in it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "wbr"}
ELEMENTS = {
    *(
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "dd",
        "del",
        "details",
        "dfn",
        "div",
        "dl",
        "dt",
    ),
    *(
        "em",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "input",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
    ),
    *(
        "p",
        "pre",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
    ),
    *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr"),
}
ATTRIBUTES = {
    "align": r"left|center|right",
    "alt": r"(?s:.*)",
    "aria-label": r"Footnotes|Fußnoten|Back to the text|Zurück zum Text",
    "checked": r"",
    "class": r"[a-z0-9-]+( alert-[a-z]+)?",
    "colspan": r"\d{1,5}",
    "data-diagram": r"\d{1,5}",
    "dir": r"ltr|rtl|auto",
    "disabled": r"",
    "height": r"\d{1,5}",
    "href": r"(?i:https?://[^\s/].*|mailto:\S.*)|#(section|note|noteref)-\S+",
    "id": r"(section|note|noteref)-[^\s\"'<>&#]+",
    "open": r"",
    "rel": r"noopener noreferrer",
    "rowspan": r"\d{1,5}",
    "src": r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+",
    "start": r"\d{1,5}",
    "title": r"(?s:.*)",
    "type": r"checkbox",
    "value": r"\d{1,5}",
    "width": r"\d{1,5}",
}


@dataclass
class Page(HTMLParser):
    """What stands in a fragment: its elements with their attributes, its text, and whether its tags are balanced."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    other: list[str] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute stands twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack and self.stack.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment

    def count(self, tag: str) -> int:
        return Counter(name for name, _ in self.elements)[tag]


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


def assert_harmless(html: str) -> Page:
    """Fail unless nothing stands in `html` but what a report may hold."""
    page = read(html)
    assert page.stack == [] and page.other == []
    for tag, attributes in page.elements:
        assert tag in ELEMENTS, tag
        for name, value in attributes.items():
            assert name in ATTRIBUTES, (tag, name)
            assert re.fullmatch(ATTRIBUTES[name], value or ""), (tag, name, value)
        if "src" in attributes:
            assert tag == "img"
        if "href" in attributes:
            assert tag == "a" and attributes["rel"] == "noopener noreferrer"
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    return page
