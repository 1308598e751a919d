"""What may stand in a report's HTML: elements, their attributes, and the values of those. All else goes.

Two tables. `RAW` is what HTML inside of a Markdown document may say; `MADE` is what the conversion itself adds, and no
document can write it: `raw_html` lets neither these elements nor any `class`, `id`, `name` or `data-*` through.
`docs/markup.md` shows both tables, and a test holds them equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import nh3

from nyxcore.markup.targets import is_anchor, is_embedded_image, is_link

type Attributes = Mapping[str, str]  # attribute -> kind of its value

_NONE: Attributes = MappingProxyType({})
_ALIGNED: Attributes = MappingProxyType({"align": "align", "dir": "direction"})
_CELL: Attributes = MappingProxyType({"align": "align", "colspan": "number", "rowspan": "number"})
_PLAIN = (
    *(
        "b",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "dd",
        "del",
        "dfn",
        "dl",
        "dt",
        "em",
        "hr",
        "i",
        "ins",
    ),
    *(
        "kbd",
        "mark",
        "pre",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
    ),
    *("sup", "table", "tbody", "tfoot", "thead", "tr", "tt", "u", "ul", "var", "wbr"),
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")

RAW: Mapping[str, Attributes] = MappingProxyType(
    dict.fromkeys(_PLAIN, _NONE)
    | dict.fromkeys(("div", "p", *_HEADINGS), _ALIGNED)
    | dict.fromkeys(("td", "th"), _CELL)
    | {
        "a": {"href": "link", "title": "text"},
        "abbr": {"title": "text"},
        "details": {"open": "flag"},
        "img": {"src": "image", "alt": "text", "title": "text", "width": "number", "height": "number"},
        "li": {"value": "number"},
        "ol": {"start": "number"},
    }
)
MADE: Mapping[str, Attributes] = MappingProxyType(
    {
        "a": {"class": "class", "id": "id", "aria-label": "text", "rel": "relation"},
        "div": {"class": "class"},
        "figure": {"class": "class", "data-diagram": "number"},
        **{tag: {"id": "id"} for tag in _HEADINGS},
        "input": {"type": "checkbox", "checked": "flag", "disabled": "flag"},
        "li": {"id": "id"},
        "p": {"class": "class"},
        "pre": {"class": "class"},
        "section": {"class": "class", "aria-label": "text"},
        "span": {"class": "class"},
        "sup": {"class": "class"},
    }
)
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "align": "left, center or right",
        "checkbox": "checkbox",
        "class": "letters, digits and hyphens",
        "direction": "ltr, rtl or auto",
        "flag": "empty",
        "id": "begins with section-, note- or noteref-",
        "image": "a data: URI of a PNG, JPEG, GIF or WebP",
        "link": "http:, https:, mailto:, or # and an id of the document",
        "number": "one to five digits",
        "relation": "noopener noreferrer",
        "text": "any",
    }
)
_PATTERNS = {
    "align": re.compile(r"left|center|right"),
    "checkbox": re.compile(r"checkbox"),
    "class": re.compile(r"[a-z][a-z0-9-]{0,39}( [a-z][a-z0-9-]{0,39}){0,3}"),
    "direction": re.compile(r"ltr|rtl|auto"),
    "flag": re.compile(r""),
    "number": re.compile(r"[0-9]{1,5}"),
    "relation": re.compile(r"noopener noreferrer"),
}
_PIECE = 5_000
_AFFORDABLE = 20_000_000  # entities of a text, times its length
_LONG_TEXT = re.compile(rf"(?:(?<=>)|^)[^<]{{{2 * _PIECE},}}+")
_ATTRIBUTES = {tag: {**RAW.get(tag, _NONE), **MADE.get(tag, _NONE)} for tag in {*RAW, *MADE}}


def fits(kind: str, value: str) -> bool:
    """Whether an attribute's value is of its kind."""
    match kind:
        case "text":
            return True
        case "link":
            return is_link(value)
        case "image":
            return is_embedded_image(value)
        case "id":
            return is_anchor(value)
        case _:
            return _PATTERNS[kind].fullmatch(value) is not None


def sanitise(html: str) -> str:
    """`html` with nothing in it but what the tables allow, well formed, every link without opener and referrer.

    Parameters
    ----------
    html : a fragment in which `<` and `>` stand for tags alone, as our renderer writes it.
    """
    return _cleaner().clean(_LONG_TEXT.sub(_in_pieces, html))


def _in_pieces(found: re.Match[str]) -> str:
    """A long text with elements in between, since html5ever is quadratic in the entities of one text."""
    text, pieces, start = found[0], [], 0
    if text.count("&") * len(text) < _AFFORDABLE:
        return text
    while (end := start + _PIECE) < len(text):
        entity = text.rfind("&", end - 40, end)  # not within `&amp;`
        end = end if entity < 0 or ";" in text[entity:end] else entity
        pieces.append(text[start:end])
        start = end
    return "<span></span>".join([*pieces, text[start:]])


def _filter(element: str, attribute: str, value: str) -> str | None:
    kind = _ATTRIBUTES.get(element, _NONE).get(attribute)
    return value if kind is not None and fits(kind, value) else None


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(_ATTRIBUTES),
        clean_content_tags={"script", "style"},
        # nh3 writes `rel` itself, and wants nobody else to
        attributes={tag: set(attributes) - {"rel"} for tag, attributes in _ATTRIBUTES.items() if attributes},
        attribute_filter=_filter,
        link_rel="noopener noreferrer",
        url_schemes={"http", "https", "mailto", "data"},
        url_relative=lambda url: url if url.startswith("#") else None,
    )
