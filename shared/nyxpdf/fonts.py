"""The fonts that a page brings: its `@font-face` rules whose files are data URIs.

A picture sees nothing of the page around it, so a diagram takes those that its text needs with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_RULE: Final = re.compile(r"@font-face\s*\{[^{}]*\}")
_FAMILY: Final = re.compile(r"""font-family:\s*(?:"([^"\\]+)"|'([^'\\]+)'|([\w -]+?))\s*[;}]""")
_RANGE: Final = re.compile(r"unicode-range:\s*([^;}]+)")
_DATA: Final = re.compile(r"""src:\s*url\(["']?data:[\w./+-]+;base64,""")
_LAST: Final = 0x10FFFF


@dataclass(frozen=True)
class Face:
    """One rule: its text, its family, and the ranges of code points that it is for, both ends included."""

    rule: str
    family: str
    ranges: tuple[tuple[int, int], ...]

    def covers(self, characters: Iterable[int]) -> bool:
        """Whether one of the code points is within its ranges."""
        return any(low <= character <= high for character in characters for low, high in self.ranges)


def faces(html: str) -> tuple[Face, ...]:
    """The rules of a page in their order; those without a family or without a data URI are left out."""
    found = []
    for match in _RULE.finditer(html):
        rule = match[0]
        family = _FAMILY.search(rule)
        if family and _DATA.search(rule):
            declared = _RANGE.search(rule)
            ranges = tuple(map(_range, declared[1].split(","))) if declared else ((0, _LAST),)
            found.append(Face(rule, family[1] or family[2] or family[3], ranges))
    return tuple(found)


def family_list(faces: Iterable[Face]) -> str:
    """All families in the order of their first rules, as a value of CSS's font-family."""
    names = dict.fromkeys(face.family for face in faces)
    return ", ".join([*(f"'{name}'" for name in names), "sans-serif"])


def needed(faces: Iterable[Face], text: str) -> str:
    """The rules that the characters of a text need, as a style sheet."""
    characters = sorted({ord(character) for character in text if character > " "})
    return "\n".join(face.rule for face in faces if face.covers(characters))


def _range(written: str) -> tuple[int, int]:
    """`U+41`, `U+0-7F` or `U+4??`; what is none of them covers nothing."""
    low, _, high = written.strip().upper().removeprefix("U+").partition("-")
    try:
        return int(low.replace("?", "0"), 16), int((high or low).replace("?", "F"), 16)
    except ValueError:
        return 1, 0
