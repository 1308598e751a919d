"""Raw HTML of a document: harmless tags stay, everything else is shown as the text that it is.

Every tag is written anew from the allow-list, without `class`, `id` or `data-*`, so that a document cannot forge what
the conversion makes. A tag counts only with its partner in the same container of the document (`</div>` cannot close
what it did not open, depth is bounded); one without is text, as `List<T>` should be. An inline element that nothing
ends, such as `<strong>`, ends with its paragraph: GFM's own example wants it. One of a single letter is text even
then: `cp <a> <b>` names two files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape

from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

from nyxcore.markup.allowlist import RAW, fits
from nyxcore.markup.targets import resolve

MAX_DEPTH = 40  # raw elements inside of each other
VOID = frozenset({"br", "hr", "img", "wbr"})
# HTML lets their end tag be left out where the next of them, or the parent's end, says it
_END_OPTIONAL = frozenset({"dd", "dt", "li", "p", "rp", "rt", "tbody", "td", "tfoot", "th", "thead", "tr"})

_ATTRIBUTE = r"\s++[A-Za-z_:][A-Za-z0-9_.:-]*+(?:\s*+=\s*+(?:[^\s\"'=<>`]++|'[^']*+'|\"[^\"]*+\"))?+"
_TAG = re.compile(rf"<(/?)([A-Za-z][A-Za-z0-9-]*+)((?>{_ATTRIBUTE}){{0,50}}+)\s*+/?>")
_PAIR = re.compile(r"([A-Za-z_:][A-Za-z0-9_.:-]*+)(?:\s*+=\s*+([^\s\"'=<>`]++|'[^']*+'|\"[^\"]*+\"))?+")

INLINE = frozenset(
    {"abbr", "cite", "code", "del", "dfn", "em", "ins", "kbd", "mark", "samp", "small", "span"}
) | {*("strong", "sub", "sup", "tt", "var")}
# what may hold paragraphs; all else ends in the paragraph or HTML block in which it began
_CONTAINERS = _END_OPTIONAL | {
    *("blockquote", "caption", "details", "div", "dl", "ol", "summary", "table", "ul")
}

type ImageWriter = Callable[[str, str, str], str]


@dataclass(slots=True)
class _Piece:
    """A stretch of raw HTML: its source, and the markup to write for it if it is accepted (None: text)."""

    source: str
    name: str = ""
    closes: bool = False
    markup: str | None = None
    accepted: bool = False

    def html(self) -> str:
        return self.markup if self.accepted and self.markup is not None else escapeHtml(unescape(self.source))


def rewrite(tokens: list[Token], image: ImageWriter) -> None:
    """Replace the content of every raw-HTML token of a document by safe HTML.

    Parameters
    ----------
    tokens : the document's tokens, changed in place.
    image : gives the HTML for an image with a source, an alternative text and the attributes to keep.
    """
    raw: list[tuple[Token, list[_Piece]]] = []
    scopes: list[list[_Piece]] = [[]]
    for token in tokens:
        if token.nesting > 0:
            scopes.append([])
        elif token.nesting < 0:
            scopes.pop()
        elif token.type == "html_block":
            raw.append((token, list(_pieces(token.content, image))))
            _pair(raw[-1][1], scopes[-1])
            scopes[-1] = [piece for piece in scopes[-1] if piece.name in _CONTAINERS]
        elif token.type == "inline" and "<" in token.content:
            token.children = _inline(token.children or [], image, raw)
    for token, pieces in raw:
        html = "".join(piece.html() for piece in pieces)
        if token.type == "html_block" and pieces and not any(piece.accepted for piece in pieces):
            html = f"<pre>{html}</pre>\n"
        token.type, token.content = "made", html


def _inline(children: list[Token], image: ImageWriter, raw: list[tuple[Token, list[_Piece]]]) -> list[Token]:
    """The tokens of a paragraph, heading or cell with an end for what is left open; adds its raw HTML to `raw`."""
    ended: list[Token] = []
    scopes: list[list[_Piece]] = [[]]
    for token in children:
        if token.nesting < 0:
            ended += _ends(scopes.pop())
        ended.append(token)
        if token.nesting > 0:
            scopes.append([])
        elif token.type == "html_inline":
            raw.append((token, list(_pieces(token.content, image))))
            _pair(raw[-1][1], scopes[-1])
    return ended + _ends(scopes[0])


def _ends(open_pieces: list[_Piece]) -> list[Token]:
    html = _accept_open([piece for piece in open_pieces if piece.name in INLINE])
    return [Token("made", "", 0, content=html)] if html else []


def _accept_open(open_pieces: list[_Piece]) -> str:
    """The end tags of those that end where nobody ends them."""
    for piece in open_pieces:
        piece.accepted = piece.name in _END_OPTIONAL or piece.name in INLINE
    return "".join(f"</{piece.name}>" for piece in reversed(open_pieces) if piece.name in INLINE)


def _pair(pieces: list[_Piece], open_pieces: list[_Piece]) -> None:
    """Accept each tag that has its partner; `open_pieces` are those that still wait for theirs."""
    for piece in pieces:
        if piece.markup is None:
            continue
        if not piece.name:
            piece.accepted = True
        elif piece.closes:
            _close(piece, open_pieces)
        elif len(open_pieces) < MAX_DEPTH:
            open_pieces.append(piece)


def _close(piece: _Piece, open_pieces: list[_Piece]) -> None:
    for index in range(len(open_pieces) - 1, -1, -1):
        if open_pieces[index].name == piece.name:
            piece.markup = _accept_open(open_pieces[index + 1 :]) + f"</{piece.name}>"
            piece.accepted = open_pieces[index].accepted = True
            del open_pieces[index:]
            return


def _pieces(source: str, image: ImageWriter) -> Iterator[_Piece]:
    """Tags, comments and the text between them."""
    position = done = 0
    comments = "-->" in source
    while (position := source.find("<", position)) >= 0:
        piece: _Piece | None = None
        if comments and source.startswith("<!--", position):
            end = source.find("-->", position + 2)
            comments = end >= 0
            piece = _Piece(source[position : end + 3], markup="") if comments else None
        elif tag := _TAG.match(source, position):
            piece = _tag(tag, image)
        if piece is None:
            position += 1
            continue
        if done < position:
            yield _Piece(source[done:position])
        yield piece
        position = done = position + len(piece.source)
    if done < len(source):
        yield _Piece(source[done:])


def _tag(tag: re.Match[str], image: ImageWriter) -> _Piece:
    name = tag[2].lower()
    if name not in RAW:
        return _Piece(tag[0])
    if tag[1]:
        return _Piece(tag[0], name, closes=True, markup=f"</{name}>") if name not in VOID else _Piece(tag[0])
    kept = {}
    for attribute, quoted in _PAIR.findall(tag[3]):
        kind = RAW[name].get(attribute.lower())
        if kind is not None and attribute.lower() not in kept:
            kept[attribute.lower()] = _value(kind, quoted)
    if name == "img":
        sizes = _written({key: kept.get(key) for key in ("title", "width", "height")}, name)
        return _Piece(tag[0], markup=image(kept.get("src") or "", kept.get("alt") or "", sizes))
    return _Piece(tag[0], "" if name in VOID else name, markup=f"<{name}{_written(kept, name)}>")


def _value(kind: str, quoted: str) -> str | None:
    value = unescape(quoted[1:-1] if quoted[:1] in ('"', "'") else quoted)
    if kind == "flag":
        return ""
    if kind == "link":
        return resolve("".join(value.split()))
    return value


def _written(attributes: dict[str, str | None], name: str) -> str:
    return "".join(
        f' {key}="{escapeHtml(value)}"'
        for key, value in attributes.items()
        if value is not None and fits(RAW[name][key], value)
    )
