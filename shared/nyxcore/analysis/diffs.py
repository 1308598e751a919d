"""Unified diffs composed from edits, never from a comparison of two texts.

The format is that of GNU diff as `git apply` reads it. Lines end at LF alone; a CR before it is part of
the line. Names are quoted in the C style of git where they have to be (git-diff(1), core.quotePath).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from nyxcore.analysis.edits import apply
from nyxcore.analysis.models import Edit

CONTEXT = 3
_NO_NEWLINE = b"\n\\ No newline at end of file\n"
_ESCAPES = {
    7: b"\\a",
    8: b"\\b",
    9: b"\\t",
    10: b"\\n",
    11: b"\\v",
    12: b"\\f",
    13: b"\\r",
    34: b'\\"',
    92: b"\\\\",
}
_BYTES = {text[1:]: byte for byte, text in _ESCAPES.items()}


class _Change(NamedTuple):
    """Lines `first` up to `stop` (from 0, `stop` excluded) of the old content become `new`."""

    first: int
    stop: int
    new: list[bytes]


class Lines:
    """The lines of one content, so that many diffs against it share the work of finding them."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.lines = split_lines(content)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line))

    def line_of(self, offset: int) -> int:
        """The line, from 0, that holds the byte at `offset`; at the end of the content the last one."""
        return max(0, min(bisect_right(self._starts, offset) - 1, len(self.lines) - 1))

    def start(self, line: int) -> int:
        """Offset of the first byte of a line."""
        return self._starts[line]

    def __len__(self) -> int:
        return len(self.lines)


def split_lines(content: bytes) -> list[bytes]:
    """Lines with their ends, broken at LF alone."""
    if b"\r" not in content:
        return content.splitlines(keepends=True)
    lines = [line + b"\n" for line in content.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def unified(path: str, old: Lines, edits: Sequence[Edit], *, git_header: bool = False) -> bytes:
    """The diff of `old` with the edits, three lines of context; empty when they change nothing.

    Parameters
    ----------
    path : of the file in the repository; it stands as a/… and b/….
    git_header : begin with a `diff --git` line, which keeps git from taking a file that becomes empty for
        one that is removed.
    """
    changes = _changes(old, edits)
    if not changes:
        return b""
    tab = b"\t" if " " in path else b""
    before, after = quoted("a/" + path), quoted("b/" + path)
    parts = [b"diff --git " + before + b" " + after + b"\n"] if git_header else []
    parts.append(b"--- " + before + tab + b"\n+++ " + after + tab + b"\n")
    shift = 0
    for hunk in _hunks(changes):
        text, shift = _hunk(old, hunk, shift)
        parts += text
    return b"".join(parts)


def quoted(name: str) -> bytes:
    """A file name as git writes it in a diff: in double quotes with escapes if it has to be."""
    raw = name.encode("utf-8", "surrogateescape")
    if not re.search(rb'[\x00-\x1f"\\\x7f-\xff]', raw):
        return raw
    return b'"' + b"".join(_escaped(byte) for byte in raw) + b'"'


def path_in(diff: str) -> str:
    """The file that a diff made by `unified` changes: its name as it is, without git's quotes and escapes."""
    name = diff.partition("\n+++ ")[2].partition("\n")[0].removesuffix("\t")
    if name.startswith('"'):
        raw = re.sub(rb"\\([0-7]{3}|.)", _unescaped, name[1:-1].encode("utf-8", "surrogateescape"))
        name = raw.decode("utf-8", "replace")
    return name.removeprefix("b/")


def _unescaped(found: re.Match[bytes]) -> bytes:
    escape = found[1]
    return bytes((int(escape, 8) if len(escape) == 3 else _BYTES.get(escape, escape[0]),))


def _escaped(byte: int) -> bytes:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return b"\\%03o" % byte if byte < 32 or byte > 126 else bytes((byte,))


def _changes(old: Lines, edits: Sequence[Edit]) -> list[_Change]:
    changes = []
    index = 0
    while index < len(edits):
        first = last = old.line_of(edits[index].start)
        stop = index
        while stop < len(edits) and (stop == index or old.line_of(edits[stop].start) <= last):
            last = max(last, old.line_of(edits[stop].end))
            stop += 1
        base, end = old.start(first), old.start(min(last + 1, len(old)))
        local = [Edit(edit.start - base, edit.end - base, edit.text) for edit in edits[index:stop]]
        change = _trimmed(
            old, first, min(last + 1, len(old)), split_lines(apply(old.content[base:end], local))
        )
        if change.new or change.stop > change.first:
            changes.append(change)
        index = stop
    return changes


def _trimmed(old: Lines, first: int, stop: int, new: list[bytes]) -> _Change:
    low, high = 0, len(new)
    while first < stop and low < high and old.lines[first] == new[low]:
        first, low = first + 1, low + 1
    while first < stop and low < high and old.lines[stop - 1] == new[high - 1]:
        stop, high = stop - 1, high - 1
    return _Change(first, stop, new[low:high])


def _hunks(changes: list[_Change]) -> list[list[_Change]]:
    hunks = [[changes[0]]]
    for change in changes[1:]:
        if change.first - hunks[-1][-1].stop <= 2 * CONTEXT:
            hunks[-1].append(change)
        else:
            hunks.append([change])
    return hunks


def _hunk(old: Lines, changes: list[_Change], shift: int) -> tuple[list[bytes], int]:
    first = max(0, changes[0].first - CONTEXT)
    stop = min(len(old), changes[-1].stop + CONTEXT)
    body: list[bytes] = []
    position = first
    added = 0
    for change in changes:
        body += [b" " + line for line in old.lines[position : change.first]]
        body += [b"-" + line for line in old.lines[change.first : change.stop]]
        body += [b"+" + line for line in change.new]
        added += len(change.new) - (change.stop - change.first)
        position = change.stop
    body += [b" " + line for line in old.lines[position:stop]]
    head = b"@@ -%b +%b @@\n" % (_range(first, stop - first), _range(first + shift, stop - first + added))
    closed = [line if line.endswith(b"\n") else line + _NO_NEWLINE for line in body]
    return [head, *closed], shift + added


def _range(first: int, count: int) -> bytes:
    if count == 1:
        return b"%d" % (first + 1)
    return b"%d,%d" % (first + 1 if count else first, count)
