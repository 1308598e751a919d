"""The job `verify`: every fix of a pack judged by itself on the pristine content of its file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from nyxcore.analysis.candidates import candidates_of
from nyxcore.analysis.job import Job, ProgressMeter, read_source
from nyxcore.analysis.judge import Judge, Subject
from nyxcore.analysis.models import SourceFile
from nyxcore.analysis.protocol import (
    DetectedRow,
    Known,
    RowWriter,
    VerifiedRow,
    finding_of,
    results_fingerprint,
    rows,
    verdict_row,
)


class Verification:
    """One run of the job over one pack."""

    def __init__(self, job: Job, known: Sequence[Path]) -> None:
        self._job = job
        self._detected_under = results_fingerprint(job.rules, job.settings, None)
        self._fingerprint = results_fingerprint(job.rules, job.settings, job.options)
        self._known = Known(known, "verified", self._fingerprint)
        self._waiting: deque[VerifiedRow] = deque()

    def run(self, detected: Path, out: Path) -> None:
        """Read the detected records and write the verified ones, of the files that have a fix to judge."""
        total = sum(len(self._subject(row, b"").candidates) for row in self._rows(detected))
        progress = self._job.progress("verifying", total, "fixes")
        judge = Judge(self._job.scanner, self._job.options)
        with RowWriter(out, "verified", self._fingerprint) as writer:
            subjects = self._subjects(detected, progress)
            for subject in judge.judge(subjects):
                row = next(row for row in self._waiting if not row["verdicts"])
                row["verdicts"] = [verdict_row(verdict) for verdict in subject.results()]
                self._flush(writer)
                progress.advance(len(subject.candidates))
            self._flush(writer)

    def _rows(self, detected: Path) -> Iterator[DetectedRow]:
        return cast("Iterator[DetectedRow]", rows([detected], "detected", self._detected_under))

    def _subjects(self, detected: Path, progress: ProgressMeter) -> Iterator[Subject]:
        for row in self._rows(detected):
            if not any(finding["edits"] for finding in row["findings"]):
                continue
            if not self._subject(row, b"").candidates:
                continue
            known = cast("VerifiedRow | None", self._known.get(row["path"], row["sha256"]))
            if known is not None:
                self._waiting.append(known)
                progress.advance(len(known["verdicts"]))
                continue
            self._waiting.append(VerifiedRow(path=row["path"], sha256=row["sha256"], verdicts=[]))
            content = read_source(self._job.root, SourceFile(row["path"], row["sha256"], row["language"]))
            yield self._subject(row, content)

    def _subject(self, row: DetectedRow, content: bytes) -> Subject:
        findings = [finding_of(finding) for finding in row["findings"]]
        return Subject(
            row["path"], row["language"], content, findings, candidates_of(findings, self._job.options)
        )

    def _flush(self, writer: RowWriter) -> None:
        while self._waiting and self._waiting[0]["verdicts"]:
            writer.write(self._waiting.popleft())
