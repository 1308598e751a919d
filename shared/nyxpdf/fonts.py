"""The fonts that a page brings: its `@font-face` rules whose files are data URIs.

A picture sees nothing of the page around it, so a diagram takes those that its text needs with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_RULE: Final = re.compile(r"@font-face\s*\{[^{}]*\}")
_FAMILY: Final = re.compile(r"""font-family:\s*(?:"([^"\\]+)"|'([^'\\]+)'|([\w -]+?))\s*[;}]""")
_WEIGHT: Final = re.compile(r"font-weight:\s*(\d+|bold)")
_SLANTED: Final = re.compile(r"font-style:\s*(italic|oblique)")
_RANGE: Final = re.compile(r"unicode-range:\s*([^;}]+)")
_DATA: Final = re.compile(r"""src:\s*url\(["']?data:[\w./+-]+;base64,""")
_LAST: Final = 0x10FFFF


@dataclass(frozen=True)
class Face:
    """One rule: its text, its family, and the ranges of code points that it is for, both ends included."""

    rule: str
    family: str
    bold: bool
    ranges: tuple[tuple[int, int], ...]

    def covers(self, character: int) -> bool:
        """Whether the code point is within its ranges."""
        return any(low <= character <= high for low, high in self.ranges)


class Faces:
    """The faces of a page, in their order."""

    def __init__(self, html: str) -> None:
        """Read them; those without a family or without a data URI, and italics, are left out."""
        self._faces = tuple(filter(None, map(_face, _RULE.findall(html))))
        self._of_character: dict[int, tuple[Face, ...]] = {}

    @property
    def rules(self) -> str:
        """All of them, as a style sheet."""
        return "\n".join(face.rule for face in self._faces)

    @property
    def family(self) -> str:
        """All families in the order of their first rules, as a value of font-family."""
        names = dict.fromkeys(face.family for face in self._faces)
        return ", ".join([*(f"'{name}'" for name in names), "sans-serif"])

    def needed(self, text: str, *, bold: bool) -> str:
        """The rules that the characters of a text need, as a style sheet; those of bold faces only for bold text."""
        chosen = {face for character in set(text) for face in self._for(ord(character))}
        return "\n".join(face.rule for face in self._faces if face in chosen and (bold or not face.bold))

    def _for(self, character: int) -> tuple[Face, ...]:
        """What a browser takes: of the first family that has the character the last rule, of each weight."""
        if character not in self._of_character:
            covering = [face for face in self._faces if face.covers(character)]
            last = {face.bold: face for face in covering if face.family == covering[0].family}
            self._of_character[character] = tuple(last.values())
        return self._of_character[character]


def _face(rule: str) -> Face | None:
    family = _FAMILY.search(rule)
    if family is None or not _DATA.search(rule) or _SLANTED.search(rule):
        return None
    weight, declared = _WEIGHT.search(rule), _RANGE.search(rule)
    bold = weight is not None and (weight[1] == "bold" or int(weight[1]) > 500)
    ranges = tuple(map(_range, declared[1].split(","))) if declared else ((0, _LAST),)
    return Face(rule, family[1] or family[2] or family[3], bold, ranges)


def _range(written: str) -> tuple[int, int]:
    """`U+41`, `U+0-7F` or `U+4??`; what is none of them covers nothing."""
    low, _, high = written.strip().upper().removeprefix("U+").partition("-")
    try:
        return int(low.replace("?", "0"), 16), int((high or low).replace("?", "F"), 16)
    except ValueError:
        return 1, 0
