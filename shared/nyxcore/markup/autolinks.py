"""Addresses that stand in the text without brackets: GFM 6.9, each in time linear in its own length."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_BEFORE = frozenset(" \t\r\n\v\f*_~(")
_DOMAIN = re.compile(r"(?:[^\W_]|[-_.]){1,255}+(?![\w.-])")
_REST = re.compile(r"[^\s<]*")
_TRAILING = frozenset("?!.,:*_~'\"")
_ENTITY = re.compile(r"&[A-Za-z0-9]+;$")
_SCHEMES = ("https", "http", "ftp")
_EMAIL = re.compile(
    r"(?<![\w.+/-])(mailto:|(xmpp:))?[A-Za-z0-9._+-]{1,200}@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+"
    r"(?(2)(?:/[A-Za-z0-9@.]{0,200}[A-Za-z0-9])?)"
)


def install(md: MarkdownIt) -> None:
    """Let `md` link bare `www.`, `http://`, `https://` and `ftp://` addresses; `link_emails` does those of mail."""
    md.inline.ruler.push("bare_www", _www)
    md.inline.ruler.push("bare_url", _url)


def link_emails(md: MarkdownIt, tokens: list[Token]) -> list[Token]:
    """The inline tokens with bare addresses of e-mail and of XMPP linked.

    As in GitHub's own parser this comes after everything else, since `_` in an address was taken for emphasis first.
    """
    linked: list[Token] = []
    inside = 0
    for token in tokens:
        inside += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type != "text" or inside or "@" not in token.content:
            linked.append(token)
            continue
        done = 0
        for match in _EMAIL.finditer(token.content):
            if match[0][-1] in "-_":
                continue
            linked.append(Token("text", "", 0, content=token.content[done : match.start()]))
            linked += _link(match[0] if match[1] else f"mailto:{match[0]}", match[0])
            done = match.end()
        linked.append(Token("text", "", 0, content=token.content[done:]))
    return linked


def _www(state: StateInline, silent: bool) -> bool:
    return _bare(state, silent, state.pos, "http://", 0)


def _url(state: StateInline, silent: bool) -> bool:
    before = state.src[max(0, state.pos - len(_SCHEMES[0])) : state.pos].lower()
    behind = len(next(scheme for scheme in _SCHEMES if before.endswith(scheme)))
    return _bare(state, silent, state.pos - behind, "", behind)


def _bare(state: StateInline, silent: bool, start: int, prefix: str, behind: int) -> bool:
    """Link the address that begins at `start`, of which `behind` characters have been read as text already."""
    if silent or state.linkLevel or (start and state.src[start - 1] not in _BEFORE):
        return False
    host = _DOMAIN.match(state.src, start + behind + 3 if behind else start, state.posMax)
    if host is None or not _is_domain(host[0], short=bool(behind)):
        return False
    rest = _REST.match(state.src, host.end(), state.posMax)
    address = _trimmed(state.src[start : rest.end() if rest else host.end()])
    target = state.md.normalizeLink(prefix + address)
    if len(address) <= behind + 3 or not state.md.validateLink(target):
        return False
    if behind:
        state.pending = state.pending[:-behind]
    for token in _link(target, state.md.normalizeLinkText(address)):
        pushed = state.push(token.type, token.tag, token.nesting)
        pushed.attrs, pushed.content, pushed.markup, pushed.info = (
            token.attrs,
            token.content,
            "autolink",
            "auto",
        )
    state.pos = start + len(address)
    return True


def _link(target: str, text: str) -> list[Token]:
    return [
        Token("link_open", "a", 1, attrs={"href": target}, markup="autolink", info="auto"),
        Token("text", "", 0, content=text),
        Token("link_close", "a", -1, markup="autolink", info="auto"),
    ]


def _is_domain(host: str, *, short: bool) -> bool:
    """Segments of letters, digits, `-` and `_`, no `_` in the last two; one period at least unless `short`."""
    segments = host.rstrip(".").split(".")
    return (short or len(segments) > 1) and not any("_" in segment for segment in segments[-2:])


def _trimmed(address: str) -> str:
    """`address` without the punctuation that belongs to the sentence around it."""
    end = len(address)
    surplus = address.count(")") - address.count("(")
    while end:
        last = address[end - 1]
        if last == ")" and surplus > 0:
            surplus -= 1
            end -= 1
        elif last in _TRAILING:
            end -= 1
        elif last == ";":
            entity = _ENTITY.search(address, max(0, end - 40), end)
            end = entity.start() if entity else end - 1
        else:
            break
    return address[:end]
