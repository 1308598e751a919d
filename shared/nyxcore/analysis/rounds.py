"""Puts judged fixes together, file by file, until nothing more can be taken in.

A stage looks at every file by itself, with the words of the tree as they were when it began. In it a file
goes through rounds: take all accepted fixes that do not collide, scan the result, judge what is still or
newly offered on it. A file that is not quiet after five rounds goes back to where the stage found it. When
a stage has changed words, names that the guard held back may be free, and a further stage takes those.

The last stage accepts nothing on the final tree. A new run begins with the very same questions about the
very same tree, so that it accepts nothing either: this is what makes the result a fixed point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nyxcore.analysis.candidates import candidates_of
from nyxcore.analysis.edits import Taken, apply, merged
from nyxcore.analysis.filestate import AcceptedFix, FileState, Snapshot
from nyxcore.analysis.judge import Judge, Subject
from nyxcore.analysis.models import Edits, Finding, Options, Verdict
from nyxcore.analysis.reports import Report
from nyxcore.analysis.scanner import Document, Scanner
from nyxcore.analysis.verdicts import match
from nyxcore.analysis.words import Mentions, words_of

MOST_ROUNDS = 5


@dataclass(slots=True)
class _Attempt:
    """The fixes of one file in one round: those that go together, those on trial with them, those after.

    `good` is what scanning those that go together has given, None while there are none.
    """

    state: FileState
    trial: list[Verdict]
    rest: list[Verdict] = field(default_factory=list)
    together: list[Verdict] = field(default_factory=list)
    good: tuple[bytes, list[tuple[Finding, int | None]]] | None = None
    content: bytes = b""

    def all(self) -> list[Verdict]:
        """What the next scan is of."""
        return self.together + self.trial

    def edits(self) -> Edits:
        """The edits of all of them."""
        return merged(verdict.candidate.edits for verdict in self.all())

    def accept(self, matched: list[tuple[Finding, int | None]]) -> None:
        """Those on trial go with the others; the rest comes on trial."""
        self.together, self.good = self.all(), (self.content, matched)
        self.trial, self.rest = self.rest, []

    def narrow(self) -> None:
        """Try fewer: the first half, or, when it was a single one, go on without it."""
        half = len(self.trial) // 2
        self.trial, self.rest = (
            (self.trial[:half], self.trial[half:] + self.rest) if half else (self.rest, [])
        )


class Settlement:
    """Brings the files of one tree to rest."""

    def __init__(
        self, scanner: Scanner, options: Options, mentions: Mentions, on_quiet: Callable[[str], None]
    ) -> None:
        self._scanner = scanner
        self._options = options
        self._mentions = mentions
        self._judge = Judge(scanner, options)
        self._on_quiet = on_quiet
        self._fixes_of: dict[str, list[AcceptedFix]] = {}

    def settle(self, states: Sequence[FileState]) -> None:
        """Run stages until one changes nothing. The states hold the result."""
        active = list(states)
        while active:
            before = {state.path: state.content for state in active}
            self._stage(active)
            changed = [state for state in active if state.content != before[state.path]]
            if not changed:
                return
            self._mentions.update({state.path: words_of(state.content, state.language) for state in changed})
            self._fixes_of.update({state.path: state.fixes for state in changed})
            active = [state for state in states if state.withdrawn or self._eligible(state)]

    def _stage(self, states: Sequence[FileState]) -> None:
        starts = {state.path: state.snapshot() for state in states}
        for state in states:
            state.withdrawn, state.strict = False, False
        self._rounds(states, starts)
        in_debt = [state for state in states if state.has_debt()]
        for state in in_debt:
            state.restore(starts[state.path])
            state.strict = True
        self._rounds(in_debt, starts)

    def _rounds(self, states: Sequence[FileState], starts: Mapping[str, Snapshot]) -> None:
        active = list(states)
        for number in range(MOST_ROUNDS + 1):
            self._judge_all(active)
            attempts = [_Attempt(state, chosen) for state in active if (chosen := self._choose(state))]
            if number == MOST_ROUNDS:
                for attempt in attempts:
                    attempt.state.restore(starts[attempt.state.path])
                    attempt.state.withdrawn = True
                return
            moving = {attempt.state.path for attempt in attempts}
            for state in active:
                if state.path not in moving:
                    self._on_quiet(state.path)
            active = [attempt.state for attempt in attempts]
            while attempts:
                attempts = self._try(attempts)
            active = [state for state in active if state.verdicts is None]

    def _judge_all(self, states: Iterable[FileState]) -> None:
        waiting = [state for state in states if state.verdicts is None]
        by_path = {state.path: state for state in waiting}
        for subject in self._judge.judge(map(self._subject, waiting)):
            by_path[subject.path].verdicts = subject.results()

    def _subject(self, state: FileState) -> Subject:
        candidates = candidates_of(state.findings, self._options)
        return Subject(state.path, state.language, state.content, state.findings, candidates)

    def _choose(self, state: FileState) -> list[Verdict]:
        """The accepted fixes that nothing holds back, without those that collide with an earlier one."""
        taken = Taken()
        eligible = sorted(self._eligible(state), key=lambda verdict: verdict.candidate.edits)
        return [verdict for verdict in eligible if taken.claim(verdict.candidate.edits)]

    def _eligible(self, state: FileState) -> list[Verdict]:
        return [
            verdict for verdict in state.verdicts or () if verdict.accepted and not self._held(state, verdict)
        ]

    def _held(self, state: FileState, verdict: Verdict) -> bool:
        """Whether another file mentions a name that the fix would take away; who does is noted."""
        held = False
        for name in verdict.removes:
            users = self._mentions.elsewhere(name, state.path)
            if users:
                state.blockers.setdefault(name, set()).update(users)
                held = True
        return held

    def _try(self, attempts: list[_Attempt]) -> list[_Attempt]:
        """Scan the combined contents; give back the attempts that have fixes left to try."""
        scans = self._scanner.scan(self._documents(attempts))
        for attempt, reports in zip(attempts, scans, strict=True):
            matched = None if reports is None else self._matched(attempt, reports)
            if matched is None:
                attempt.narrow()
            else:
                attempt.accept(matched)
            if not attempt.trial and attempt.good is not None:
                state = attempt.state
                state.take(attempt.together, *attempt.good, self._needs_elsewhere(state, attempt.together))
        return [attempt for attempt in attempts if attempt.trial]

    def _documents(self, attempts: Iterable[_Attempt]) -> Iterator[Document]:
        for attempt in attempts:
            attempt.content = apply(attempt.state.content, attempt.edits())
            yield Document(attempt.state.path, attempt.state.language, attempt.content)

    def _matched(self, attempt: _Attempt, reports: list[Report]) -> list[tuple[Finding, int | None]] | None:
        """The findings on the combined content, matched with those before; None if there is an unbearable one.

        A new one is borne if a fix is offered for it that the next round may take; in a strict round none is.
        """
        state = attempt.state
        fixed = {index for verdict in attempt.all() for index in verdict.candidate.findings}
        kept = [index for index in range(len(state.findings)) if index not in fixed]
        matched, born = match(state.findings, kept, attempt.content, attempt.edits(), reports)
        new = [matched[number][0] for number in born]
        if any(state.strict or not candidates_of([finding], self._options) for finding in new):
            return None
        return matched

    def _needs_elsewhere(self, state: FileState, chosen: Iterable[Verdict]) -> list[str]:
        """Fixes in other files that took away the mentions which had held one of the chosen back."""
        needs = []
        for verdict in chosen:
            for name in verdict.removes:
                for path in sorted(state.blockers.get(name, ())):
                    needs += [fix.key for fix in self._fixes_of.get(path, ())]
        return needs
