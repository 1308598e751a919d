"""Text as it arrives: bytes that are no UTF-8, halves of characters, and characters that deceive the eye."""

from __future__ import annotations

import re

# Line and paragraph separators, and C0/C1 controls but tab, LF, CR: no reader sees them.
_SURROGATES = re.compile("[\ud800-\udfff]")
_SEPARATORS = re.compile("[\u2028\u2029]")
_CONTROLS = "\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
# Embeddings, overrides and isolates turn the order of what is read around (CVE-2021-42574).
_BIDI = "\u202a-\u202e\u2066-\u2069"
# Without a sign of their own; in code they split or join what a compiler reads otherwise than a person.
_INVISIBLE = "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u2060-\u2064\ufeff"

MAX_SIGNS = 10_000  # of a document, of a block of code; each is 35 characters long

_PROSE = re.compile(f"[{_CONTROLS}{_BIDI}]")
_CODE = re.compile(f"[{_CONTROLS}{_BIDI}{_INVISIBLE}]")
_TAG_OR_PROSE = re.compile(rf"<[a-z][^<>\"]*+(?:\"[^\"]*+\"[^<>\"]*+)*+>|[{_CONTROLS}{_BIDI}]")


def decode(content: bytes) -> str:
    """Bytes of a Markdown file as text: UTF-8, a BOM dropped, U+FFFD where they are none (Unicode 3.9, D93b)."""
    return content.decode("utf-8-sig", errors="replace")


def whole(text: str) -> str:
    """`text` without a BOM; U+FFFD for halves of characters, for NUL, and where more than `MAX_SIGNS` deceive."""
    text = _SURROGATES.sub("\ufffd", text.removeprefix("\ufeff")).replace("\0", "\ufffd")
    return _PROSE.sub("\ufffd", text) if sum(1 for _ in _PROSE.finditer(text)) > MAX_SIGNS else text


def plain(text: str) -> str:
    """`text` with the names of characters that deceive instead of them: `U+202E`."""
    return _PROSE.sub(_name, text)


def shown_in_code(html: str) -> str:
    """Escaped code with the names of characters that one does not see; U+FFFD from the `MAX_SIGNS`th on."""
    return _CODE.sub("\ufffd", _CODE.sub(_sign, html, count=MAX_SIGNS)) if _CODE.search(html) else html


def shown(html: str) -> str:
    """Sanitised HTML with the names of characters that deceive: signs in text, their plain names in attributes.

    Line and paragraph separators are spaces in prose.
    """
    html = _SEPARATORS.sub(" ", html)
    if not _PROSE.search(html):
        return html
    return _TAG_OR_PROSE.sub(
        lambda match: plain(match[0]) if match[0].startswith("<") else _sign(match), html
    )


def _name(match: re.Match[str]) -> str:
    return f"U+{ord(match[0]):04X}"


def _sign(match: re.Match[str]) -> str:
    return f'<span class="control">{_name(match)}</span>'
