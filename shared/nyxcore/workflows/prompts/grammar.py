r"""The grammar of a prompt.

    template  = ( text | escape | reference )*
    escape    = "\{{"                     stands for "{{"; what follows is text
    reference = "{{" space* path space* "}}"
    path      = name ( "." name | "[" digits "]" | '["' any text '"]' )*

Two backslashes before `{{` stand for one backslash, and the reference counts. This holds everywhere, inside
of Markdown's code fences too. Whatever else follows `{{` is an error with its line and column: a reference
that is misspelt never passes as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nyxcore.workflows.prompts.paths import PATH, Path, parse_path

_OPENING = re.compile(r"(\\*)\{\{")
_REFERENCE = re.compile(rf"\{{\{{\s*({PATH})\s*\}}\}}")
_SHOWN = 40

MAX_MISREAD = 50
"""No more are looked for in one prompt."""


@dataclass(frozen=True)
class Reference:
    """A path in a prompt; line and column are those of its `{{`, counted from 1."""

    path: Path
    line: int
    column: int


@dataclass(frozen=True)
class Misread:
    """A `{{` that begins no reference."""

    message: str
    value: str
    line: int
    column: int


@dataclass(frozen=True)
class Template:
    """A prompt taken apart: text and references in their order, and what could not be read."""

    pieces: tuple[str | Reference, ...]
    misread: tuple[Misread, ...] = ()

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references alone."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Reference))

    @property
    def steps(self) -> tuple[str, ...]:
        """The keys of the steps that it names, each once, in their order."""
        keys = (reference.path.step for reference in self.references)
        return tuple(dict.fromkeys(key for key in keys if key is not None))


def parse(text: str) -> Template:
    """Take a prompt apart; whatever could not be read stands in `misread`."""
    pieces: list[str | Reference] = []
    misread: list[Misread] = []
    done = 0
    lines = _Lines(text)
    while len(misread) < MAX_MISREAD and (opening := _OPENING.search(text, done)):
        backslashes, start = len(opening[1]), opening.end() - 2
        pieces.append(text[done : opening.start()] + "\\" * (backslashes // 2))
        if backslashes % 2:
            pieces.append("{{")
            done = opening.end()
            continue
        line, column = lines.place(start)
        found = _REFERENCE.match(text, start)
        path = parse_path(found[1]) if found else None
        if found is None or path is None:
            misread.append(_misread(text, start, line, column))
            done = opening.end()
            continue
        pieces.append(Reference(path, line, column))
        done = found.end()
    pieces.append(text[done:])
    return Template(tuple(piece for piece in pieces if piece != ""), tuple(misread))


class _Lines:
    """Finds the line and the column of places that come in their order, and looks at no character twice."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._seen = 0
        self._line = 1
        self._begin = 0

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column of a character, both counted from 1."""
        self._line += self._text.count("\n", self._seen, offset)
        last = self._text.rfind("\n", self._seen, offset)
        self._begin = last + 1 if last >= 0 else self._begin
        self._seen = offset
        return self._line, offset - self._begin + 1


def _misread(text: str, start: int, line: int, column: int) -> Misread:
    end = text.find("}}", start)
    if end < 0:
        value = text[start : start + _SHOWN].partition("\n")[0]
        return Misread(
            r"{{ is never closed; close it with }}, or write \{{ to keep it as text", value, line, column
        )
    value = text[start : end + 2]
    shown = value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
    message = (
        f"{' '.join(shown.split())} holds no path such as steps.analyse.content; correct it, "
        r"or write \{{ to keep it as text"
    )
    return Misread(message, shown, line, column)
