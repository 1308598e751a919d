"""The job `combine`: the fixes of the whole tree put together, checked as one, and told."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from nyxcore.analysis.edits import apply
from nyxcore.analysis.errors import EngineError
from nyxcore.analysis.filestate import FileState
from nyxcore.analysis.job import Job, ProgressMeter, read_source
from nyxcore.analysis.models import SourceFile, Verdict
from nyxcore.analysis.patch import compile_worse, patch_of, refused_by_git
from nyxcore.analysis.protocol import (
    DetectedRow,
    RowWriter,
    VerifiedRow,
    WordsRow,
    finding_of,
    header_of,
    results_fingerprint,
    rows,
    verdict_of,
)
from nyxcore.analysis.rounds import Settlement
from nyxcore.analysis.telling import Teller
from nyxcore.analysis.wording import Check
from nyxcore.analysis.words import Mentions


@dataclass(slots=True)
class Combined:
    """The settled tree: the files that have or had fixes, and what the guard goes by."""

    states: list[FileState]
    mentions: Mentions
    git_checked: bool
    refused: dict[str, Check]


class Combination:
    """One run of the job over a whole tree.

    Parameters
    ----------
    known : outcomes of earlier runs, each with its patch; one with the very same inputs is taken as it is.
    """

    def __init__(self, job: Job, known: Sequence[tuple[Path, Path]]) -> None:
        self._job = job
        self._known = known
        self._detected_under = results_fingerprint(job.rules, job.settings, None)
        self._verified_under = results_fingerprint(job.rules, job.settings, job.options)

    def run(
        self,
        detected: Sequence[Path],
        verified: Sequence[Path],
        words: Sequence[Path],
        out: Path,
        patch: Path,
    ) -> None:
        """Write the outcome to `out` and the patch to `patch`."""
        fingerprint = self._inputs(words)
        if self._reuse(fingerprint, out, patch):
            return
        verdicts = {
            str(row["path"]): [verdict_of(verdict) for verdict in row["verdicts"]]
            for row in cast("Iterator[VerifiedRow]", rows(verified, "verified", self._verified_under))
        }
        combined = self._combine(detected, verdicts, words)
        patch.write_bytes(patch_of(combined.states))
        teller = Teller(self._job, combined, verdicts)
        with RowWriter(out, "outcome", fingerprint) as writer:
            teller.tell(
                cast("Iterator[DetectedRow]", rows(detected, "detected", self._detected_under)), writer
            )

    def _inputs(self, words: Sequence[Path]) -> str:
        """A digest of everything that the outcome depends on: choices, rules, and each file of the tree."""
        digest = hashlib.sha256(self._verified_under.encode())
        digest.update(b"git" if self._job.tools.git else b"no git")
        for row in rows(words, "words", self._detected_under):
            digest.update(f"{row['path']}\0{row['sha256']}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _reuse(self, fingerprint: str, out: Path, patch: Path) -> bool:
        for known_outcome, known_patch in self._known:
            if header_of(known_outcome) == ("outcome", fingerprint):
                shutil.copyfile(known_outcome, out)
                shutil.copyfile(known_patch, patch)
                return True
        return False

    def _combine(
        self, detected: Sequence[Path], verdicts: Mapping[str, list[Verdict]], words: Sequence[Path]
    ) -> Combined:
        """Settle the tree; a file that fails a check of the whole is left as it was, and all is settled anew."""
        refused: dict[str, Check] = {}
        while True:
            states = self._states(detected, verdicts)
            free = [state for state in states if state.path not in refused]
            progress = self._job.progress("combining", len(free), "files")
            quiet: set[str] = set()

            def count(path: str, quiet: set[str] = quiet, progress: ProgressMeter = progress) -> None:
                progress.advance(path not in quiet)
                quiet.add(path)

            mentions = Mentions(self._words(words))
            Settlement(self._job.scanner, self._job.options, mentions, count).settle(free)
            if any(apply(state.pristine, state.layer) != state.content for state in free):
                raise EngineError("internal")
            by_git = refused_by_git(free, self._job.tools, self._job.work / f"git-{len(refused)}")
            new: dict[str, Check] = dict.fromkeys(by_git or (), "git")
            new |= dict.fromkeys(compile_worse(free), "compiler")
            if not new:
                return Combined(states, mentions, by_git is not None, refused)
            refused |= new

    def _states(self, detected: Sequence[Path], verdicts: Mapping[str, list[Verdict]]) -> list[FileState]:
        """The files that have a fix which the rounds may take."""
        states = []
        for row in cast("Iterator[DetectedRow]", rows(detected, "detected", self._detected_under)):
            judged = verdicts.get(row["path"], ())
            if not any(verdict.outcome in ("accepted", "deferred") for verdict in judged):
                continue
            content = read_source(self._job.root, SourceFile(row["path"], row["sha256"], row["language"]))
            findings = [finding_of(finding) for finding in row["findings"]]
            states.append(
                FileState(
                    row["path"], row["language"], row["sha256"], content, content, findings, list(judged)
                )
            )
        return states

    def _words(self, paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
        for row in cast("Iterator[WordsRow]", rows(paths, "words", self._detected_under)):
            yield row["path"], row["words"]
