"""Names for findings that stay the same while lines are added above them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from nyxcore.analysis.locate import Rows
from nyxcore.analysis.models import Finding


def fingerprints(path: str, content: bytes, findings: Sequence[Finding]) -> list[tuple[str, int]]:
    """Fingerprint and ordinal of each finding, in order.

    The fingerprint is made of rule, path, the text of the finding's first line with blanks squeezed, and
    which of the findings equal in all that it is, counted from 0 in the order of places: the ordinal.
    """
    if not findings:
        return []
    rows = Rows(content)
    seen: Counter[tuple[str, bytes]] = Counter()
    found = []
    for finding in findings:
        text = b" ".join(rows.text(finding.line).split())
        ordinal = seen[finding.rule, text]
        seen[finding.rule, text] += 1
        parts = (finding.rule.encode(), path.encode("utf-8", "surrogateescape"), text, b"%d" % ordinal)
        found.append((hashlib.sha256(b"\0".join(parts)).hexdigest()[:40], ordinal))
    return found
