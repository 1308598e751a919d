"""What is wrong with a definition: where, with which value, and the nearest right name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest

from nyxcore.errors import InvalidInput
from nyxcore.wire import WireModel

MAX_FLAWS = 500
MAX_SHOWN = 80
_LENGTH_COMPARED = 100
_CANDIDATES = 8


class Flaw(WireModel):
    """One thing that is wrong.

    Attributes
    ----------
    path : JSON pointer (RFC 6901) into the document, "" for the whole.
    line : its line in the YAML, counted from 1; None where the document was not YAML.
    value : what stands there, shortened; None where nothing does.
    message : what is wrong and what to do about it.
    suggestion : the nearest right name, written in full; None where none is near.
    """

    path: str
    line: int | None = None
    value: str | None = None
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.path or '/'}: {self.message}"


class WorkflowRefused(InvalidInput):
    """A definition that has flaws; `details["flaws"]` holds all of them."""

    code = "workflow_refused"

    def __init__(self, flaws: Iterable[Flaw]) -> None:
        self.flaws = tuple(flaws)
        count = len(self.flaws)
        head = f"the workflow has {count} flaws" if count > 1 else "the workflow has a flaw"
        super().__init__(
            "\n".join([f"{head}:", *map(str, self.flaws)]),
            flaws=[flaw.model_dump(mode="json", by_alias=True) for flaw in self.flaws],
        )


@dataclass(frozen=True)
class Place:
    """Where a value stands in YAML, lines counted from 1.

    `text_line` is the line of a literal block's first character: a prompt's third line is two below it.
    """

    line: int
    text_line: int | None = None


def pointer(*parts: str | int) -> str:
    """The JSON pointer (RFC 6901) of these members and places."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def shown(value: object) -> str:
    """A value as a message names it: one line, at most 80 characters."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text[: 4 * MAX_SHOWN].split())
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def nearest(name: str, names: Iterable[str], *, cutoff: float = 0.7) -> str | None:
    """The one of `names` that was probably meant; None where none is as near as `cutoff`, of at most 1."""
    folded = name[:_LENGTH_COMPARED].casefold()
    known = [candidate for candidate in names if candidate != name]
    for candidate in known:
        if candidate.casefold() == folded:
            return candidate
    pairs = _pairs(folded)
    shared = nlargest(
        _CANDIDATES, known, lambda candidate: len(pairs & _pairs(candidate)) / (len(candidate) + 1)
    )
    close = difflib.get_close_matches(folded, shared, n=1, cutoff=cutoff)
    return close[0] if close else None


@lru_cache(maxsize=4_096)
def _pairs(name: str) -> frozenset[str]:
    """A name's pairs of neighbouring letters: what names share of them is cheap to see, and enough to choose by."""
    folded = name[:_LENGTH_COMPARED].casefold()
    return frozenset(folded[index : index + 2] for index in range(len(folded) - 1))
