"""What keeps a hostile document from costing more than its size: limits, and what stands in their place.

markdown-it-py is linear in most documents and quadratic in some lines; the figures behind each limit are in
`docs/markup.md`. Nothing is lost where a limit is met: the text is shown as it was written, with a note.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore

MAX_CHARACTERS = 8_000_000  # of a document
MAX_INLINE = 20_000  # characters of one paragraph, heading or cell
MAX_DEPTH = 40  # quotes, lists and items inside of each other

LIMITS = {"too_long": MAX_INLINE, "too_deep": MAX_DEPTH}


def install(md: MarkdownIt) -> None:
    """Make `md` keep to the limits."""
    md.options["maxNesting"] = MAX_DEPTH + 10  # beyond this markdown-it drops text; `_too_deep` comes first
    md.block.ruler.before("table", "too_deep", _too_deep)
    md.core.ruler.at("inline", _inline)


def _too_deep(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Take all that is left of a container that stands too deep as it was written."""
    if silent or state.level < MAX_DEPTH:
        return False
    line = start_line + 1
    while line < end_line and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
    token = state.push("plain", "pre", 0)
    token.content = state.getLines(start_line, line, state.blkIndent, False)
    token.info = "too_deep"
    token.map = [start_line, line]
    state.line = line
    return True


def _inline(state: StateCore) -> None:
    """Parse what is short enough; leave the rest as it was written."""
    for index, token in enumerate(state.tokens):
        if token.type != "inline":
            continue
        if len(token.content) <= MAX_INLINE:
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)
            continue
        token.type, token.tag, token.info = "plain", "pre", "too_long"
        for neighbour in (state.tokens[index - 1], state.tokens[index + 1]):
            neighbour.hidden = neighbour.hidden or neighbour.tag == "p"
