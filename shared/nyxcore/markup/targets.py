"""Where a document may point: addresses that a reader may follow, ids inside of it, images in it."""

from __future__ import annotations

import re

_LINK = re.compile(r"(?:https?://[^\s/]|mailto:[^\s])[^\s\x00-\x1f]*", re.IGNORECASE)
_ANCHOR = re.compile(r"(?:section|note|noteref)-[^\s\"'<>&#]{1,120}")
_FRAGMENT = re.compile(r"#(?:section|note|noteref)-[^\s\"'<>&#]{1,400}")
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")

SECTION = "section-"


def is_link(url: str) -> bool:
    """Whether `url` is one that a reader may follow: http, https, mailto, or an id of the document's own."""
    return (_FRAGMENT if url.startswith("#") else _LINK).fullmatch(url) is not None


def is_anchor(value: str) -> bool:
    """Whether `value` is an id that the conversion gives out."""
    return _ANCHOR.fullmatch(value) is not None


def is_remote(url: str) -> bool:
    """Whether `url` leads out of the document over HTTP."""
    return _LINK.fullmatch(url) is not None and url[:4].lower() == "http"


def is_embedded_image(url: str) -> bool:
    """Whether `url` carries a raster image in itself."""
    return _IMAGE.fullmatch(url) is not None


def resolve(url: str) -> str | None:
    """The address for a link that the document writes as `url`; None when it leads nowhere that a reader may go.

    A fragment means a heading of this document, as on GitHub: `#findings` becomes `#section-findings`. So no link of a
    document reaches an element of the page around it.
    """
    if url.startswith("#"):
        url = f"#{SECTION}{url[1:]}"
    return url if is_link(url) else None
