"""The parsers: CommonMark alone, and CommonMark with what GFM and reports add."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.footnote.index import footnote_ref

from nyxcore.markup import autolinks, limits
from nyxcore.markup.inline import Inline
from nyxcore.markup.renderer import Renderer

# addresses that normalising leaves as they are, which is most of them
_NORMAL = re.compile(r"(?:https?://[a-z0-9.-]+(?:/[A-Za-z0-9._~/-]*)?)?(?:#[A-Za-z0-9._~-]*)?")
# a label ends within some characters, or `[^[^[^…` would be read to its end from each of them
_REFERENCE = re.compile(r"\[\^[^\s\]]{1,200}\]")


class Parser(MarkdownIt):
    """markdown-it with our inline parser."""

    inline: Inline

    def __init__(self) -> None:
        super().__init__("commonmark", renderer_cls=Renderer)
        self.inline = Inline()
        self.configure("commonmark")

    def normalizeLink(self, url: str) -> str:  # noqa: N802 markdown-it's name
        """The address as it stands in an attribute."""
        return url if _NORMAL.fullmatch(url) else super().normalizeLink(url)


@cache
def commonmark() -> MarkdownIt:
    """CommonMark 0.31.2 and nothing else."""
    parser = Parser()
    parser.inline.ready()
    return parser


@cache
def extended() -> MarkdownIt:
    """CommonMark with tables, task lists, strikethrough, autolinks, footnotes and alerts; raw HTML as it stands."""
    parser = Parser()
    parser.enable(["table", "strikethrough"])
    parser.options.update(tasklists=True, alerts=True, strikethrough_single_tilde=True)
    autolinks.install(parser)
    footnote_plugin(parser, inline=False)
    parser.inline.ruler.at("footnote_ref", _footnote_reference)
    parser.core.ruler.before("footnote_tail", "footnote_lift", _lift_footnotes)
    limits.install(parser)
    parser.inline.ready()
    return parser


def _lift_footnotes(state: StateCore) -> None:
    """Put footnotes that are defined inside of others, or of lists and quotes, behind everything else.

    The plugin takes them out of the text, and knows no definition inside of another: it would leave the ends of lists
    behind whose beginnings it has moved.
    """
    stack: list[list[Token]] = [[]]
    lifted: list[Token] = []
    for token in state.tokens:
        if token.type == "footnote_reference_open":
            stack.append([])
        stack[-1].append(token)
        if token.type == "footnote_reference_close":
            lifted += stack.pop()
    state.tokens = stack[0] + lifted


def _footnote_reference(state: StateInline, silent: bool) -> bool:
    return _REFERENCE.match(state.src, state.pos) is not None and footnote_ref(state, silent)
