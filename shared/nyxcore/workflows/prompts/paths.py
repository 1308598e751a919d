"""Paths such as `steps.analyse.content`: names behind dots, places and quoted names in brackets."""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
PATH = rf"""{NAME}(?:\.{NAME}|\[[0-9]{{1,6}}\]|\["[^"\n]{{1,200}}"\])*"""

_PATH = re.compile(PATH)
_PART = re.compile(rf"""\.?({NAME})|\[([0-9]+)\]|\["([^"]+)"\]""")


@dataclass(frozen=True)
class Path:
    """The parts of a path: a name is text, a place in a list a number counted from 0."""

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        text = ""
        for part in self.parts:
            if isinstance(part, int):
                text += f"[{part}]"
            elif re.fullmatch(NAME, part):
                text += f".{part}" if text else part
            else:
                text += f'["{part}"]'
        return text

    @property
    def step(self) -> str | None:
        """The key of the step that the path names; None where it names none."""
        if len(self.parts) > 1 and self.parts[0] == "steps" and isinstance(self.parts[1], str):
            return self.parts[1]
        return None


def parse_path(text: str) -> Path | None:
    """The path that `text` is; None where it is none."""
    if _PATH.fullmatch(text) is None:
        return None
    return Path(tuple(int(place) if place else name or quoted for name, place, quoted in _PART.findall(text)))
