"""The technical style: everything, in the order in which a maintainer wants it."""

from __future__ import annotations

from collections.abc import Iterator

from nyxcore.reports import sections
from nyxcore.reports.auto_fix.fixed import checked_section, fixed_section
from nyxcore.reports.auto_fix.left import Lines, left_section, place
from nyxcore.reports.counting import by_place, grave, named_severities, row_of, split
from nyxcore.reports.facts import GRAVE, Facts
from nyxcore.reports.language import Language
from nyxcore.reports.markdown import bullets, inline

GRAVE_IN_SUMMARY = 8
DIFF_LINES = 2200
"""Lines of diffs and what stands around them: about 55 printed pages."""
PLACE_LINES = 1500
"""Lines of places that were left: about 35 printed pages."""


def render(facts: Facts, language: Language) -> str:
    """The whole report as Markdown."""
    return sections.document(_sections(facts, language))


def _sections(facts: Facts, language: Language) -> Iterator[str]:
    yield from sections.opening(facts, language, "technical")
    if not facts.findings:
        yield sections.nothing_found(facts, language)
    else:
        yield from _summary(facts, language)
        yield language("lead.untranslated")
        yield f"## {language('overview.heading')}"
        yield sections.category_table(facts, language)
        yield from sections.category_chart(facts, language)
    if facts.files:
        yield from sections.trend_section(facts, language)
        if facts.earlier is not None and facts.ending == "complete":
            yield language("trend.method")
    if facts.findings:
        yield from sections.where_section(facts, language)
        yield f"## {language('overview.rules')}"
        yield language("overview.rules_say")
        yield sections.rule_table(facts.findings, language)
    yield from fixed_section(facts, language, Lines(DIFF_LINES))
    yield from left_section(facts, language, Lines(PLACE_LINES))
    yield from sections.skipped_section(facts, language)
    if facts.files:
        yield from checked_section(facts, language)
    yield from sections.timeline_section(facts, language)
    yield sections.footer(facts, language)


def _summary(facts: Facts, language: Language) -> Iterator[str]:
    parts = split(facts.findings)
    counts = language("summary.counts", files=facts.files, findings=len(facts.findings))
    fixed = language("summary.fixed", fixed=len(parts.fixed), fixes=len(facts.fixes))
    said = [fixed if parts.fixed else language("summary.none_fixed")]
    numbers = {
        "left": parts.left,
        "withdrawn": parts.withdrawn,
        "dismissed": len(parts.dismissed),
        "unsettled": parts.unsettled,
    }
    said += [language(f"summary.{name}", n=n) for name, n in numbers.items() if n]
    yield f"**{counts}: {', '.join(said)}.**"
    serious = by_place(grave(parts.open))
    if not serious:
        return
    named = named_severities(row_of(serious).by_severity, language, only=GRAVE)
    yield language("summary.grave", named=named)
    items = [
        f"**{language(f'severity.{finding.severity}')}** {place(finding)} — {inline(finding.message)}"
        for finding in serious[:GRAVE_IN_SUMMARY]
    ]
    if len(serious) > len(items):
        items.append(language("summary.more_grave", n=len(serious) - len(items)))
    yield bullets(items)
