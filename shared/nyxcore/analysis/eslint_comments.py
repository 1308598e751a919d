"""Findings that a script's own comments to ESLint switch off, as `# noqa` does in Python.

Our rules are other rules than those of ESLint, so a comment counts for those of ours that bear the name that
it gives or, by the rule table, look for the same; one without names counts for all. Source: ESLint's
documentation, "Configure rules", on `eslint-disable`, `eslint-enable` and `/* eslint rule: "off" */`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from nyxcore.analysis.rules import ast_grep_rules

_COMMENT = re.compile(
    rb"/\*\s*(eslint(?:-disable(?:-next-line|-line)?|-enable)?)(?![\w-])(.*?)\*/"
    rb"|//[ \t]*(eslint-disable-(?:next-line|line))(?![\w-])([^\r\n]*)",
    re.DOTALL,
)
_OFF = re.compile(rb"""["']?([@\w/-]+)["']?\s*:\s*\[?\s*(?:["']off["']|0)""")
_DESCRIPTION = re.compile(rb"(?:^|\s)-{2,}\s")
_LINE_END = re.compile(rb"\r\n|\r|\n")

Names = frozenset[str] | None  # None stands for every rule


class _Comment(NamedTuple):
    start: int
    end: int
    kind: str
    names: Names


def not_silenced(content: bytes, places: Sequence[tuple[int, str]]) -> list[int]:
    """Positions of the findings that no comment switches off.

    Parameters
    ----------
    places : byte offset and rule ("ast-grep:no-eval") of each finding, in the order of the offsets.
    """
    if b"eslint" not in content:
        return list(range(len(places)))
    comments = list(_comments(content))
    state = _State(_by_line(content, comments), _off_in_file(comments))
    switches = iter([one for one in comments if one.kind in ("eslint-disable", "eslint-enable")])
    following = next(switches, None)
    kept = []
    for position, (offset, rule) in enumerate(places):
        while following is not None and following.end <= offset:
            state.switch(following)
            following = next(switches, None)
        if not state.silences(offset, rule):
            kept.append(position)
    return kept


class _Lines:
    """The comments that count for one line, by line."""

    def __init__(self, content: bytes) -> None:
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(content))]
        self._names: dict[int, list[Names]] = {}

    def line(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def add(self, line: int, names: Names) -> None:
        self._names.setdefault(line, []).append(names)

    def silence(self, offset: int, rule: str) -> bool:
        return any(_covers(names, rule) for names in self._names.get(self.line(offset), ()))


class _State:
    """What is switched off at the place that has been reached."""

    def __init__(self, lines: _Lines, off_in_file: frozenset[str]) -> None:
        self._lines = lines
        self._off_in_file = off_in_file
        self._all_off = False
        self._off: set[str] = set()
        self._on: set[str] = set()

    def switch(self, comment: _Comment) -> None:
        if comment.kind == "eslint-disable":
            if comment.names is None:
                self._all_off = True
                self._on.clear()
            else:
                self._off |= comment.names
                self._on -= comment.names
        elif comment.names is None:
            self._all_off = False
            self._off.clear()
        else:
            self._off -= comment.names
            self._on |= comment.names

    def silences(self, offset: int, rule: str) -> bool:
        names = _names_of(rule)
        off = (self._all_off and not names & self._on) or bool(names & (self._off | self._off_in_file))
        return off or self._lines.silence(offset, rule)


def _off_in_file(comments: Sequence[_Comment]) -> frozenset[str]:
    return frozenset(name for one in comments if one.kind == "eslint" for name in one.names or ())


def _by_line(content: bytes, comments: Sequence[_Comment]) -> _Lines:
    lines = _Lines(content)
    for one in comments:
        if one.kind == "eslint-disable-next-line":
            lines.add(lines.line(one.end - 1) + 1, one.names)
        elif one.kind == "eslint-disable-line":
            lines.add(lines.line(one.start), one.names)
    return lines


def _comments(content: bytes) -> Iterator[_Comment]:
    for match in _COMMENT.finditer(content):
        kind = (match[1] or match[3]).decode()
        text = _DESCRIPTION.split(match[2] if match[1] else match[4], maxsplit=1)[0]
        if kind == "eslint":
            names: Names = frozenset(_plain(name) for name in _OFF.findall(text))
        else:
            listed = frozenset(_plain(name) for name in text.split(b",") if name.strip())
            names = listed or None
        yield _Comment(match.start(), match.end(), kind, names)


def _plain(name: bytes) -> str:
    """The name without that of a plug-in: "@typescript-eslint/no-implied-eval" is "no-implied-eval"."""
    return name.strip().rpartition(b"/")[2].decode("utf-8", "replace")


def _covers(names: Names, rule: str) -> bool:
    return names is None or bool(names & _names_of(rule))


@cache
def _names_of(rule: str) -> frozenset[str]:
    name = rule.partition(":")[2]
    known = ast_grep_rules().get(name)
    return frozenset((name, *(known.eslint if known is not None else ())))
