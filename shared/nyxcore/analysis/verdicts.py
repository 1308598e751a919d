"""Whether a changed content is worse than what it came from, by what the tools say about both.

The measure is the multiset of signatures (rule, message without line numbers): after a fix it must be
contained in what it was before, less the findings that the fix is for.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence

from nyxcore.analysis.edits import BackMap
from nyxcore.analysis.models import Edit, Finding
from nyxcore.analysis.reports import Report, Signature, resolve, signature_of

Signatures = Counter[Signature]


def signatures(findings: Iterable[Finding]) -> Signatures:
    """How often each signature is there."""
    return Counter(signature_of(finding) for finding in findings)


def excess(
    before: Sequence[Finding], fixed: Iterable[int], total: Signatures, after: Sequence[Report]
) -> list[Signature]:
    """Signatures that are there more often than allowed, once for each time; mostly none.

    Parameters
    ----------
    before : the findings before the change, of which those at the positions `fixed` must be gone.
    total : `signatures(before)`.
    after : the reports on the changed content.
    """
    budget = total.copy()
    for index in fixed:
        budget[signature_of(before[index])] -= 1
    over = []
    for report in after:
        left = budget[report.signature]
        if left <= 0:
            over.append(report.signature)
        budget[report.signature] = left - 1
    return over


def really_new(
    before: Sequence[Finding],
    fixed: Iterable[int],
    content: bytes,
    edits: Sequence[Edit],
    after: Sequence[Report],
) -> list[Finding]:
    """The findings on the changed `content` that none of those before accounts for.

    A message may quote code that the change rewrote. So a finding counts as the old one, too, when it is of
    the same rule and stands at the place from which that one has vanished.
    """
    gone = set(fixed)
    carried, born = match(
        before, [index for index in range(len(before)) if index not in gone], content, edits, after
    )
    return [carried[index][0] for index in born]


def match(
    before: Sequence[Finding],
    kept: Sequence[int],
    content: bytes,
    edits: Sequence[Edit],
    after: Sequence[Report],
) -> tuple[list[tuple[Finding, int | None]], list[int]]:
    """Find for each finding after a change the one before it that it is.

    Parameters
    ----------
    before : the findings before; only those at the positions `kept` may come back.
    content : the changed content; `edits` led to it.
    after : the reports on it.

    Returns
    -------
    The findings after, each with the position of its match in `before` or None, and the positions of those
    without a match.
    """
    back = BackMap(edits)
    found = resolve(content, after)
    places = [back(finding.start) for finding in found]
    names = [signature_of(finding) for finding in found]
    matches: list[int | None] = [None] * len(found)
    free = set(kept)
    by_place = _queues(((signature_of(before[index]), before[index].start), index) for index in kept)
    by_name = _queues((signature_of(before[index]), index) for index in kept)
    by_rule = _queues(((before[index].rule, before[index].start), index) for index in kept)
    for number in range(len(found)):
        matches[number] = _take(by_place.get((names[number], places[number])), free)
    for number in range(len(found)):
        if matches[number] is None:
            matches[number] = _take(by_name.get(names[number]), free)
    for number, finding in enumerate(found):
        if matches[number] is None:
            matches[number] = _take(by_rule.get((finding.rule, places[number])), free)
    born = [number for number, index in enumerate(matches) if index is None]
    return list(zip(found, matches, strict=True)), born


def _queues[Key](entries: Iterable[tuple[Key, int]]) -> dict[Key, deque[int]]:
    queues: dict[Key, deque[int]] = {}
    for key, index in entries:
        queues.setdefault(key, deque()).append(index)
    return queues


def _take(queue: deque[int] | None, free: set[int]) -> int | None:
    """The first of the queue that nothing has matched yet."""
    while queue:
        index = queue.popleft()
        if index in free:
            free.remove(index)
            return index
    return None
