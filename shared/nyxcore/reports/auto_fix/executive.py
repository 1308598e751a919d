"""The executive style: state, risk, trend and what to decide, on two or three pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from nyxcore.analysis.rules.tables import Severity
from nyxcore.reports import sections
from nyxcore.reports.counting import (
    Split,
    by_category,
    by_rule,
    grave,
    row_of,
    split,
)
from nyxcore.reports.facts import CATEGORIES, GRAVE, SEVERITIES, Facts
from nyxcore.reports.language import Language
from nyxcore.reports.markdown import bullets, inline, table
from nyxcore.reports.sentences import in_language

GRAVEST_SHOWN = 5


def render(facts: Facts, language: Language) -> str:
    """The whole report as Markdown."""
    return sections.document(_sections(facts, language))


def _sections(facts: Facts, language: Language) -> Iterator[str]:
    yield from sections.opening(facts, language, "executive")
    if facts.findings:
        parts = split(facts.findings)
        yield f"## {language('executive.state')}"
        yield from _state(facts, parts, language)
        yield f"## {language('executive.risk')}"
        yield from _risk(facts, parts, language)
        yield from sections.trend_section(facts, language)
        yield f"## {language('executive.decide')}"
        yield _decisions(facts, parts, language)
    else:
        yield sections.nothing_found(facts, language)
        if facts.files:
            yield from sections.trend_section(facts, language)
        yield from sections.skipped_section(facts, language)
    yield language("executive.scope")
    yield sections.footer(facts, language)


def _state(facts: Facts, parts: Split, language: Language) -> Iterator[str]:
    fixed = len(parts.fixed)
    said = [
        language(
            "executive.opening",
            n=facts.files,
            findings=len(facts.findings),
            fixed=fixed,
            percent=language.percent(fixed, len(facts.findings)),
            open=len(parts.open),
        )
    ]
    if parts.dismissed:
        said.append(language("executive.dismissed", n=len(parts.dismissed)))
    yield " ".join(said)
    rows = []
    for severity in SEVERITIES:
        row = row_of(finding for finding in facts.findings if finding.severity == severity)
        if row.all:
            counts = map(language.number, (row.all, row.fixed, row.open))
            rows.append([language(f"severity.{severity}"), language(f"severity_means.{severity}"), *counts])
    heads = ("severity", "means", "found", "fixed", "open")
    yield table([language(f"column.{name}") for name in heads], rows, numbers_from=2)
    yield from sections.category_chart(facts, language)


def _risk(facts: Facts, parts: Split, language: Language) -> Iterator[str]:
    worst = row_of(parts.open).worst_open
    if worst is None:
        yield language("executive.none")
        return
    level = language("executive.level", level=language(f"severity.{worst}"))
    yield f"{level} {language(f'executive.{worst}')}"
    groups = by_category(facts.findings)
    rows = []
    for category in CATEGORIES:
        row = row_of(groups.get(category, []))
        if row.open:
            gravest = language(f"severity.{row.worst_open}")
            about = language(f"category_means.{category}")
            rows.append([language.capital(f"category.{category}"), about, gravest, language.number(row.open)])
    heads = ("area", "about", "worst", "open")
    yield table([language(f"column.{name}") for name in heads], rows, numbers_from=3)
    serious = by_rule(grave(parts.open))
    if not serious:
        return
    yield language("executive.gravest")
    items = []
    for _, members in serious[:GRAVEST_SHOWN]:
        first = min(members, key=lambda finding: SEVERITIES.index(finding.severity))
        said = language("executive.places", title=inline(first.title), n=len(members))
        items.append(f"**{language(f'severity.{first.severity}')}** {said}")
    if rest := serious[GRAVEST_SHOWN:]:
        count = sum(len(members) for _, members in rest)
        items.append(language("executive.more", n=count, rules=len(rest)))
    yield bullets(items)


def _decisions(facts: Facts, parts: Split, language: Language) -> str:
    """A numbered list of what somebody has to decide."""
    items = []
    if facts.ending != "complete":
        items.append(language("executive.rerun"))
    if facts.fixes:
        files = len({finding.file for finding in parts.fixed})
        items.append(language("executive.merge", fixed=len(parts.fixed), files=files))
    serious = row_of(grave(parts.open))
    if serious.open:
        named = _severities(serious.by_severity, language)
        items.append(language("executive.owner", n=serious.open, named=named))
    reasons = Counter(finding.reason for finding in parts.open if finding.reason)
    bolder = sum(
        count for reason, count in reasons.items() if in_language(reason, language).name == "unsafe_only"
    )
    if bolder:
        items.append(language("executive.unsafe", n=bolder))
    rest = row_of(finding for finding in parts.open if finding.severity not in GRAVE)
    if rest.open:
        named = _severities(rest.by_severity, language)
        items.append(language("executive.plan", n=rest.open, named=named))
    if not items:
        return language("executive.nothing")
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, start=1))


def _severities(found: Collection[Severity], language: Language) -> str:
    """ "critical and high" of these."""
    return language.listed(language(f"severity.{one}") for one in SEVERITIES if one in found)
