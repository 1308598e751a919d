"""Findings and fixes in the shape in which they leave the engine."""

from __future__ import annotations

from collections.abc import Sequence

from nyxcore.analysis.models import Options, State
from nyxcore.analysis.protocol import FindingRow
from nyxcore.analysis.rulebook import SYNTAX, rules

_DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")


def told(path: str, rule_ids: Sequence[str], options: Options) -> list[int]:
    """Positions of the findings of the file at `path` that are reported, given their rules.

    Of syntax errors the first one speaks for all that follow from it, and in a file of TypeScript declarations
    none does: the grammar does not cover all of their types, and compilers write most of them. Findings of
    categories that nobody asked for stay out.
    """
    found = []
    syntax_told = False
    declares = path.lower().endswith(_DECLARATIONS)
    for index, rule in enumerate(rule_ids):
        if not options.wants(rules()[rule].category) or (rule in SYNTAX and (syntax_told or declares)):
            continue
        syntax_told = syntax_told or rule in SYNTAX
        found.append(index)
    return found


def finding_key(fingerprint: str, ordinal: int) -> str:
    """The name under which a finding is referred to in one outcome."""
    return f"{fingerprint}:{ordinal}"


def open_finding(path: str, finding: FindingRow) -> dict[str, object]:
    """A finding of which nothing is decided yet."""
    return finding_object(path, finding, "open", None, None)


def finding_object(
    path: str, finding: FindingRow, state: State, reason: str | None, fix: str | None
) -> dict[str, object]:
    """A finding with its state, as the outcome holds it."""
    rule = rules()[finding["rule"]]
    return {
        "key": finding_key(finding["fingerprint"], finding["ordinal"]),
        "file": path,
        "startLine": finding["line"],
        "endLine": finding["endLine"],
        "rule": rule.id,
        "category": rule.category,
        "severity": rule.severity,
        "title": rule.title,
        "message": finding["message"],
        "source": rule.id.partition(":")[0],
        "fingerprint": finding["fingerprint"],
        "state": state,
        "reason": reason,
        "fix": fix,
    }
