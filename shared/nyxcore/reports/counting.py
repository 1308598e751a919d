"""What is counted of a run's findings; pure, and the only place where a report counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nyxcore.analysis.rules.tables import Category, Severity
from nyxcore.findings.models import Finding, Fix
from nyxcore.reports.facts import GRAVE, SEVERITIES, Earlier, Facts
from nyxcore.reports.language import Language

FOLDER_DEPTH = 3  # deeper folders count for the one above them

_RANK: Mapping[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_ENDED_BEFORE = frozenset(
    {"the run failed before this was settled", "the run was cancelled before this was settled"}
)


@dataclass(frozen=True)
class Split:
    """Findings by what became of them. `open` holds what was left, withdrawn or not settled."""

    fixed: Sequence[Finding]
    open: Sequence[Finding]
    dismissed: Sequence[Finding]

    @property
    def left(self) -> int:
        """How many were left for a person."""
        return sum(finding.state == "no_fix" for finding in self.open)

    @property
    def unsettled(self) -> int:
        """How many the run did not come to, because it ended before."""
        return sum(is_unsettled(finding) for finding in self.open)

    @property
    def withdrawn(self) -> int:
        """How many have a fix that did not hold."""
        return len(self.open) - self.left - self.unsettled


@dataclass(frozen=True)
class Trend:
    """How many findings of each severity are new, gone and still there, against an earlier run."""

    new: Counter[Severity]
    gone: Counter[Severity]
    still: Counter[Severity]


@dataclass(frozen=True)
class Row:
    """A group of findings in numbers: how many in all, by severity, fixed and open."""

    all: int
    by_severity: Counter[Severity]
    fixed: int
    open: int
    worst_open: Severity | None


def rank(finding: Finding) -> int:
    """0 for the gravest."""
    return _RANK[finding.severity]


def is_unsettled(finding: Finding) -> bool:
    """Whether the run ended before it came to this finding."""
    return finding.state == "open" or (finding.state == "failed" and finding.reason in _ENDED_BEFORE)


def state_of(finding: Finding) -> str:
    """The state under which a report shows an open or dismissed finding."""
    return "unsettled" if is_unsettled(finding) else finding.state


def split(findings: Iterable[Finding]) -> Split:
    """Findings by what became of them, each list in the order given."""
    parts: dict[str, list[Finding]] = {"fixed": [], "open": [], "not_a_bug": []}
    for finding in findings:
        parts[finding.state if finding.state in parts else "open"].append(finding)
    return Split(parts["fixed"], parts["open"], parts["not_a_bug"])


def row_of(findings: Iterable[Finding]) -> Row:
    """These findings in numbers."""
    by_severity: Counter[Severity] = Counter()
    fixed = open_ = total = 0
    worst = len(SEVERITIES)
    for finding in findings:
        total += 1
        by_severity[finding.severity] += 1
        if finding.state == "fixed":
            fixed += 1
        elif finding.state != "not_a_bug":
            open_ += 1
            worst = min(worst, rank(finding))
    return Row(total, by_severity, fixed, open_, SEVERITIES[worst] if open_ else None)


def by_category(findings: Iterable[Finding]) -> Mapping[Category, list[Finding]]:
    """Findings by category."""
    groups: dict[Category, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.category].append(finding)
    return groups


def by_rule(findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    """Findings by rule: the gravest first, then the most frequent, then by name."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.rule].append(finding)
    return sorted(groups.items(), key=lambda group: (min(map(rank, group[1])), -len(group[1]), group[0]))


def by_place(findings: Iterable[Finding]) -> list[Finding]:
    """Findings, gravest first, then in the order of their places."""
    return sorted(findings, key=lambda finding: (rank(finding), finding.file, finding.start_line))


def trend(findings: Iterable[Finding], earlier: Earlier, category: Category | None = None) -> Trend:
    """The findings against an earlier run, by fingerprint; of one category, or of all."""
    new: Counter[Severity] = Counter()
    still: Counter[Severity] = Counter()
    now = set()
    for finding in findings:
        if category is None or finding.category == category:
            now.add(finding.fingerprint)
            (still if finding.fingerprint in earlier.severities else new)[finding.severity] += 1
    gone = Counter(
        severity
        for fingerprint, severity in earlier.severities.items()
        if fingerprint not in now and category in {None, earlier.categories[fingerprint]}
    )
    return Trend(new, gone, still)


def folders(findings: Iterable[Finding]) -> list[tuple[str, int]]:
    """Folders and how many findings they hold, most first; "" is the top. At most `FOLDER_DEPTH` names deep."""
    counts = Counter("/".join(finding.file.split("/")[:-1][:FOLDER_DEPTH]) for finding in findings)
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def fixes_by_rule(facts: Facts) -> tuple[list[tuple[str, list[tuple[Finding, Fix]]]], list[Fix]]:
    """Fixes by the rule of the gravest finding that each settles, gravest first; and those that settle none."""
    findings = {finding.id: finding for finding in facts.findings}
    groups: dict[str, list[tuple[Finding, Fix]]] = defaultdict(list)
    follow_ups: list[Fix] = []
    for fix in facts.fixes:
        settled = [findings[id_] for id_ in fix.finding_ids if id_ in findings]
        if settled:
            gravest = min(settled, key=rank)
            groups[gravest.rule].append((gravest, fix))
        else:
            follow_ups.append(fix)
    for pairs in groups.values():
        pairs.sort(key=lambda pair: (rank(pair[0]), pair[0].file, pair[0].start_line))
    ordered = sorted(groups.items(), key=lambda group: (rank(group[1][0][0]), -len(group[1]), group[0]))
    return ordered, follow_ups


def named_severities(
    counts: Counter[Severity], language: Language, *, only: Iterable[Severity] = SEVERITIES
) -> str:
    """ "1 critical and 2 high" of what is counted; empty when nothing is."""
    wanted = frozenset(only)
    return language.listed(
        f"{language.number(counts[severity])} {language(f'severity.{severity}')}"
        for severity in SEVERITIES
        if severity in wanted and counts[severity]
    )


def grave(findings: Iterable[Finding]) -> list[Finding]:
    """Those that are critical or high."""
    return [finding for finding in findings if finding.severity in GRAVE]
