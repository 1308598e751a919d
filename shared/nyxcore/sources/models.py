"""What a repository becomes: entries in packs, and a manifest that accounts for every file left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

MAX_SOURCE_BYTES = 1_000_000
MAX_REFERENCE_BYTES = 256_000
MAX_EXAMPLES = 5
MAX_NOTES = 20

type Progress = Callable[[int, int | None], None]
"""Called with how many files are done and how many there are (None while that is unknown)."""


class Language(StrEnum):
    """A language that is scanned for findings."""

    PYTHON = "python"
    JAVASCRIPT = "javascript"
    TYPESCRIPT = "typescript"
    TSX = "tsx"


class Kind(StrEnum):
    """What an entry is there for."""

    SOURCE = "source"  # scanned for findings
    REFERENCE = "reference"  # read for settings and for the names it mentions, never scanned


class Reason(StrEnum):
    """Why a file is not scanned."""

    IGNORED = "ignored"  # by a .gitignore
    VENDORED = "vendored"  # a copy of another project
    GENERATED = "generated"  # written by a program
    MINIFIED = "minified"
    BINARY = "binary"
    TOO_LARGE = "too_large"
    BAD_NAME = "bad_name"  # not UTF-8, with control characters, or too long
    LINK = "link"
    SPECIAL = "special"  # a device, a pipe, a socket
    UNREADABLE = "unreadable"
    NOT_SOURCE = "not_source"  # another language, data, pictures


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a pack.

    Attributes
    ----------
    path : relative to the root, with slashes.
    size : bytes.
    sha256 : of the content, in hex.
    kind : `source` or `reference`.
    language : None for a reference that is not Python.
    pack : index into `Manifest.packs`.
    """

    path: str
    size: int
    sha256: str
    kind: Kind
    language: Language | None
    pack: int

    def line(self) -> str:
        """One line of JSON, without the line end."""
        return json.dumps(
            {
                "path": self.path,
                "size": self.size,
                "sha256": self.sha256,
                "kind": self.kind,
                "language": self.language,
                "pack": self.pack,
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_line(cls, line: str) -> Entry:
        """The entry that `line` wrote."""
        row = json.loads(line)
        language = Language(row["language"]) if row["language"] else None
        return cls(row["path"], row["size"], row["sha256"], Kind(row["kind"]), language, row["pack"])


@dataclass(frozen=True, slots=True)
class Pack:
    """One tar of at most 32 MiB of content and 2,000 files.

    Attributes
    ----------
    name : file name of the tar, such as `pack-0000.tar`.
    entries : file name of its entries, one JSON object a line, in the order of the tar.
    files, bytes : how many files, and the bytes of their content.
    """

    name: str
    entries: str
    files: int
    bytes: int


@dataclass(slots=True)
class LeftOut:
    """How many files were left out for one reason, and the first of them.

    A folder that was not entered counts as one; its example ends with a slash.
    """

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """Counts what is left out, by reason."""

    reasons: dict[Reason, LeftOut] = field(default_factory=dict)

    def add(self, reason: Reason, path: bytes) -> None:
        """Count `path` (as the file system or the archive spells it) under `reason`."""
        left_out = self.reasons.setdefault(reason, LeftOut())
        left_out.count += 1
        if len(left_out.examples) < MAX_EXAMPLES:
            left_out.examples.append(printable(path))

    def include(self, reason: Reason, other: LeftOut) -> None:
        """Count what was counted elsewhere too."""
        left_out = self.reasons.setdefault(reason, LeftOut())
        left_out.count += other.count
        left_out.examples = (left_out.examples + other.examples)[:MAX_EXAMPLES]

    def copy(self) -> Tally:
        """A tally of its own with the same counts."""
        return Tally({reason: LeftOut(x.count, [*x.examples]) for reason, x in self.reasons.items()})


@dataclass(frozen=True, slots=True)
class Totals:
    """Files and bytes in all packs; `sources` by language, and `references` beside them."""

    files: int
    bytes: int
    sources: dict[Language, int]
    references: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was taken of a repository and what was not. The same tree at the same commit gives the same bytes of JSON.

    Attributes
    ----------
    tree_sha256 : over path, content hash and kind of every entry, in the order of the paths' bytes.
    packs : in that order too, so that the packs' entries one after another are sorted.
    skipped : by reason, in the order of `Reason`.
    notes : sentences for the user about what is unusual here, `MAX_NOTES` and a few at the most.
    commit : what the tree was taken from, or None where it does not say so; a folder may have changed since.
    """

    tree_sha256: str
    totals: Totals
    packs: list[Pack]
    skipped: dict[Reason, LeftOut]
    notes: list[str]
    commit: str | None

    def to_json(self) -> str:
        """The content of `manifest.json`."""
        return json.dumps({"version": 1, **asdict(self)}, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest that `to_json` wrote."""
        row = json.loads(text)
        totals = row["totals"]
        return cls(
            row["tree_sha256"],
            Totals(
                totals["files"],
                totals["bytes"],
                {Language(key): count for key, count in totals["sources"].items()},
                totals["references"],
            ),
            [Pack(**pack) for pack in row["packs"]],
            {Reason(key): LeftOut(**left_out) for key, left_out in row["skipped"].items()},
            row["notes"],
            row["commit"],
        )


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of one pack, from the file that `Pack.entries` names."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield Entry.from_line(line)


def printable(path: bytes) -> str:
    """`path` for a person: what is not printable text is escaped, what is very long is cut."""
    text = path.decode("utf-8", "backslashreplace")
    escaped = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return escaped if len(escaped) <= 200 else escaped[:200] + "…"
