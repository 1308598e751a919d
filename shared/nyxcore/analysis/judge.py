"""Judges fixes one by one on the content that they were offered for, many in few scans.

Bounds: a file with more than 50 fixes, or whose variants would be more than 32 MB, is judged in groups that
are halved while they fail; what is not settled when the file's share is used up is given up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from nyxcore.analysis.bindings import removed_names
from nyxcore.analysis.edits import BackMap, apply, compose, merged
from nyxcore.analysis.models import Candidate, Edits, Finding, Options, Verdict
from nyxcore.analysis.reports import signature_of
from nyxcore.analysis.rulebook import SYNTAX
from nyxcore.analysis.scanner import Document, Reports, Scanner
from nyxcore.analysis.variants import Pack, compatible, packs
from nyxcore.analysis.verdicts import Signatures, excess, really_new, signatures

MOST_SINGLE_FIXES = 50
MOST_VARIANT_BYTES = 32 << 20
_MOST_GROUP_SCANS = 400
_MOST_TAKEN_IN = 3
_CHUNK_BYTES = 24 << 20


@dataclass(slots=True)
class Subject:
    """One content of a file, what the tools say about it, and the fixes to judge on it."""

    path: str
    language: str
    content: bytes
    findings: Sequence[Finding]
    candidates: Sequence[Candidate]
    total: Signatures = field(init=False)
    verdicts: list[Verdict | None] = field(init=False)
    bytes_left: int = field(init=False, default=MOST_VARIANT_BYTES)
    scans_left: int = field(init=False, default=_MOST_GROUP_SCANS)
    grouped: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.total = signatures(self.findings)
        self.verdicts = [None] * len(self.candidates)

    def results(self) -> list[Verdict]:
        """The verdicts in the order of the candidates."""
        return [verdict for verdict in self.verdicts if verdict is not None]


@dataclass(slots=True)
class _Trial:
    """One variant to scan: some candidates together, or one with what it has taken in."""

    subject: Subject
    members: Pack
    edits: Edits
    content: bytes = b""
    took_in: tuple[str, ...] = ()
    safe: bool = True


class Judge:
    """Judges subjects with one scanner under one set of options."""

    def __init__(self, scanner: Scanner, options: Options) -> None:
        self._scanner = scanner
        self._options = options

    def judge(self, subjects: Iterable[Subject]) -> Iterator[Subject]:
        """Fill in the verdicts of the subjects and give them back in their order, a few at a time."""
        for chunk in _chunks(subjects):
            trials = [trial for subject in chunk for trial in _first_trials(subject)]
            while trials:
                trials = self._wave(trials)
            for subject in chunk:
                self._note_removals(subject)
            yield from chunk

    def _wave(self, trials: list[_Trial]) -> list[_Trial]:
        following: list[_Trial] = []
        scans = self._scanner.scan(self._documents(trials))
        for trial, reports in zip(trials, scans, strict=True):
            following += self._settle(trial, reports)
            trial.content = b""
        return following

    def _documents(self, trials: list[_Trial]) -> Iterator[Document]:
        for trial in trials:
            trial.content = apply(trial.subject.content, trial.edits)
            yield Document(trial.subject.path, trial.subject.language, trial.content)

    def _settle(self, trial: _Trial, reports: Reports) -> list[_Trial]:
        """Note what a scan has settled; give back what has to be tried next."""
        subject = trial.subject
        fixed = [index for member in trial.members for index in subject.candidates[member].findings]
        new: list[Finding] = []
        if reports is not None and excess(subject.findings, fixed, subject.total, reports):
            new = really_new(subject.findings, fixed, trial.content, trial.edits, reports)
        if reports is not None and not new:
            for member in trial.members:
                self._accept(trial, member)
            return []
        if len(trial.members) > 1:
            return _smaller(trial)
        if new and (again := self._taking_in(trial, new)) is not None:
            return [again]
        subject.verdicts[trial.members[0]] = _rejection(trial, new)
        return []

    def _accept(self, trial: _Trial, member: int) -> None:
        subject = trial.subject
        candidate = subject.candidates[member]
        if len(trial.members) == 1:
            candidate = replace(candidate, edits=trial.edits, safe=candidate.safe and trial.safe)
        group = len(trial.members) - 1
        subject.verdicts[member] = Verdict(
            candidate, "accepted", group=group, bounded=subject.grouped, took_in=trial.took_in
        )

    def _taking_in(self, trial: _Trial, new: list[Finding]) -> _Trial | None:
        """The same fix with the one for a finding that it brought up, if that lies in the text that it wrote."""
        if len(trial.took_in) >= _MOST_TAKEN_IN:
            return None
        inside = BackMap(trial.edits).inside
        for finding in new:
            proposal = finding.proposal
            if proposal is None or not (proposal.safe or self._options.unsafe):
                continue
            if all(inside(edit.start, edit.end) for edit in proposal.edits):
                edits = compose(trial.edits, proposal.edits, trial.content)
                took_in = (*trial.took_in, finding.rule)
                return _Trial(
                    trial.subject, trial.members, edits, took_in=took_in, safe=trial.safe and proposal.safe
                )
        return None

    def _note_removals(self, subject: Subject) -> None:
        for index, verdict in enumerate(subject.verdicts):
            if verdict is not None and verdict.accepted:
                names = removed_names(subject.content, verdict.candidate.edits, subject.language)
                if names:
                    subject.verdicts[index] = replace(verdict, removes=names)


def _chunks(subjects: Iterable[Subject]) -> Iterator[list[Subject]]:
    """Subjects in groups whose contents and variants fit into memory."""
    chunk: list[Subject] = []
    size = 0
    for subject in subjects:
        cost = len(subject.content) * (1 + min(len(subject.candidates), MOST_SINGLE_FIXES))
        if chunk and size + cost > _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(subject)
        size += cost
    if chunk:
        yield chunk


def _first_trials(subject: Subject) -> list[_Trial]:
    if not subject.candidates:
        return []
    members = tuple(range(len(subject.candidates)))
    if len(members) <= MOST_SINGLE_FIXES:
        first = packs(subject.content, subject.language, subject.candidates)
        if len(subject.content) * max(len(first), len(members)) <= MOST_VARIANT_BYTES:
            return [_trial(subject, pack) for pack in first]
    subject.grouped = True
    together, left = compatible(subject.candidates, members)
    for member in left:
        subject.verdicts[member] = Verdict(subject.candidates[member], "deferred", bounded=True)
    return _afford(subject, [together])


def _trial(subject: Subject, members: Pack) -> _Trial:
    return _Trial(subject, members, merged(subject.candidates[member].edits for member in members))


def _smaller(trial: _Trial) -> list[_Trial]:
    subject, members = trial.subject, trial.members
    if not subject.grouped:
        return [_trial(subject, (member,)) for member in members]
    half = len(members) // 2
    return _afford(subject, [members[:half], members[half:]])


def _afford(subject: Subject, groups: list[Pack]) -> list[_Trial]:
    """Trials for the groups, as long as the file's share of scans and bytes lasts."""
    trials = []
    for members in groups:
        subject.bytes_left -= len(subject.content)
        subject.scans_left -= 1
        if subject.bytes_left >= 0 and subject.scans_left >= 0:
            trials.append(_trial(subject, members))
            continue
        for member in members:
            subject.verdicts[member] = Verdict(subject.candidates[member], "too_many", bounded=True)
    return trials


def _rejection(trial: _Trial, new: list[Finding]) -> Verdict:
    subject, member = trial.subject, trial.members[0]
    candidate = subject.candidates[member]
    if not new:
        return Verdict(candidate, "unscannable", took_in=trial.took_in)
    own = {signature_of(subject.findings[index]) for index in candidate.findings}
    first = new[0]
    cause = (first.rule, first.message, first.line)
    if first.rule in SYNTAX:
        return Verdict(candidate, "broken", cause, took_in=trial.took_in)
    if all(signature_of(finding) in own for finding in new):
        return Verdict(candidate, "not_gone", cause, took_in=trial.took_in)
    return Verdict(candidate, "new_finding", cause, took_in=trial.took_in)
