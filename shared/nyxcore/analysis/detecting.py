"""The job `detect`: every file of a pack scanned, and its words noted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from nyxcore.analysis.fingerprints import fingerprints
from nyxcore.analysis.job import Job, ProgressMeter, read_source
from nyxcore.analysis.models import REFERENCE, SourceFile
from nyxcore.analysis.objects import open_finding, told
from nyxcore.analysis.protocol import (
    DetectedRow,
    Known,
    RowWriter,
    WordsRow,
    finding_row,
    results_fingerprint,
)
from nyxcore.analysis.reports import resolve
from nyxcore.analysis.scanner import Document, Reports
from nyxcore.analysis.words import words_of

_ITEMS_A_CALL = 100


@dataclass(slots=True)
class _Waiting:
    """A file in its turn: its record, or its content as long as the scan is not back."""

    file: SourceFile
    row: DetectedRow | None
    content: bytes = b""


class Detection:
    """One run of the job over one pack."""

    def __init__(self, job: Job, known: Sequence[Path]) -> None:
        self._job = job
        self._fingerprint = results_fingerprint(job.rules, job.settings, None)
        self._known = Known(known, "detected", self._fingerprint)
        self._known_words = Known(known, "words", self._fingerprint)
        self._waiting: deque[_Waiting] = deque()
        self._items: list[dict[str, object]] = []

    def run(self, files: Sequence[SourceFile], out: Path, words_out: Path) -> None:
        """Write the detected records to `out` and the words of every file to `words_out`."""
        progress = self._job.progress("detecting", sum(file.language != REFERENCE for file in files), "files")
        with (
            RowWriter(out, "detected", self._fingerprint) as rows,
            RowWriter(words_out, "words", self._fingerprint) as words,
        ):
            for reports in self._job.scanner.scan(self._documents(files, words)):
                self._fill(reports)
                self._flush(rows, progress)
            self._flush(rows, progress)
            progress.advance(0, self._items)

    def _documents(self, files: Sequence[SourceFile], words: RowWriter) -> Iterator[Document]:
        for file in files:
            row = cast("DetectedRow | None", self._known.get(file.path, file.sha256))
            text = self._known_words.get(file.path, file.sha256)
            content = (
                b"" if text and (row or file.language == REFERENCE) else read_source(self._job.root, file)
            )
            words.write(
                text or WordsRow(path=file.path, sha256=file.sha256, words=words_of(content, file.language))
            )
            if file.language == REFERENCE:
                continue
            if row is None and not _is_utf8(content):
                row = _row(file, skipped="it is not UTF-8")
            self._waiting.append(_Waiting(file, row, b"" if row else content))
            if row is None:
                yield Document(file.path, file.language, content)

    def _fill(self, reports: Reports) -> None:
        """Give the reports to the first file that waits for some."""
        entry = next(entry for entry in self._waiting if entry.row is None)
        if reports is None:
            entry.row = _row(entry.file, skipped="the scan of it took too much time or memory")
            return
        entry.row = _row(entry.file)
        findings = resolve(entry.content, reports)
        names = fingerprints(entry.file.path, entry.content, findings)
        entry.row["findings"] = [
            finding_row(finding, *name) for finding, name in zip(findings, names, strict=True)
        ]
        entry.content = b""

    def _flush(self, rows: RowWriter, progress: ProgressMeter) -> None:
        """Write the records whose turn has come, and tell their findings a hundred at a time."""
        while self._waiting and (row := self._waiting[0].row) is not None:
            self._waiting.popleft()
            rows.write(row)
            progress.advance(1)
            for index in told(row["path"], [one["rule"] for one in row["findings"]], self._job.options):
                self._items.append(open_finding(row["path"], row["findings"][index]))
                if len(self._items) == _ITEMS_A_CALL:
                    progress.advance(0, self._items)
                    self._items = []


def _row(file: SourceFile, *, skipped: str | None = None) -> DetectedRow:
    return DetectedRow(
        path=file.path, sha256=file.sha256, language=file.language, skipped=skipped, findings=[]
    )


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
