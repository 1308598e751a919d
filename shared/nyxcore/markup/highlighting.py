"""Code coloured at build time, with Pygments' classes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from markdown_it.common.utils import escapeHtml

from nyxcore.markup.characters import shown_in_code

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MAX_CHARACTERS = 60_000  # of one block
MAX_TOTAL_CHARACTERS = 1_000_000  # of all blocks of a document


class Highlighter:
    """Colours the code of one document, up to its limits; what goes beyond stays plain."""

    def __init__(self) -> None:
        self._left = MAX_TOTAL_CHARACTERS

    def html(self, source: str, language: str) -> str:
        """`source` as a `<pre>`, coloured if its language is known and it is within the limits."""
        lexer = (
            _lexer(language.lower()) if language and len(source) <= min(MAX_CHARACTERS, self._left) else None
        )
        if lexer is None:
            return f"<pre><code>{shown_in_code(escapeHtml(source))}</code></pre>\n"
        self._left -= len(source)
        return f'<pre class="highlight"><code>{"".join(_spans(lexer, source))}</code></pre>\n'


def _spans(lexer: Lexer, source: str) -> Iterator[str]:
    from pygments.token import STANDARD_TYPES

    for kind, text in lexer.get_tokens(source):
        name = STANDARD_TYPES.get(kind, "")
        shown = shown_in_code(escapeHtml(text))
        yield f'<span class="{name}">{shown}</span>' if name else shown


@cache
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
