"""The security style: security findings first and in full, everything else as counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from nyxcore.findings.models import Finding, Fix
from nyxcore.reports import sections
from nyxcore.reports.auto_fix.left import Group, Lines, groups, place, places, places_named
from nyxcore.reports.counting import (
    by_category,
    by_place,
    by_rule,
    named_severities,
    rank,
    row_of,
    split,
    trend,
)
from nyxcore.reports.facts import CATEGORIES, SEVERITIES, Facts
from nyxcore.reports.language import Language
from nyxcore.reports.markdown import bullets, code, hunks, inline, table

PLACE_LINES = 3000
"""Lines of open and dismissed places: about 70 printed pages."""
FIXED_LINES = 1200
"""Lines of what was fixed, diffs included: about 30 printed pages."""


def render(facts: Facts, language: Language) -> str:
    """The whole report as Markdown."""
    return sections.document(_sections(facts, language))


def _sections(facts: Facts, language: Language) -> Iterator[str]:
    yield from sections.opening(facts, language, "security")
    found = [finding for finding in facts.findings if finding.category == "security"]
    if not facts.files:
        yield sections.nothing_found(facts, language)
    else:
        yield _summary(facts, found, language)
        if facts.ending == "complete" and facts.earlier is not None:
            yield _trend(facts, language)
    if found:
        yield language("lead.untranslated")
        yield sections.rule_table(found, language)
        room = Lines(PLACE_LINES)
        yield from _open(facts, found, language, room)
        yield from _fixed(facts, found, language)
        yield from _dismissed(found, language, room)
    if facts.files:
        yield from _others(facts, language)
    yield from sections.skipped_section(facts, language)
    yield f"## {language('security.scope')}"
    yield language("executive.scope")
    yield language("security.levels")
    yield bullets(
        f"**{language(f'severity.{one}')}** {language(f'severity_means.{one}')}" for one in SEVERITIES
    )
    yield sections.footer(facts, language)


def _summary(facts: Facts, found: Sequence[Finding], language: Language) -> str:
    if not found:
        return f"**{language('security.none', files=facts.files)}**"
    parts = split(found)
    said = language("security.counts", n=len(found), fixed=len(parts.fixed), open=len(parts.open))
    if parts.dismissed:
        said += ", " + language("security.dismissed", n=len(parts.dismissed))
    named = named_severities(row_of(parts.open).by_severity, language)
    return f"**{said}.**" + (f" {language('security.named', named=named)}" if named else "")


def _trend(facts: Facts, language: Language) -> str:
    assert facts.earlier is not None  # noqa: S101 - the caller has looked
    change = trend(facts.findings, facts.earlier, "security")
    counts = (change.new, change.gone, change.still)
    new, gone, still = (count.total() for count in counts)
    return language("security.trend", date=language.date(facts.earlier.date), new=new, gone=gone, still=still)


def _open(facts: Facts, found: Sequence[Finding], language: Language, room: Lines) -> Iterator[str]:
    parts = split(found)
    yield f"## {language('security.open')}"
    if not parts.open:
        yield language("security.open_none")
        return
    rest: list[Group] = []
    severity = ""
    for group in groups(parts.open, language):
        listed = places(group, language, indent="")
        if rest or not room.take(listed):
            rest.append(group)
            continue
        if group.first.severity != severity:
            severity = group.first.severity
            of_it = sum(finding.severity == severity for finding in parts.open)
            yield f"### {language(f'severity.{severity}').capitalize()} — {language.number(of_it)}"
        why = language("security.why", reason=inline(group.reason))
        yield f"{_about(facts, group, language)} {why}"
        yield listed
    if rest:
        count = sum(len(group.findings) for group in rest)
        rules = len({group.first.rule for group in rest})
        yield language("security.cut", n=count, rules=rules, run=facts.run_id)


def _about(facts: Facts, group: Group, language: Language) -> str:
    head = _head(group.first, len(group.findings), language)
    explanation = facts.explanations.get(group.first.rule)
    return f"{head}. {inline(explanation)}" if explanation else f"{head}."


def _head(first: Finding, count: int, language: Language) -> str:
    severity, places_ = language(f"severity.{first.severity}"), language("security.places", n=count)
    return f"**{severity}** · **{inline(first.title)}** — {code(first.rule)}, {places_}"


def _fixed(facts: Facts, found: Sequence[Finding], language: Language) -> Iterator[str]:
    fixed = split(found).fixed
    if not fixed:
        return
    yield f"## {language('security.fixed')}"
    fixes = {id_: fix for fix in facts.fixes for id_ in fix.finding_ids}
    room = Lines(FIXED_LINES)
    shown: set[UUID] = set()
    for _, members in by_rule(fixed):
        yield _head(min(members, key=rank), len(members), language)
        others: list[Finding] = []
        for finding in by_place(members):
            fix = fixes.get(finding.id)
            block = _diff(finding, fix) if fix is not None and fix.id not in shown else ""
            if fix is not None and block and room.take(block):
                shown.add(fix.id)
                yield block
            else:
                others.append(finding)
        if others:
            yield language("security.also", n=len(others), places=places_named(others))


def _diff(finding: Finding, fix: Fix) -> str:
    return f"{place(finding)} — {inline(finding.message)}\n\n{hunks(fix.diff)}"


def _dismissed(found: Sequence[Finding], language: Language, room: Lines) -> Iterator[str]:
    dismissed = split(found).dismissed
    if not dismissed:
        return
    yield f"## {language('security.dismissed_heading')}"
    rest = 0
    blocks = []
    for group in groups(dismissed, language):
        first = group.first
        head = f"**{language(f'severity.{first.severity}')}** {inline(first.title)} — {code(first.rule)}"
        reason = language("security.because", reason=inline(group.reason))
        block = f"- {head}. {reason}\n{places(group, language)}"
        if room.take(block):
            blocks.append(block)
        else:
            rest += len(group.findings)
    yield "\n".join(blocks)
    if rest:
        yield language("security.dismissed_cut", n=rest)


def _others(facts: Facts, language: Language) -> Iterator[str]:
    others = {name: found for name, found in by_category(facts.findings).items() if name != "security"}
    yield f"## {language('security.others')}"
    if not others:
        yield language("security.others_none")
        return
    yield language("security.others_say")
    rows = []
    for name in CATEGORIES:
        if name in others:
            row = row_of(others[name])
            counts = map(language.number, (row.all, row.fixed, row.open))
            rows.append(
                [
                    language.capital(f"category.{name}"),
                    *sections.severity_cells(row.by_severity, language),
                    *counts,
                ]
            )
    heads = [language(f"column.{name}") for name in ("all", "fixed", "open")]
    yield table(
        [language("column.category"), *sections.severity_heads(language), *heads], rows, numbers_from=1
    )
