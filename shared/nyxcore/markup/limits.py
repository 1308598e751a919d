"""What keeps a hostile document from costing more than its size: limits, and what stands in their place.

markdown-it-py is linear in most documents, quadratic in some lines, and slow where every character means something; the
figures behind each limit are in `docs/markup.md`. All of them count work and none the clock, so that the same document
always comes out the same. Nothing is lost where one is met: the text is shown as it was written, with a note.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore

from nyxcore.markup.autolinks import link_emails
from nyxcore.markup.wording import Phrase

MAX_CHARACTERS = 8_000_000  # of a document
MAX_LINES = 500_000
MAX_HTML = 40_000_000  # characters of what it becomes
MAX_INLINE = 20_000  # characters of one paragraph, heading or cell, without those of images that it carries
MAX_MARKS = 400_000  # characters of all of them that may begin markup
MAX_DEPTH = 30  # quotes and list items inside of each other, a list item counting as two
MAX_BLOCK_TOKENS = 400_000  # a paragraph is three, a table's cell as well
MAX_STEPS = 1_000_000  # lines looked at, those of a quote or list once for each level

LIMITS: dict[Phrase, int] = {
    "too_long": MAX_INLINE,
    "too_deep": MAX_DEPTH,
    "too_many_blocks": MAX_BLOCK_TOKENS,
    "too_many_marks": MAX_MARKS,
}
_MARKS = re.compile(r"[\n\\`~*_\[!<&@:]")
_IMAGE = re.compile(r"data:image/\w+;base64,[A-Za-z0-9+/=]+")


def install(md: MarkdownIt) -> None:
    """Make `md` keep to the limits."""
    md.options["maxNesting"] = MAX_DEPTH + 5  # beyond this markdown-it drops text; `_too_much` comes first
    md.block.ruler.before(
        "table", "too_much", _too_much, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    md.core.ruler.at("inline", _inline)


def _too_much(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Take the rest of a container as it was written if it stands too deep, or if the document has cost too much.

    As the first rule, and one that may end any block, it is asked once for each line and level: that is the count.
    """
    state.env["steps"] = steps = state.env.get("steps", 0) + 1
    over = steps > MAX_STEPS or len(state.tokens) > MAX_BLOCK_TOKENS
    if silent or not (over or state.level >= MAX_DEPTH):
        return over
    line = start_line + 1
    while line < end_line and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
    token = state.push("plain", "pre", 0)
    token.content = state.getLines(start_line, line, state.blkIndent, False)
    token.info = "too_many_blocks" if over else "too_deep"
    token.map = [start_line, line]
    state.line = line
    return True


def _inline(state: StateCore) -> None:
    """Parse what is short enough; leave the rest as it was written."""
    left = MAX_MARKS
    for index, token in enumerate(state.tokens):
        if token.type != "inline":
            continue
        short = len(token.content) <= MAX_INLINE or _short_without_images(token.content)
        marks = len(_MARKS.findall(token.content)) if short else 0
        if short and marks <= left:
            left -= marks
            children = state.md.inline.parse(token.content, state.md, state.env, [])
            token.children = link_emails(state.md, children) if "@" in token.content else children
            continue
        left = -1 if short else left  # from here on, not here and there
        token.info = "too_many_marks" if short else "too_long"
        token.type, token.tag = "plain", "pre"
        for neighbour in (state.tokens[index - 1], state.tokens[index + 1]):
            neighbour.hidden = neighbour.hidden or neighbour.tag == "p"


def _short_without_images(text: str) -> bool:
    """Whether only its images make it long, and reading it costs no more than the longest text that has none.

    At each mark all that follows may be looked at. The images themselves have a limit of their own (`images`).
    """
    rest = _IMAGE.sub("", text)
    return len(rest) <= MAX_INLINE and len(_MARKS.findall(rest)) * len(text) <= MAX_INLINE**2
