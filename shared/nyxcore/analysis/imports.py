"""Unused imports that are there for a reason: ruff sees that the name is not used, and not why it stands there.

Python runs an import for its effects too. It is left alone where its failure is watched for, where it is all
that a function does, where a comment speaks of it, and where text that is no code to ruff uses the name.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nyxcore.analysis.comments import PythonComments
from nyxcore.analysis.locate import Rows
from nyxcore.analysis.models import Finding, Withheld

UNUSED_IMPORT = "ruff:F401"

# `noqa` with codes says what it is about; those for unused imports are honoured by ruff itself.
_SPEAKS_OF_IT = re.compile(
    rb"unused|side[ -]?effects?\b|\bno[ -]?qa\b(?!:[ \t]*[A-Z])|\btype:|\b(?:F401|W0611)\b|re-?export|\bexport|\bkeep\b"
    rb"|\bregist|backwards?\b|\bcompat|\bintentional|\bpublic\b|\bAPI\b|\bneeded\b|\brequired\b|\bdo not remove\b",
    re.IGNORECASE,
)
_TYPE_COMMENT = re.compile(rb"#[ \t]*type:[ \t]*+(?!ignore\b)([^\r\n]*)")
_DOCTEST = re.compile(rb"(?:^|[\r\n])[ \t]*(?:>>>|\.\.\.)[ \t]([^\r\n]*)")
_WORD = re.compile(rb"[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class _Import:
    """One import statement: its rows, whether a block around it watches for its failure, whether it is alone."""

    first: int
    last: int
    watched: bool
    sole: bool


class Imports:
    """The import statements of one content, which is parsed only when a fix would remove one."""

    def __init__(self, content: bytes, rows: Rows, comments: PythonComments) -> None:
        self._content, self._rows, self._comments = content, rows, comments
        self._by_row: dict[int, _Import] | None = None
        self._elsewhere: frozenset[bytes] | None = None

    def reason_to_stay(self, finding: Finding) -> Withheld | None:
        """Why the import that an unused-import finding is about should stay; None when nothing speaks for it."""
        if self._by_row is None:
            self._by_row = {row: one for one in self._parsed() for row in range(one.first, one.last + 1)}
        place = self._by_row.get(finding.line)
        if place is None:
            # Python of a later version: an import that is not at the margin is in a block that was not seen.
            indented = self._rows.text(finding.line)[:1] in (b" ", b"\t")
            place = _Import(finding.line, finding.end_line, indented, False)
        if place.watched:
            return "watched"
        if place.sole:
            return "sole"
        if self._spoken_of(place):
            return "noted"
        # The place of such a finding is the name that is bound; `os.path` binds `os`.
        name = self._content[finding.start : finding.end].partition(b".")[0].strip()
        return "in_text" if name in self._words_elsewhere() else None

    def _spoken_of(self, place: _Import) -> bool:
        """Whether a comment on the statement's lines, or alone on the line above, says what the import is for."""
        first = max(1, place.first - 1)
        start, end = self._rows.begin(first), self._rows.begin(place.last + 1)
        if b"#" not in self._content[start:end]:
            return False
        own = self._rows.begin(place.first)
        return any(
            start <= begin < end
            and (begin >= own or not self._content[start:begin].strip())
            and _SPEAKS_OF_IT.search(self._content, begin, stop) is not None
            for begin, stop in self._comments.spans()
        )

    def _words_elsewhere(self) -> frozenset[bytes]:
        """The words of type comments and doctests, which use names of the module."""
        if self._elsewhere is None:
            texts = _TYPE_COMMENT.findall(self._content)
            if b">>>" in self._content:
                texts += _DOCTEST.findall(self._content)
            self._elsewhere = frozenset(word for text in texts for word in _WORD.findall(text))
        return self._elsewhere

    def _parsed(self) -> list[_Import]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return list(
                    _imports(ast.parse(self._content.decode("utf-8-sig")).body, watched=False, sole=False)
                )
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return []


def _imports(body: Sequence[ast.stmt], *, watched: bool, sole: bool) -> Iterator[_Import]:
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield _Import(statement.lineno, statement.end_lineno or statement.lineno, watched, sole)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(statement.body, watched=False, sole=_does_nothing_else(statement.body))
        elif isinstance(statement, ast.Try | ast.TryStar):
            yield from _imports(statement.body, watched=watched or bool(statement.handlers), sole=sole)
            for handler in statement.handlers:
                yield from _imports(handler.body, watched=watched, sole=False)
            yield from _imports([*statement.orelse, *statement.finalbody], watched=watched, sole=False)
        elif isinstance(statement, ast.With | ast.AsyncWith):
            yield from _imports(statement.body, watched=True, sole=sole)
        else:
            for block in _blocks(statement):
                yield from _imports(block, watched=watched, sole=False)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for holder in (statement, *getattr(statement, "cases", ())):
        for name in ("body", "orelse"):
            block = getattr(holder, name, None)
            if isinstance(block, list):
                yield block


def _does_nothing_else(body: Sequence[ast.stmt]) -> bool:
    """Whether a function only imports, such as a test that a module can be imported; a docstring may stand there."""
    return all(
        isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in body
    )
