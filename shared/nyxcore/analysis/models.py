"""The values that the engine works with: files, edits, findings and what was found out about a fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

REFERENCE: Final = "reference"
PYTHON: Final = "python"
SCRIPT_LANGUAGES: Final = frozenset({"javascript", "jsx", "typescript", "tsx"})
LANGUAGES: Final = frozenset({PYTHON, REFERENCE}) | SCRIPT_LANGUAGES

State = Literal["open", "fixed", "no_fix", "not_a_bug", "failed"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the manifest.

    Attributes
    ----------
    path : relative to the root, `/` between folders.
    sha256 : hex digest of its bytes, as the scan saw them.
    language : "python", "javascript", "jsx", "typescript", "tsx", or "reference" for a file that is never
        scanned and only read for the words in it (documentation, configuration, templates).
    """

    path: str
    sha256: str
    language: str


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose: whether fixes that ruff calls unsafe are tried, and which categories count."""

    unsafe: bool = False
    categories: tuple[str, ...] | None = None

    def wants(self, category: str) -> bool:
        """Whether findings of this category are reported and fixed."""
        return self.categories is None or category in self.categories


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `items` are findings new since the last call (detect only), as `combine` writes them."""

    phase: str
    done: int
    total: int
    unit: str
    items: tuple[dict[str, object], ...] = ()


class Edit(NamedTuple):
    """Bytes `start` to `end` of a file are replaced by `text`."""

    start: int
    end: int
    text: bytes


Edits = tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A fix that a tool offers: sorted edits that do not overlap, and whether the tool calls it safe."""

    edits: Edits
    safe: bool


Withheld = Literal["rule", "comment", "watched", "sole", "noted", "in_text"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a tool says about bytes `start` to `end` (lines from 1) of one content of a file.

    `withheld` is why a fix that the tool offers is not the proposal, None when there is no such fix.
    """

    rule: str
    message: str
    start: int
    end: int
    line: int
    end_line: int
    proposal: Proposal | None = None
    withheld: Withheld | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One fix to judge. `findings` are the positions, in the file's list, of all that it is offered for."""

    findings: tuple[int, ...]
    edits: Edits
    safe: bool


Outcome = Literal["accepted", "deferred", "not_gone", "new_finding", "broken", "too_many", "unscannable"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What judging one candidate alone on one content of its file gave.

    Attributes
    ----------
    candidate : its edits and safety include what was taken in on the way.
    outcome : "accepted", or why not.
    cause : for a rejected one, the finding that it would bring up (rule, message, line), if there is one.
    group : with how many other fixes of the file it shared a scan; 0 when it was alone.
    bounded : whether the file had too many fixes or bytes to judge each by itself.
    took_in : rules of the follow-up findings that the fix itself brought up and now also mends.
    removes : names bound at the top of the module that the fix would unbind.
    """

    candidate: Candidate
    outcome: Outcome
    cause: tuple[str, str, int] | None = None
    group: int = 0
    bounded: bool = False
    took_in: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the fix does what it says and nothing else that the tools can see."""
        return self.outcome == "accepted"
