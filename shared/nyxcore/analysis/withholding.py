"""Fixes that a tool offers and that are not tried, whatever the scans would say: no scan sees what they spoil.

Whether a fix is withheld depends on the content and what was found in it alone, so that a second run on the
result asks the same questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nyxcore.analysis.comments import PythonComments, script_comment_lost
from nyxcore.analysis.imports import UNUSED_IMPORT, Imports
from nyxcore.analysis.locate import Rows
from nyxcore.analysis.models import Edits, Finding, Proposal, Withheld
from nyxcore.analysis.rulebook import rules


def withhold(content: bytes, rows: Rows, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, without the fixes that are not to be tried and with the reason in their place.

    The same edits are one fix, so that they are withheld from all findings or from none.
    """
    withholder = _Withholder(content, rows)
    reasons: dict[Edits, Withheld] = {}
    for finding in findings:
        if finding.proposal is not None and finding.proposal.edits not in reasons:
            reason = withholder.reason(finding, finding.proposal)
            if reason is not None:
                reasons[finding.proposal.edits] = reason
    if not reasons:
        return list(findings)
    return [
        replace(finding, proposal=None, withheld=reasons[finding.proposal.edits])
        if finding.proposal is not None and finding.proposal.edits in reasons
        else finding
        for finding in findings
    ]


class _Withholder:
    """Says of each fix of one content whether it is withheld."""

    def __init__(self, content: bytes, rows: Rows) -> None:
        self._content = content
        self._comments = PythonComments(content, rows)
        self._imports = Imports(content, rows, self._comments)

    def reason(self, finding: Finding, proposal: Proposal) -> Withheld | None:
        trusted = rules()[finding.rule].fix
        if trusted == "none" or (trusted == "safe" and not proposal.safe):
            return "rule"
        if not finding.rule.startswith("ruff:"):
            return "comment" if script_comment_lost(self._content, proposal.edits) else None
        if finding.rule == UNUSED_IMPORT and (stays := self._imports.reason_to_stay(finding)) is not None:
            return stays
        return "comment" if self._comments.lost(proposal.edits) else None
