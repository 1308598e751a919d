"""markdown-it's inline parser, asked only where something can be.

markdown-it-py tries each of its dozen rules at each character that could mean something to any extension. Here a rule
is tried at the characters that it begins with, and text is passed over up to the next of those: the same rules, the
same order, the same tokens (the examples of CommonMark hold it to that), in half of the time.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline, RuleFuncInlineType
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType

# the characters at which each rule may match; a rule that is missing here is never asked
_BEGINNINGS = {
    "newline": "\n",
    "escape": "\\",
    "backticks": "`",
    "strikethrough": "~",
    "emphasis": "*_",
    "link": "[",
    "image": "!",
    "footnote_ref": "[",
    "autolink": "<",
    "html_inline": "<",
    "entity": "&",
    "bare_www": "w",
    "bare_url": ":",
}
# `]` begins nothing and ends the label of a link; `w` and `:` matter before and after very few letters
_STOP = re.compile(r"[\n\\`~*_\[\]!<&]|w(?=ww\.)|(?:(?<=(?i:http))|(?<=(?i:https))|(?<=(?i:ftp))):(?=//)")


class Inline(ParserInline):
    """Parses the content of paragraphs, headings and cells."""

    def __init__(self) -> None:
        super().__init__()
        self._dispatch: dict[str, list[RuleFuncInlineType]] = {}

    def ready(self) -> None:
        """Learn the rules that are enabled; to be called after the last change of them."""
        names, rules = self.ruler.get_active_rules(), self.ruler.getRules("")
        self._dispatch = {}
        for name, rule in zip(names, rules, strict=True):
            for character in _BEGINNINGS.get(name, ""):
                self._dispatch.setdefault(character, []).append(rule)

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        """Append to `tokens` what `src` consists of."""
        if _STOP.search(src) is None:
            if src:
                tokens.append(Token("text", "", 0, content=src))
            return tokens
        return super().parse(src, md, env, tokens)

    def tokenize(self, state: StateInline) -> None:
        """Read `state` up to its end."""
        src, end, deepest = state.src, state.posMax, state.md.options.maxNesting
        while (position := state.pos) < end:
            stop = _STOP.search(src, position, end)
            here = stop.start() if stop else end
            if here > position:
                state.append_pending(src[position:here])
                state.pos = here
                continue
            if state.level < deepest and any(
                rule(state, False) for rule in self._dispatch.get(src[here], ())
            ):
                continue
            state.append_pending(src[here])
            state.pos = here + 1
        if state.pending:
            state.pushPending()

    def skipToken(self, state: StateInline) -> None:  # noqa: N802 markdown-it's name
        """Go past the next token without making one."""
        position = state.pos
        if (known := state.cache.get(position)) is not None:
            state.pos = known
            return
        stop = _STOP.search(state.src, position, state.posMax)
        here = stop.start() if stop else state.posMax
        if here > position:
            state.pos = here
        elif state.level >= state.md.options.maxNesting:
            state.pos = state.posMax + 1  # as markdown-it does: no link may begin this deep
        else:
            state.level += 1
            if not any(rule(state, True) for rule in self._dispatch.get(state.src[here], ())):
                state.pos += 1
            state.level -= 1
        state.cache[position] = state.pos
