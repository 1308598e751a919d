"""The edges of an edit: it leaves no empty line where code was, no blanks at line ends, no gap that was not there."""

from __future__ import annotations

import re

from nyxcore.analysis.edits import tidy
from nyxcore.analysis.locate import Rows
from nyxcore.analysis.models import Edit, Edits

_MOST_IN_A_ROW = 2  # PEP 8 has two blank lines between definitions, and never more
_NEW_LINE = re.compile(rb"\r\n|\r|\n")
_BLANK_LAST_LINE = re.compile(rb"(?:\r\n|\r|\n)[ \t]+\Z")


def close_up(content: bytes, rows: Rows, edits: Edits) -> Edits:
    """The edits without what they would leave at their edges; most are given back as they are.

    The removal of all that stands on some lines takes these lines and surplus blank ones along. Blank lines are
    surplus when there would be more than two in a row and more than there were, and when the file would end
    with more of them than it did. A text that begins or ends with a line break, where the line in front of or
    behind it is blank, goes without that line.
    """
    closed = [
        _without_lines(content, rows, edit) if not edit.text else _trimmed(content, rows, edit)
        for edit in edits
    ]
    # Two edits around the same blanks would both take them: then neither does.
    return tidy(closed, len(content)) or edits


def _without_lines(content: bytes, rows: Rows, edit: Edit) -> Edit:
    first = rows.row(edit.start)
    start = rows.begin(first)
    behind = rows.row(edit.end)
    if rows.begin(behind) != edit.end or edit.end == edit.start:
        behind += 1
    end = rows.begin(behind)
    if content[start : edit.start].strip(b" \t") or content[edit.end : end].strip(b" \t\r\n"):
        return edit
    above, below = _blanks_above(rows, first), _blanks_below(content, rows, behind)
    if rows.begin(behind + below) == len(content):
        return Edit(rows.begin(first - above), end, b"")
    surplus = above + below - max(_MOST_IN_A_ROW, above, below)
    return Edit(start, rows.begin(behind + max(0, surplus)), b"")


def _trimmed(content: bytes, rows: Rows, edit: Edit) -> Edit:
    start, end, text = edit
    if text[0] in b"\r\n":
        begin = rows.begin(rows.row(start))
        if begin < start and not content[begin:start].strip(b" \t"):
            start, text = begin, _NEW_LINE.sub(b"", text, count=1)
    row = rows.row(end)
    last = _BLANK_LAST_LINE.search(text)
    rest_is_blank = rows.begin(row) != end and not content[end : rows.begin(row + 1)].strip(b" \t\r\n")
    if last is not None and rest_is_blank:
        text = text[: last.start()]
    return Edit(start, end, text)


def _blanks_above(rows: Rows, row: int) -> int:
    count = 0
    while row - count > 1 and _is_blank(rows.text(row - count - 1)):
        count += 1
    return count


def _blanks_below(content: bytes, rows: Rows, row: int) -> int:
    count = 0
    while rows.begin(row + count) < len(content) and _is_blank(rows.text(row + count)):
        count += 1
    return count


def _is_blank(line: bytes) -> bool:
    """A form feed is no blank: it divides pages."""
    return not line.strip(b" \t\r\n")
