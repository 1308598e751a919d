"""The files that pass between the jobs: JSON lines, one file of the repository a line, after a header line.

The header says what kind of file it is and a fingerprint of all that its records depend on beside the
files themselves; records of another fingerprint are never reused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self, TypedDict

from nyxcore.analysis.errors import EngineError
from nyxcore.analysis.models import Candidate, Edit, Edits, Finding, Options, Proposal, Verdict, Withheld
from nyxcore.analysis.project import ProjectSettings

Kind = Literal["detected", "words", "verified", "outcome"]
EditRow = tuple[int, int, str]


class FindingRow(TypedDict):
    """A finding of a detected file."""

    fingerprint: str
    ordinal: int
    rule: str
    message: str
    start: int
    end: int
    line: int
    endLine: int
    edits: list[EditRow] | None
    safe: bool
    withheld: Withheld | None


class DetectedRow(TypedDict):
    """What detect found in one file; `skipped` is why it could not be scanned, or null."""

    path: str
    sha256: str
    language: str
    skipped: str | None
    findings: list[FindingRow]


class VerdictRow(TypedDict):
    """One judged fix of a verified file; `findings` are positions in the detected file's list."""

    findings: list[int]
    edits: list[EditRow]
    safe: bool
    outcome: str
    cause: tuple[str, str, int] | None
    group: int
    bounded: bool
    tookIn: list[str]
    removes: list[str]


class VerifiedRow(TypedDict):
    """The verdicts on one file, each fix judged by itself on the pristine content."""

    path: str
    sha256: str
    verdicts: list[VerdictRow]


class WordsRow(TypedDict):
    """The words of one file, as `words_of` gives them."""

    path: str
    sha256: str
    words: str


def results_fingerprint(rules: str, settings: ProjectSettings, options: Options | None) -> str:
    """Digest of all that a record depends on beside path and content. Detected ones know no options."""
    parts = [rules, settings.to_json(), None if options is None else [options.unsafe, options.categories]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class RowWriter:
    """Writes one such file."""

    def __init__(self, path: Path, kind: Kind, fingerprint: str) -> None:
        self._file: IO[bytes] = path.open("wb")
        self.write({"kind": kind, "fingerprint": fingerprint})

    def write(self, row: Mapping[str, object]) -> None:
        """Add one record."""
        self._file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def header_of(path: Path) -> tuple[str, str]:
    """Kind and fingerprint of a file."""
    with path.open("rb") as file:
        header = json.loads(file.readline())
    return str(header["kind"]), str(header["fingerprint"])


def rows(paths: Iterable[Path], kind: Kind, fingerprint: str | None = None) -> Iterator[dict[str, object]]:
    """The records of files of one kind, in their order.

    EngineError when a file is of another kind, or was made under another fingerprint than the one given.
    """
    for path in paths:
        found = header_of(path)
        if found[0] != kind or fingerprint not in (None, found[1]):
            raise EngineError("mismatch")
        with path.open("rb") as file:
            file.readline()
            for line in file:
                yield json.loads(line)


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    offset: int
    sha256: str


class Known:
    """Records of an earlier run, by path and content hash; those of another kind or fingerprint are passed over."""

    def __init__(self, paths: Sequence[Path], kind: Kind, fingerprint: str) -> None:
        self._places: dict[str, _Place] = {}
        for path in paths:
            if header_of(path) == (kind, fingerprint):
                self._index(path)

    def get(self, path: str, sha256: str) -> dict[str, object] | None:
        """The record of a file that has not changed since, or None."""
        place = self._places.get(path)
        if place is None or place.sha256 != sha256:
            return None
        with place.path.open("rb") as file:
            file.seek(place.offset)
            row: dict[str, object] = json.loads(file.readline())
        return row

    def _index(self, path: Path) -> None:
        with path.open("rb") as file:
            offset = len(file.readline())
            for line in file:
                row = json.loads(line)
                self._places[row["path"]] = _Place(path, offset, row["sha256"])
                offset += len(line)


def edit_rows(edits: Edits) -> list[EditRow]:
    """Edits as JSON; their texts are UTF-8."""
    return [(edit.start, edit.end, edit.text.decode()) for edit in edits]


def _edits(rows_: Iterable[EditRow]) -> Edits:
    return tuple(Edit(start, end, text.encode()) for start, end, text in rows_)


def finding_row(finding: Finding, fingerprint: str, ordinal: int) -> FindingRow:
    """A finding as JSON."""
    proposal = finding.proposal
    return FindingRow(
        fingerprint=fingerprint,
        ordinal=ordinal,
        rule=finding.rule,
        message=finding.message,
        start=finding.start,
        end=finding.end,
        line=finding.line,
        endLine=finding.end_line,
        edits=None if proposal is None else edit_rows(proposal.edits),
        safe=proposal is not None and proposal.safe,
        withheld=finding.withheld,
    )


def finding_of(row: FindingRow) -> Finding:
    """What `finding_row` wrote."""
    proposal = None if row["edits"] is None else Proposal(_edits(row["edits"]), row["safe"])
    return Finding(
        row["rule"],
        row["message"],
        row["start"],
        row["end"],
        row["line"],
        row["endLine"],
        proposal,
        row["withheld"],
    )


def verdict_row(verdict: Verdict) -> VerdictRow:
    """A verdict as JSON."""
    candidate = verdict.candidate
    return VerdictRow(
        findings=list(candidate.findings),
        edits=edit_rows(candidate.edits),
        safe=candidate.safe,
        outcome=verdict.outcome,
        cause=verdict.cause,
        group=verdict.group,
        bounded=verdict.bounded,
        tookIn=list(verdict.took_in),
        removes=list(verdict.removes),
    )


def verdict_of(row: VerdictRow) -> Verdict:
    """What `verdict_row` wrote."""
    candidate = Candidate(tuple(row["findings"]), _edits(row["edits"]), row["safe"])
    cause = row["cause"]
    return Verdict(
        candidate,
        row["outcome"],  # type: ignore[arg-type]  # this program wrote it
        None if cause is None else (cause[0], cause[1], cause[2]),
        row["group"],
        row["bounded"],
        tuple(row["tookIn"]),
        tuple(row["removes"]),
    )
