"""Reads SQL far enough to tell statements apart and to see which of them destroy something.

Not a parser: a scanner of PostgreSQL's lexical structure (manual, section 4.1) that knows comments (nested ones
too), string constants, quoted identifiers and dollar quotes, so that a word inside one of them is not taken for
a keyword. What it judges, it judges on the side of caution: a marker comment overrules it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from nyxcore.errors import InvalidInput

type Kind = Literal["word", "name", "string", "comment", "symbol"]

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<line>--[^\n]*)
    | (?P<block>/\*)
    | (?P<escape>[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*')
    | (?P<name>(?:[uU]&)?"(?:[^"]|"")*")
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
    | (?P<number>\d[\w.]*)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_MARKER = re.compile(r"--\s*destructive:\s*\S")
# after DROP, these take away no data and no protection
_HARMLESS_DROPS = {"not", "default", "expression", "identity"}
_TRANSACTION_WORDS = {"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "prepare"}


@dataclass(frozen=True)
class Token:
    """A piece of SQL; a word is in lower case, a string is without its quotes."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Statement:
    """One statement: its tokens without comments, its comments, the line (from 1) on which it begins."""

    line: int
    tokens: list[Token] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """The words outside quotes, in lower case; quoted names and constants stand as an empty string."""
        return [token.text if token.kind in ("word", "symbol") else "" for token in self.tokens]

    @property
    def marked(self) -> bool:
        """Whether a comment `-- destructive: <reason>` allows it."""
        return any(_MARKER.match(comment) for comment in self.comments)


def split(text: str) -> list[Statement]:
    """The statements of an SQL text, in order.

    Raises
    ------
    InvalidInput : a quote or comment is never closed.
    """
    statements: list[Statement] = []
    open_: Statement | None = None
    comments: list[str] = []
    for token, line in _scan(text):
        if token.kind == "comment":
            (open_.comments if open_ else comments).append(token.text)
        elif token == Token("symbol", ";"):
            if open_:
                statements.append(open_)
            open_, comments = None, []
        else:
            if open_ is None:
                open_, comments = Statement(line, comments=comments), []
            open_.tokens.append(token)
    return [*statements, open_] if open_ else statements


def destruction(statement: Statement) -> str | None:
    """What an unmarked statement destroys, in words; None when nothing, or when its marker allows it."""
    return None if statement.marked else _destroys(statement.tokens)


def controls_transaction(statement: Statement) -> bool:
    """Whether the statement begins, ends or divides a transaction."""
    return bool(statement.words) and statement.words[0] in _TRANSACTION_WORDS


def _destroys(tokens: list[Token]) -> str | None:
    words = [token.text if token.kind in ("word", "symbol") else "" for token in tokens]
    if not words or words[0] in ("grant", "comment"):
        return None
    pairs = list(zip(words, [*words[1:], ""], strict=True))
    for first, second in pairs:
        if first == "drop" and second not in _HARMLESS_DROPS:
            return f"DROP {second}".upper().strip()
        if first == "truncate" and words[:2] != ["create", "trigger"]:
            return "TRUNCATE"
        if first == "disable" and second == "row":
            return "DISABLE ROW LEVEL SECURITY"
        if first == "no" and second == "force":
            return "NO FORCE ROW LEVEL SECURITY"
        if first == "delete" and second == "from" and "where" not in words:
            return "DELETE without WHERE"
    if words[0] == "alter" and ("rename" in words or _changes_a_type(words)):
        return "RENAME" if "rename" in words else "ALTER TYPE"
    if words[0] == "do" or "function" in words or "procedure" in words:
        return _destroys_inside(tokens)
    return None


def _changes_a_type(words: list[str]) -> bool:
    """ALTER TABLE .. ALTER [COLUMN] name [SET DATA] TYPE, and ALTER TYPE in any form but ADD."""
    if words[1:2] == ["type"]:
        return "add" not in words
    for position, word in enumerate(words[1:], start=1):
        if word == "alter":
            rest = words[position + 1 :]
            rest = rest[1:] if rest[:1] == ["column"] else rest
            if rest[1:2] == ["type"] or rest[1:4] == ["set", "data", "type"]:
                return True
    return False


def _destroys_inside(tokens: list[Token]) -> str | None:
    """A block's body, and the strings that it may EXECUTE, are SQL again."""
    for token in tokens:
        if token.kind == "string":
            for inner in _inner(token.text):
                found = _destroys(inner) or _destroys_inside(inner)
                if found:
                    return found
    return None


def _inner(text: str) -> list[list[Token]]:
    try:
        return [statement.tokens for statement in split(text)]
    except InvalidInput:  # prose with an apostrophe; or SQL put together from pieces, whose words still tell
        return [[Token("word", word.lower()) for word in text.split()]]


def _scan(text: str) -> Iterator[tuple[Token, int]]:
    position, line = 0, 1
    while match := _TOKEN.match(text, position):  # its last alternative takes any character
        kind, found = match.lastgroup, match.group()
        end = match.end()
        if kind == "block":
            end = _end_of_comment(text, position, line)
            yield Token("comment", text[position:end]), line
        elif kind == "line":
            yield Token("comment", found), line
        elif kind == "dollar":
            end = text.find(found, end) + len(found)
            if end < len(found):
                raise InvalidInput(f"line {line}: the quote {found} is never closed")
            yield Token("string", text[match.end() : end - len(found)]), line
        elif kind in ("string", "escape"):
            yield Token("string", found[found.index("'") + 1 : -1].replace("''", "'")), line
        elif kind == "name":
            yield Token("name", found), line
        elif kind == "word":
            yield Token("word", found.lower()), line
        elif kind != "space":
            if found in ("'", '"'):
                raise InvalidInput(f"line {line}: the quote {found} is never closed")
            yield Token("symbol", found), line
        line += text.count("\n", position, end)
        position = end


def _end_of_comment(text: str, position: int, line: int) -> int:
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(text, position):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    raise InvalidInput(f"line {line}: the comment /* is never closed")
