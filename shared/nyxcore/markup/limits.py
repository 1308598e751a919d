"""What keeps a hostile document from costing more than its size: limits, and what stands in their place.

markdown-it-py is linear in most documents, quadratic in some lines, and slow where every character means something; the
figures behind each limit are in `docs/markup.md`. All of them count work and none the clock, so that the same document
always comes out the same. Nothing is lost where one is met: the text is shown as it was written, with a note.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.parser_block import RuleFuncBlockType
from markdown_it.rules_block import StateBlock, html_block, reference, table
from markdown_it.rules_core import StateCore

from nyxcore.errors import MarkdownTooLarge
from nyxcore.markup.autolinks import link_emails
from nyxcore.markup.wording import Phrase

MAX_CHARACTERS = 8_000_000  # of a document
MAX_LINES = 500_000
MAX_HTML = 40_000_000  # characters of what it becomes
MAX_INLINE = 20_000  # characters of one paragraph, heading or cell, an image counting as a few
MAX_MARKS = 300_000  # characters of all of them that may begin markup
MAX_REFERENCE = 2_000  # characters of `[label]: address "title"`
MAX_DEPTH = 30  # quotes and list items inside of each other, a list item counting as two
MAX_BLOCK_TOKENS = 400_000  # a paragraph is three, a table's cell as well
MAX_STEPS = 1_000_000  # lines looked at, those of a quote or list once for each level

_CONTAINERS = ["paragraph", "reference", "blockquote"]
LIMITS: dict[Phrase, int] = {
    "too_long": MAX_INLINE,
    "too_deep": MAX_DEPTH,
    "too_many_blocks": MAX_BLOCK_TOKENS,
    "too_many_marks": MAX_MARKS,
}
_MARKS = re.compile(r"[\n\\`~*_\[!<&@:]")


def within(count: int, limit: int, what: str) -> None:
    """Refuse a document that has more than `limit` of `what`.

    Raises
    ------
    MarkdownTooLarge
    """
    if count > limit:
        raise MarkdownTooLarge(f"the Markdown has {count:,} {what}; at most {limit:,} are taken, so split it")


def html_within(characters: int) -> None:
    """Refuse a document that becomes more HTML than a page could hold.

    Raises
    ------
    MarkdownTooLarge
    """
    within(characters, MAX_HTML, "characters once it is HTML")


def install(md: MarkdownIt) -> None:
    """Make `md` keep to the limits."""
    md.options["maxNesting"] = MAX_DEPTH + 5  # beyond this markdown-it drops text; `_too_much` comes first
    md.block.ruler.before(
        "table", "too_much", _too_much, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    for name, rule, interrupts in (
        ("table", table, ["paragraph", "reference"]),
        ("html_block", html_block, _CONTAINERS),
    ):
        md.block.ruler.at(name, _shorter(rule), {"alt": interrupts})
    md.block.ruler.at("reference", _reference)
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


def _shorter(rule: RuleFuncBlockType) -> RuleFuncBlockType:
    """`rule` for lines that are not too long, since it takes a hundred times their memory."""

    def guarded(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
        length = state.eMarks[start_line] - state.bMarks[start_line]
        return length <= MAX_INLINE and rule(state, start_line, end_line, silent)

    return guarded


def _reference(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A link's definition, unless it is so long that the document would explode where it is used a thousand times."""
    known = len(state.env.get("references", ()))
    if not reference(state, start_line, end_line, silent):
        return False
    if silent or state.eMarks[state.line - 1] - state.bMarks[start_line] <= MAX_REFERENCE:
        return True
    if len(state.env["references"]) > known:
        state.env["references"].popitem()
    state.line = start_line
    return False


def _inline(state: StateCore) -> None:
    """Parse what is short enough; leave the rest as it was written."""
    left = MAX_MARKS
    for index, token in enumerate(state.tokens):
        if token.type != "inline":
            continue
        too_long = len(token.content) > MAX_INLINE
        marks = 0 if too_long else len(_MARKS.findall(token.content))
        if not too_long and marks <= left:
            left -= marks
            children = state.md.inline.parse(token.content, state.md, state.env, [])
            token.children = link_emails(state.md, children) if "@" in token.content else children
            continue
        token.type, token.tag = "plain", "pre"
        token.info = "too_long" if too_long else "too_many_marks" if left >= 0 else ""
        left = left if too_long else -1  # from here on, not here and there; said once
        for neighbour in (state.tokens[index - 1], state.tokens[index + 1]):
            neighbour.hidden = neighbour.hidden or neighbour.tag == "p"
