"""One file on its way from pristine to combined: its content, its findings with their origin, its fixes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from nyxcore.analysis.edits import apply, compose, merged, moved, rebase, touched
from nyxcore.analysis.models import Edits, Finding, Verdict


@dataclass(slots=True)
class AcceptedFix:
    """A fix that is part of the combined tree.

    Attributes
    ----------
    before : the pristine content with all fixes of `needs` in this file.
    local : its edits as offsets into `before`.
    edits : its edits as offsets into the pristine file. One that covers edits of fixes in `needs` stands in
        their place.
    origins : the tracked findings that it mends, its own and those that went with it.
    needs : keys of the fixes that have to be there first.
    judged_on : how many of them were there when it was judged; the others came in the same round.
    """

    key: str
    path: str
    language: str
    before: bytes
    local: Edits
    edits: Edits
    origins: list[int]
    verdict: Verdict
    needs: tuple[str, ...]
    judged_on: int


@dataclass(slots=True)
class Tracked:
    """A finding followed through the rounds. `born` says that no finding of the pristine file is it."""

    finding: Finding
    born: bool


@dataclass(slots=True)
class Snapshot:
    """What a file goes back to when a stage of it fails."""

    content: bytes
    findings: list[Finding]
    origins: list[int]
    layer: Edits
    fixes: list[AcceptedFix]
    verdicts: list[Verdict] | None


@dataclass(slots=True)
class FileState:
    """One file of the tree that has fixes.

    Attributes
    ----------
    findings : what the tools say about `content`; `origins` has the number in `tracked` of each.
    layer : the edits from the pristine content to the present one.
    verdicts : on the fixes offered for `content`; None until they are judged.
    withdrawn : whether the fixes of the last stage were taken back because it found no rest.
    strict : whether the present stage bears no new finding, not even one with a fix.
    """

    path: str
    language: str
    sha256: str
    pristine: bytes
    content: bytes
    findings: list[Finding]
    verdicts: list[Verdict] | None
    tracked: list[Tracked] = field(init=False)
    origins: list[int] = field(init=False)
    layer: Edits = ()
    fixes: list[AcceptedFix] = field(default_factory=list)
    blockers: dict[str, set[str]] = field(default_factory=dict)
    withdrawn: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        self.tracked = [Tracked(finding, born=False) for finding in self.findings]
        self.origins = list(range(len(self.findings)))

    def snapshot(self) -> Snapshot:
        """The present state, to come back to."""
        return Snapshot(
            self.content, list(self.findings), list(self.origins), self.layer, list(self.fixes), self.verdicts
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a state."""
        self.content = snapshot.content
        self.findings, self.origins = list(snapshot.findings), list(snapshot.origins)
        self.layer, self.fixes, self.verdicts = snapshot.layer, list(snapshot.fixes), snapshot.verdicts

    def take(
        self,
        chosen: Sequence[Verdict],
        content: bytes,
        matched: Sequence[tuple[Finding, int | None]],
        needs: Iterable[str],
    ) -> None:
        """Make the chosen fixes, which do not collide, a part of the file.

        Parameters
        ----------
        content : the present content with all of them.
        matched : the findings on it, each with the position of the present finding that it is, or None.
        needs : keys of fixes in other files without which the chosen ones would have been held back.
        """
        wanted = list(dict.fromkeys([*(fix.key for fix in self.fixes), *needs]))
        new: list[AcceptedFix] = []
        for verdict, earlier in self._by_shared_text(chosen):
            new.append(self._accepted(verdict, [new[index] for index in earlier], wanted))
        self._note_vanished(new, {index for _, index in matched if index is not None})
        self.layer = compose(self.layer, merged(verdict.candidate.edits for verdict in chosen), self.content)
        origins = []
        for finding, index in matched:
            if index is None:
                self.tracked.append(Tracked(finding, born=True))
                origins.append(len(self.tracked) - 1)
            else:
                origins.append(self.origins[index])
        self.content, self.findings, self.origins = content, [finding for finding, _ in matched], origins
        self.fixes += new
        self.verdicts = None

    def has_debt(self) -> bool:
        """Whether a finding is left that the pristine file did not have."""
        return any(self.tracked[origin].born for origin in self.origins)

    def _by_shared_text(self, chosen: Sequence[Verdict]) -> Iterator[tuple[Verdict, list[int]]]:
        """Each chosen one with the positions of those before it that change the same text of earlier fixes.

        In terms of the pristine file these cannot be told apart: each stands in the place of the one before.
        """
        groups: list[tuple[set[int], list[int]]] = []
        for position, verdict in enumerate(chosen):
            shared = touched(self.layer, verdict.candidate.edits)
            if not shared:
                yield verdict, []
                continue
            meeting = [group for group in groups if group[0] & shared]
            earlier = sorted(index for _, members in meeting for index in members)
            groups = [group for group in groups if group not in meeting]
            groups.append((shared.union(*(group[0] for group in meeting)), [*earlier, position]))
            yield verdict, earlier

    def _accepted(
        self, verdict: Verdict, earlier: Sequence[AcceptedFix], needs: Sequence[str]
    ) -> AcceptedFix:
        below = merged(fix.verdict.candidate.edits for fix in earlier)
        before = apply(self.content, below) if below else self.content
        layer = compose(self.layer, below, self.content) if below else self.layer
        local = moved(verdict.candidate.edits, below)
        edits = rebase(layer, local, before)
        return AcceptedFix(
            key=_fix_key(self.path, self.sha256, edits),
            path=self.path,
            language=self.language,
            before=before,
            local=local,
            edits=edits,
            origins=[self.origins[index] for index in verdict.candidate.findings],
            verdict=verdict,
            needs=(*needs, *(fix.key for fix in earlier)),
            judged_on=len(needs),
        )

    def _note_vanished(self, new: Sequence[AcceptedFix], left: set[int]) -> None:
        """A finding can go with a fix that was not for it; it counts as mended by the nearest one."""
        own = {origin for fix in new for origin in fix.origins}
        for index, finding in enumerate(self.findings):
            origin = self.origins[index]
            if index in left or origin in own:
                continue
            nearest = min(new, key=lambda fix: _distance(fix.verdict.candidate.edits, finding))
            nearest.origins.append(origin)


def _distance(edits: Edits, finding: Finding) -> int:
    return min(max(edit.start - finding.end, finding.start - edit.end, 0) for edit in edits)


def _fix_key(path: str, sha256: str, edits: Edits) -> str:
    digest = hashlib.sha256(f"{path}\0{sha256}".encode("utf-8", "surrogateescape"))
    for edit in edits:
        digest.update(b"\0%d\0%d\0%d\0" % (edit.start, edit.end, len(edit.text)) + edit.text)
    return digest.hexdigest()[:40]
