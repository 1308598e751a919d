"""The fixes that may be tried on a content, one for all findings that the same edits would mend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nyxcore.analysis.models import Candidate, Edits, Finding, Options
from nyxcore.analysis.rulebook import PYTHON_SYNTAX, rules

# Each fix is judged, told with a diff of its own and kept: a file with more of them is data or made by a
# program. It is left alone as a whole, since a part would leave the rest to the next run.
MOST_CANDIDATES: Final = 5_000


def candidates_of(findings: Sequence[Finding], options: Options) -> list[Candidate]:
    """The fixes to judge, in the order of their places; none when there are more than `MOST_CANDIDATES`."""
    found = offered(findings, options)
    return found if len(found) <= MOST_CANDIDATES else []


def offered(findings: Sequence[Finding], options: Options) -> list[Candidate]:
    """The fixes on offer, in the order of their places.

    A fix is left out when the tool calls it unsafe for any of its findings and the options do not allow that,
    when none of its findings is in a wanted category, and when the file does not parse as Python.
    """
    if any(finding.rule == PYTHON_SYNTAX for finding in findings):
        return []
    together: dict[Edits, list[int]] = {}
    for index, finding in enumerate(findings):
        if finding.proposal is not None:
            together.setdefault(finding.proposal.edits, []).append(index)
    found = []
    for edits, indices in together.items():
        safe = all(_is_safe(findings[index]) for index in indices)
        wanted = any(options.wants(rules()[findings[index].rule].category) for index in indices)
        if wanted and (safe or options.unsafe):
            found.append(Candidate(tuple(indices), edits, safe))
    found.sort(key=lambda candidate: candidate.edits)
    return found


def _is_safe(finding: Finding) -> bool:
    return finding.proposal is not None and finding.proposal.safe
