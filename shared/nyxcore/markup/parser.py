"""The parsers: CommonMark alone, and CommonMark with what GFM and reports add."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

from nyxcore.markup import limits
from nyxcore.markup.renderer import Renderer


def commonmark() -> MarkdownIt:
    """CommonMark 0.31.2 and nothing else."""
    return MarkdownIt("commonmark")


@cache
def extended() -> MarkdownIt:
    """CommonMark with tables, task lists, strikethrough, autolinks, footnotes and alerts; raw HTML as it stands."""
    md = MarkdownIt("commonmark", renderer_cls=Renderer)
    md.enable(["table", "strikethrough"])
    md.options.update(tasklists=True, alerts=True, strikethrough_single_tilde=True)
    gfm_autolink_plugin(md)
    footnote_plugin(md, inline=False)
    limits.install(md)
    return md
