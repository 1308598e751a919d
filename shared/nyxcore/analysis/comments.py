"""Whether a fix would delete a comment: what a person wrote for people, and no tool puts back.

A comment is lost when its text stands in what the fix takes away and not in what it writes. A word to a tool
(`# noqa`, `# type: ignore`) behind a statement that is removed as a whole is about that statement and goes
with it.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Sequence

from nyxcore.analysis.locate import Rows
from nyxcore.analysis.models import Edit

Span = tuple[int, int]

_TO_A_TOOL = re.compile(
    rb"#[ \t]*(?:noqa|type:[ \t]*ignore|(?:pylint|pyright|mypy|pyre|isort|fmt|ruff|flake8|yapf|pragma):|no(?:sec|sonar)"
    rb"|noinspection)",
    re.IGNORECASE,
)
# What has to be stepped over in a script so that a comment is not seen inside a text.
_SCRIPT_TOKEN = re.compile(
    rb"""(?s)"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(//[^\r\n]*|/\*.*?(?:\*/|\Z))"""
)
_REST_OF_LINE = re.compile(rb"#[^\r\n]*")


class PythonComments:
    """The comments of one Python content. It is taken apart only when a fix takes away a `#`."""

    def __init__(self, content: bytes, rows: Rows) -> None:
        self._content, self._rows = content, rows
        self._spans: list[Span] | None = None

    def spans(self) -> list[Span]:
        """Where the comments stand, in their order."""
        if self._spans is None:
            self._spans = _python_spans(self._content, self._rows)
        return self._spans

    def lost(self, edits: Sequence[Edit]) -> bool:
        """Whether the edits delete a comment."""
        taking = [edit for edit in edits if b"#" in self._content[edit.start : edit.end]]
        if not taking:
            return False
        gone = [
            self._content[start:end]
            for edit in taking
            for start, end in self.spans()
            if start < edit.end and edit.start < end and not self._goes_along(edit, start, end)
        ]
        return _is_missing(gone, edits)

    def _goes_along(self, edit: Edit, start: int, end: int) -> bool:
        """Whether a comment is a word to a tool about the line, and the edit removes that line altogether."""
        line = self._rows.begin(self._rows.row(start))
        has_code = bool(self._content[line:start].strip(b" \t"))
        removed = not edit.text and not self._content[line : edit.start].strip(b" \t") and edit.end >= end
        return has_code and removed and _TO_A_TOOL.match(self._content, start) is not None


def script_comment_lost(content: bytes, edits: Sequence[Edit]) -> bool:
    """Whether edits of a script, whose borders are those of syntax nodes, delete a comment."""
    gone = [
        match[1]
        for edit in edits
        for match in _SCRIPT_TOKEN.finditer(content, edit.start, edit.end)
        if match[1] is not None
    ]
    return _is_missing(gone, edits)


def _is_missing(gone: Iterable[bytes], edits: Sequence[Edit]) -> bool:
    """Whether one of the comments does not come back in the text that the edits write."""
    written = b"\n".join(edit.text for edit in edits)
    for comment, times in Counter(comment.rstrip() for comment in gone).items():
        to_line_end = b"" if comment.startswith(b"/*") else rb"[ \t]*(?![^\r\n])"
        if len(re.findall(re.escape(comment) + to_line_end, written)) < times:
            return True
    return False


def _python_spans(content: bytes, rows: Rows) -> list[Span]:
    # Universal newlines, so that rows are those of ruff; columns are characters in both.
    reader = io.StringIO(content.decode("utf-8-sig"), newline=None)
    spans = []
    try:
        for token in tokenize.generate_tokens(reader.readline):
            if token.type == tokenize.COMMENT:
                start = rows.offset(token.start[0], token.start[1] + 1)
                spans.append((start, start + len(token.string.encode())))
    except (tokenize.TokenError, SyntaxError, ValueError):
        # Syntax that this Python does not know: whatever could be a comment counts as one.
        return [match.span() for match in _REST_OF_LINE.finditer(content)]
    return spans
