"""Writes the outcome: each finding with its state and reason, each fix with its diff and evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from nyxcore.analysis import wording
from nyxcore.analysis.candidates import MOST_CANDIDATES, offered
from nyxcore.analysis.diffs import Lines, unified
from nyxcore.analysis.filestate import AcceptedFix, FileState
from nyxcore.analysis.job import Job
from nyxcore.analysis.models import Finding, State, Verdict
from nyxcore.analysis.objects import finding_key, finding_object, told
from nyxcore.analysis.protocol import DetectedRow, RowWriter, edit_rows, finding_of
from nyxcore.analysis.rounds import MOST_ROUNDS
from nyxcore.analysis.rulebook import PYTHON_SYNTAX

if TYPE_CHECKING:
    from nyxcore.analysis.combining import Combined

Told = tuple[State, str]


class Teller:
    """Tells one combined tree, file by file in the order of the detected records."""

    def __init__(self, job: Job, combined: Combined, verdicts: Mapping[str, list[Verdict]]) -> None:
        self._job = job
        self._combined = combined
        self._verdicts = verdicts
        self._states = {state.path: state for state in combined.states}
        self._counts: Counter[str] = Counter()

    def tell(self, files: Iterator[DetectedRow], writer: RowWriter) -> None:
        """Write a row for each finding, each fix and each skipped file, and a summary at the end."""
        for row in files:
            self._counts["files"] += 1
            if row["skipped"] is not None:
                self._counts["skipped"] += 1
                writer.write({"skipped": {"file": row["path"], "reason": row["skipped"]}})
            self._tell_file(row, writer)
        changed = sum(bool(state.fixes) for state in self._combined.states)
        writer.write(
            {"summary": {**self._counts, "changedFiles": changed, "gitChecked": self._combined.git_checked}}
        )

    def _tell_file(self, row: DetectedRow, writer: RowWriter) -> None:
        state = self._states.get(row["path"])
        findings = row["findings"]
        reported = told(row["path"], [finding["rule"] for finding in findings], self._job.options)
        keys = {
            index: finding_key(findings[index]["fingerprint"], findings[index]["ordinal"])
            for index in reported
        }
        fixes = state.fixes if state is not None else []
        fixed_by = {origin: fix.key for fix in fixes for origin in fix.origins}
        left = self._left(row, state)
        for index in reported:
            if index in fixed_by:
                found = finding_object(row["path"], findings[index], "fixed", None, fixed_by[index])
            else:
                found = finding_object(row["path"], findings[index], *left(index), None)
            self._write_finding(found, writer)
        if state is not None:
            self._tell_fixes(state, keys, writer)

    def _left(self, row: DetectedRow, state: FileState | None) -> _Left:
        if state is None:
            findings = [finding_of(finding) for finding in row["findings"]]
            return _Left(self._job, findings, range(len(findings)), self._verdicts.get(row["path"], []))
        current = [state.tracked[origin].finding for origin in range(len(state.tracked))]
        for index, origin in enumerate(state.origins):
            current[origin] = state.findings[index]
        return _Left(
            self._job, current, state.origins, state.verdicts or [], state=state, combined=self._combined
        )

    def _tell_fixes(self, state: FileState, keys: dict[int, str], writer: RowWriter) -> None:
        before: Lines | None = None
        for fix in state.fixes:
            if before is None or before.content is not fix.before:
                before = Lines(fix.before)
            names = [keys[origin] for origin in fix.origins if origin in keys]
            writer.write({"fix": self._fix_object(state, fix, names, before)})
            self._counts["fixes"] += 1

    def _fix_object(
        self, state: FileState, fix: AcceptedFix, findings: list[str], before: Lines
    ) -> dict[str, object]:
        mended = [state.tracked[origin] for origin in fix.origins]
        return {
            "key": fix.key,
            "file": fix.path,
            "findings": findings,
            "edits": [
                {"start": start, "end": end, "text": text} for start, end, text in edit_rows(fix.edits)
            ],
            "baseSha256": state.sha256,
            "diff": unified(fix.path, before, fix.local).decode(),
            "explanation": wording.explanation(mended, fix.verdict),
            "safe": fix.verdict.candidate.safe,
            "needs": list(fix.needs),
            "evidence": wording.evidence(fix, git=self._combined.git_checked),
        }

    def _write_finding(self, found: dict[str, object], writer: RowWriter) -> None:
        self._counts["findings"] += 1
        self._counts[str(found["state"])] += 1
        writer.write({"finding": found})


class _Left:
    """Says of a finding of one file why it was left."""

    def __init__(
        self,
        job: Job,
        current: list[Finding],
        origins: range | list[int],
        verdicts: list[Verdict],
        *,
        state: FileState | None = None,
        combined: Combined | None = None,
    ) -> None:
        self._job, self._current, self._state, self._combined = job, current, state, combined
        self._too_many = len(offered(current, job.options)) > MOST_CANDIDATES
        self._parses = all(finding.rule != PYTHON_SYNTAX for finding in current)
        self._verdict_on = {
            origins[index]: verdict for verdict in verdicts for index in verdict.candidate.findings
        }

    def _not_tried(self, origin: int) -> str:
        finding = self._current[origin]
        return wording.no_offer(finding, self._job.options, parses=self._parses, too_many=self._too_many)

    def __call__(self, origin: int) -> Told:
        verdict = self._verdict_on.get(origin)
        if verdict is None:
            return "no_fix", self._not_tried(origin)
        if self._state is None or self._combined is None:
            return "failed", wording.rejected(verdict)
        if self._state.path in self._combined.refused:
            return "failed", wording.refused(self._combined.refused[self._state.path])
        if not verdict.accepted:
            return "failed", wording.rejected(verdict)
        users = {name: self._combined.mentions.elsewhere(name, self._state.path) for name in verdict.removes}
        held = [name for name, files in users.items() if files]
        if held:
            return "no_fix", wording.held(held, sorted({path for name in held for path in users[name]}))
        if self._state.withdrawn:
            return "failed", wording.restless(MOST_ROUNDS)
        return "failed", wording.not_combined()
