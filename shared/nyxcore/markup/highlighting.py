"""Code coloured at build time, with Pygments' classes.

Many of Pygments' lexers are quadratic in some input (`docs/markup.md` has the figures), and no time limit gives the
same result twice. So only languages that were tried are coloured, only blocks of an ordinary size and shape, and only
so much of a document. What is beyond stays what it is, without colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from markdown_it.common.utils import escapeHtml

from nyxcore.markup.characters import shown_in_code

if TYPE_CHECKING:
    from pygments.lexer import Lexer

# Pygments' first alias of each; its other aliases (`py`, `js`, `yml`, `sh`) find the same
LANGUAGES = frozenset(
    {
        *(
            "bash",
            "c",
            "console",
            "cpp",
            "css",
            "docker",
            "go",
            "html",
            "ini",
            "javascript",
            "json",
            "kotlin",
        ),
        *("make", "php", "python", "ruby", "rust", "scss", "sql", "terraform", "toml", "tsx", "typescript"),
        *("xml", "yaml"),
    }
)
SLOW = frozenset({"csharp", "java"})  # coloured as well, by stricter limits
MAX_CHARACTERS = 10_000  # of one block
MAX_SLOW_CHARACTERS = 2_000
MAX_TOTAL = 200_000  # characters of all blocks of a document, those of slow languages five-fold
_ODD_SHAPE = re.compile(r"[^\n]{401}|\n(?:[^\S\n]*+\n){5}")  # a long line, many empty ones
_DIFF = {"+": "gi", "-": "gd", "@": "gu"}
_DIFF_HEADERS = ("diff ", "index ")
_NAMES = ("--- ", "+++ ")  # how the two lines begin that name the files


class Highlighter:
    """Colours the code of one document, up to its limits."""

    def __init__(self) -> None:
        self._left = MAX_TOTAL

    def html(self, source: str, language: str) -> str:
        """`source` as a `<pre>`: coloured if its language is known and it is within the limits, or is a diff."""
        language = language.lower()
        if language in ("diff", "patch"):
            return _highlighted("".join(_diff(source)))
        if language and len(source) <= min(MAX_CHARACTERS, self._left) and not _ODD_SHAPE.search(source):
            lexer = _lexer(language)
            slow = lexer is not None and lexer.aliases[0] in SLOW
            cost = len(source) * (5 if slow else 1)
            if lexer is not None and cost <= self._left and not (slow and len(source) > MAX_SLOW_CHARACTERS):
                self._left -= cost
                return _highlighted("".join(_spans(lexer, source)))
        return f"<pre><code>{shown_in_code(escapeHtml(source))}</code></pre>\n"


def _highlighted(html: str) -> str:
    return f'<pre class="highlight"><code>{html}</code></pre>\n'


def _diff(source: str) -> Iterator[str]:
    """A diff is read line by line, whatever its size."""
    lines = source.removesuffix("\n").split("\n")
    for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        # "--- " names a file only above "+++ ": else a line that began with "-- " was removed
        names = (line[:4], after[:4]) == _NAMES or (before[:4], line[:4]) == _NAMES
        kind = "gh" if names or line.startswith(_DIFF_HEADERS) else _DIFF.get(line[:1])
        shown = shown_in_code(escapeHtml(line))
        yield f'<span class="{kind}">{shown}</span>\n' if kind else f"{shown}\n"


def _spans(lexer: Lexer, source: str) -> Iterator[str]:
    from pygments.token import STANDARD_TYPES

    for kind, text in lexer.get_tokens(source):
        name = STANDARD_TYPES.get(kind, "")
        shown = shown_in_code(escapeHtml(text))
        yield f'<span class="{name}">{shown}</span>' if name and not text.isspace() else shown


@cache
def _known() -> dict[str, str]:
    """Every alias of a language that is coloured, and the alias that names it."""
    from pygments.lexers import get_all_lexers

    return {
        alias: aliases[0]
        for _, aliases, _, _ in get_all_lexers(plugins=False)
        if aliases and aliases[0] in LANGUAGES | SLOW
        for alias in aliases
    }


@cache
def _lexer_named(name: str) -> Lexer:
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


def _lexer(language: str) -> Lexer | None:
    name = _known().get(language)
    return _lexer_named(name) if name else None
