"""Which fixes of one file can be tried in one scan without hiding behind each other.

A pack holds at most one fix a function (or a class body outside of its methods). What touches the module
itself, its imports first of all, goes alone. Scopes are told by indentation, which a text in triple quotes
can mislead: that costs a second scan and never a wrong verdict, since a pack with any excess is taken apart.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from nyxcore.analysis.edits import Taken
from nyxcore.analysis.models import PYTHON, Candidate

_HEADER = re.compile(rb"(?m)^([ \t]*)(async[ \t]+def|def|class)\b")
_LINE = re.compile(rb"(?m)^([ \t]*)[^\s#]")

Pack = tuple[int, ...]


def packs(content: bytes, language: str, candidates: Sequence[Candidate]) -> list[Pack]:
    """The candidates, by their positions, in packs to be tried together."""
    if language != PYTHON or len(candidates) == 1:
        return [(index,) for index in range(len(candidates))]
    scopes = _Scopes(content)
    found: list[Pack] = []
    by_scope: dict[int, list[int]] = {}
    for index, candidate in enumerate(candidates):
        touched = {scopes.of(edit.start) for edit in candidate.edits}
        scope = touched.pop()
        if touched or scope is None:
            found.append((index,))
        else:
            by_scope.setdefault(scope, []).append(index)
    columns = [members for _, members in sorted(by_scope.items())]
    for k in range(max(map(len, columns), default=0)):
        together, left = compatible(candidates, [members[k] for members in columns if k < len(members)])
        found += [together, *((index,) for index in left)]
    return found


def compatible(candidates: Sequence[Candidate], members: Sequence[int]) -> tuple[Pack, Pack]:
    """The members that can be applied together, first come first served, and those that collide with them."""
    taken = Taken()
    together: list[int] = []
    left: list[int] = []
    for index in members:
        (together if taken.claim(candidates[index].edits) else left).append(index)
    return tuple(together), tuple(left)


class _Scopes:
    """The outermost function, or the class body outside of functions, around a place."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._starts: list[int] = []
        self._enclosing: list[list[tuple[int, bytes, int]]] = []
        stack: list[tuple[int, bytes, int]] = []
        for header in _HEADER.finditer(content):
            indent = len(header[1].expandtabs())
            while stack and stack[-1][0] >= indent:
                stack.pop()
            stack.append((indent, header[2], header.start()))
            self._starts.append(header.start())
            self._enclosing.append(stack.copy())

    def of(self, offset: int) -> int | None:
        """A number that stands for the scope of the byte at `offset`; None for the module itself."""
        position = bisect_right(self._starts, offset) - 1
        if position < 0:
            return None
        line = self._content.rfind(b"\n", 0, offset) + 1
        text = _LINE.match(self._content, line)
        indent = len(text[1].expandtabs()) if text else 0
        around = [entry for entry in self._enclosing[position] if entry[0] < indent]
        for _, kind, start in around:
            if kind != b"class":
                return start
        return around[-1][2] if around else None
