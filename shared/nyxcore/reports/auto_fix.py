"""The auto-fix report in the technical style: every number and table is computed from the run's rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from nyxcore.findings.models import Evidence, Finding, Fix
from nyxcore.reports.markdown import code, fenced, inline, table

SEVERITIES = ("critical", "high", "medium", "low")
CATEGORIES = ("security", "bug", "error-handling", "performance", "code-smell")
GRAVE = frozenset({"critical", "high"})
STATES = {"fixed": "fixed", "no_fix": "left", "not_a_bug": "not a bug", "failed": "fix withdrawn"}

LEFT_OUT = {
    "ignored": "ignored by a .gitignore",
    "vendored": "vendored: a copy of another project",
    "generated": "written by a program",
    "too_large": "above 1 MB",
    "bad_name": "a name that is not UTF-8, holds control characters, or is too long",
    "link": "a link",
    "special": "a device, a pipe or a socket",
    "unreadable": "could not be read",
    "not_source": "no Python, JavaScript or TypeScript: other languages, data, documents",
}

# A report is read by people: what goes beyond these stays in the patch and in the API, and the report says so.
DIFFS_SHOWN = 12  # diffs of one rule; of a critical or high one, all that the budget holds
DIFF_BUDGET = 1_000_000  # characters of diffs in all
PLACES_SHOWN = 20  # places of one rule with one reason
GRAVE_IN_SUMMARY = 8
GRAVE_PLACES_SHOWN = 400  # places of critical and high findings of one rule


@dataclass(frozen=True)
class Skipped:
    """Files left out for one reason."""

    reason: str
    count: int
    examples: Sequence[str]


@dataclass(frozen=True)
class AutoFixReport:
    """What the report is made from."""

    project: str
    repository: str
    run_id: UUID
    date: datetime
    duration: timedelta
    unsafe: bool
    files: int
    findings: Sequence[Finding]
    fixes: Sequence[Fix]
    skipped: Sequence[Skipped]
    notes: Sequence[str]
    explanations: Mapping[str, str]  # rule -> why it matters
    tools: Mapping[str, str]  # tool -> version
    patch_bytes: int


def title(project: str, date: datetime) -> str:
    """`{project name} · {report type} · {date}`."""
    return f"{project} · Auto-fix · {date:%Y-%m-%d}"


def render(report: AutoFixReport) -> str:
    """The whole report as Markdown."""
    sections = [
        f"# {inline(title(report.project, report.date))}",
        _summary(report),
        _overview(report),
        *_fixed(report),
        *_left(report),
        *_not_looked_at(report),
        _how_checked(report) if report.files else "",
        _footer(report),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _plural(count: int, noun: str, plural: str | None = None) -> str:
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def _summary(report: AutoFixReport) -> str:
    states = Counter(finding.state for finding in report.findings)
    if not report.files:
        below = " What was left out is listed below." if report.skipped else ""
        return f"No source file was found, so there was nothing to scan.{below}"
    if not report.findings:
        return f"{_plural(report.files, 'file')} scanned, and nothing found. The repository is clean by these rules."
    withdrawn = f", {states['failed']:,} withdrawn because the fix did not hold" if states["failed"] else ""
    serious = [f for f in report.findings if f.severity in GRAVE and f.state != "fixed"]
    lines = [
        f"**{_plural(report.files, 'file')} scanned, {_plural(len(report.findings), 'finding')}: "
        f"{states['fixed']:,} fixed by {_plural(len(report.fixes), 'verified fix', 'verified fixes')}, "
        f"{states['no_fix']:,} left for a person{withdrawn}.**"
    ]
    if serious:
        worst = Counter[str](f.severity for f in serious)
        named = " and ".join(f"{worst[s]} {s}" for s in SEVERITIES if worst[s])
        lines.append(f"Look first at what was left and is grave ({named}):")
        shown = sorted(serious, key=lambda f: (_rank(f), f.file, f.start_line))[:GRAVE_IN_SUMMARY]
        bullets = [f"- {f.severity}: {_place(f)} — {inline(f.message)}" for f in shown]
        if len(serious) > len(shown):
            bullets.append(f"- and {len(serious) - len(shown)} more, under *What was left, and why*")
        lines.append("\n".join(bullets))
    return "\n\n".join(lines)


def _overview(report: AutoFixReport) -> str:
    if not report.findings:
        return ""
    cells: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in report.findings:
        cells[finding.category][finding.severity] += 1
        cells[finding.category][finding.state] += 1
    rows = [
        [
            category,
            *(f"{cells[category][severity]:,}" for severity in SEVERITIES),
            f"{sum(cells[category][severity] for severity in SEVERITIES):,}",
            f"{cells[category]['fixed']:,}",
        ]
        for category in CATEGORIES
        if cells[category]
    ]
    places = Counter(finding.file for finding in report.findings).most_common(5)
    most = ", ".join(f"{code(file)} ({count})" for file, count in places)
    return "\n\n".join(
        [
            "## Findings by category and severity",
            table(["category", *SEVERITIES, "all", "fixed"], rows, numbers_from=1),
            f"Most findings are in {most}.",
        ]
    )


def _fixed(report: AutoFixReport) -> Iterable[str]:
    if not report.fixes:
        return
    yield "## What was fixed"
    yield "Gravest first. Below each diff stand the checks that the fix has passed; *How this was made* explains them."
    by_rule, follow_ups = _by_rule(report)
    budget = DIFF_BUDGET
    groups = sorted(by_rule.items(), key=lambda item: (_rank(item[1][0][0]), -len(item[1]), item[0]))
    for rule, pairs in groups:
        first = pairs[0][0]
        yield f"### {inline(first.title)} — {code(rule)}, {first.severity}, {len(pairs)}×"
        if explanation := report.explanations.get(rule):
            yield inline(explanation)
        shown, left_over = 0, list[str]()
        for finding, fix in sorted(pairs, key=lambda pair: (pair[0].file, pair[0].start_line)):
            enough = first.severity not in GRAVE and shown == DIFFS_SHOWN
            if enough or len(fix.diff) > budget:
                left_over.append(_place(finding))
                continue
            shown += 1
            budget -= len(fix.diff)
            also = f" (settles {len(fix.finding_ids)} findings)" if len(fix.finding_ids) > 1 else ""
            yield _one_fix(f"{_place(finding)} — {inline(finding.message)}{also}", fix)
        if left_over:
            places = ", ".join(left_over[:PLACES_SHOWN]) + (" …" if len(left_over) > PLACES_SHOWN else "")
            yield f"And {len(left_over):,} more of the same kind, whose diffs are in the patch: {places}"
    if follow_ups:
        yield f"### What the fixes above made necessary — {len(follow_ups)}×"
        for fix in follow_ups:
            yield _one_fix(inline(fix.explanation), fix)


def _by_rule(report: AutoFixReport) -> tuple[dict[str, list[tuple[Finding, Fix]]], list[Fix]]:
    """Fixes by the rule of the gravest finding that each settles; and follow-ups, which settle none."""
    findings = {finding.id: finding for finding in report.findings}
    by_rule: dict[str, list[tuple[Finding, Fix]]] = defaultdict(list)
    follow_ups: list[Fix] = []
    for fix in report.fixes:
        settled = [findings[id_] for id_ in fix.finding_ids if id_ in findings]
        if settled:
            gravest = min(settled, key=_rank)
            by_rule[gravest.rule].append((gravest, fix))
        else:
            follow_ups.append(fix)
    return by_rule, follow_ups


def _one_fix(heading: str, fix: Fix) -> str:
    checked = [_checked(evidence) for evidence in fix.evidence]
    if not fix.safe:
        checked.append("marked *unsafe* by its tool: it may change what the code does in rare cases")
    if fix.needs:
        others = _plural(len(fix.needs), "other fix", "other fixes")
        checked.append(f"belongs together with {others} of this run")
    return "\n\n".join([heading, fenced(fix.diff, "diff"), "Checked: " + " · ".join(checked)])


def _checked(evidence: Evidence) -> str:
    """The name of a check; its detail too where it is about this fix in particular, or where it did not pass."""
    name = evidence.check.replace("_", " ")
    if not evidence.ok:
        return f"**not passed: {inline(name)}** ({inline(evidence.detail)})"
    return f"{name} ({inline(evidence.detail)})" if "`" in evidence.detail else name


def _left(report: AutoFixReport) -> Iterable[str]:
    left = [finding for finding in report.findings if finding.state != "fixed"]
    if not left:
        return
    yield "## What was left, and why"
    groups: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for finding in left:
        groups[(finding.rule, finding.state, _general(finding))].append(finding)
    ordered = sorted(groups.items(), key=lambda item: (_rank(item[1][0]), -len(item[1]), item[0]))
    for (rule, state, reason), members in ordered:
        first = members[0]
        yield (
            f"**{inline(first.title)}** — {code(rule)}, {first.severity} {first.category}, {len(members):,}×, "
            f"{STATES.get(state, state)}: {inline(reason)}"
        )
        shown = members[: GRAVE_PLACES_SHOWN if first.severity in GRAVE else PLACES_SHOWN]
        lines = [f"- {_place(f)} — {inline(f.message)}" for f in shown]
        if len(members) > len(shown):
            lines.append(f"- and {len(members) - len(shown):,} more")
        yield "\n".join(lines)


def _not_looked_at(report: AutoFixReport) -> Iterable[str]:
    if not report.skipped and not report.notes:
        return
    yield "## What was not looked at"
    if report.skipped:
        rows = [
            [
                LEFT_OUT.get(entry.reason, inline(entry.reason)),
                f"{entry.count:,}",
                ", ".join(code(example) for example in entry.examples),
            ]
            for entry in sorted(report.skipped, key=lambda entry: -entry.count)
        ]
        yield table(["reason", "files", "for example"], rows)
    if report.notes:
        yield "\n".join(f"- {inline(note)}" for note in report.notes)


def _how_checked(report: AutoFixReport) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in sorted(report.tools.items()))
    mode = "safe and unsafe fixes" if report.unsafe else "safe fixes only"
    return f"""## How this was made

Tools: {tools}; {mode}. No model was used.

- **finding gone**, **nothing new**, **parses**: the fix was applied by itself and the file scanned again with every
  rule in use: what it is for is gone, nothing else has come, and the file parses no worse than before.
- **other files**: it takes away no name that another file mentions together with this module.
- **combined**: the file with all of its fixes was scanned again, until nothing changed.
- **patch applies**: git takes the whole patch on the files as they were.

**The project's own tests were not run: run them before you merge.**"""


def _footer(report: AutoFixReport) -> str:
    seconds = report.duration.total_seconds()
    return (
        f"---\n\nRun {code(str(report.run_id))} on {inline(report.repository)} · {seconds:.1f} s · patch "
        f"{report.patch_bytes:,} bytes · model none · 0 tokens · 0 USD"
    )


def _place(finding: Finding) -> str:
    return f"{code(finding.file)}:{finding.start_line}"


def _rank(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)


def _general(finding: Finding) -> str:
    """The reason without what is particular to one place, so that alike ones stand together."""
    return finding.reason or "no reason was recorded"
