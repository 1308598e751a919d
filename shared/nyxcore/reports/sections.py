"""The sections that reports of all types share: each takes the facts and a language, and gives blocks of Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from nyxcore.analysis.rules.tables import Severity
from nyxcore.findings.models import Finding
from nyxcore.reports import diagrams
from nyxcore.reports.counting import (
    by_category,
    by_rule,
    folders,
    named_severities,
    row_of,
    trend,
)
from nyxcore.reports.facts import CATEGORIES, GRAVE, SEVERITIES, Earlier, Facts, Spent
from nyxcore.reports.footer import footer as footer_of
from nyxcore.reports.footer import spent_by_run, spent_on_prose, took
from nyxcore.reports.language import Language
from nyxcore.reports.markdown import bar, bullets, code, inline, table
from nyxcore.reports.models import Style
from nyxcore.reports.sentences import in_language

FOLDERS_SHOWN = 10
FILES_SHOWN = 5


def title(facts: Facts, language: Language) -> str:
    """`{project name} · {report type} · {date}`."""
    return f"{facts.project} · {language(f'kind.{facts.kind}')} · {language.date(facts.date)}"


def document(sections: Iterable[str]) -> str:
    """Blocks as one document; empty ones are left out."""
    return "\n\n".join(section for section in sections if section) + "\n"


def opening(facts: Facts, language: Language, style: Style) -> Iterator[str]:
    """Title, what this is, and a warning on a run that did not finish."""
    yield f"# {inline(title(facts, language))}"
    yield language(
        "lead.report",
        style=language(f"style.{style}"),
        repository=code(facts.source.repository),
        date=language.date(facts.date),
    )
    if facts.ending == "failed":
        message = inline((facts.error or "").rstrip(".") + ".") if facts.error else ""
        yield f"> [!WARNING]\n> {language('lead.failed', message=message)}"
    if facts.ending == "cancelled":
        yield f"> [!WARNING]\n> {language('lead.cancelled')}"


def nothing_found(facts: Facts, language: Language) -> str:
    """A sentence on a run that had nothing to scan, or found nothing."""
    if not facts.files:
        below = " " + language("summary.left_out") if facts.skipped else ""
        return language("summary.no_source") + below
    return language("summary.clean", files=facts.files)


def severity_cells(counts: Counter[Severity], language: Language) -> list[str]:
    """A cell for each severity, gravest first."""
    return [language.number(counts[severity]) for severity in SEVERITIES]


def severity_heads(language: Language) -> list[str]:
    """The heads of those cells."""
    return [language.capital(f"severity.{severity}") for severity in SEVERITIES]


def category_table(facts: Facts, language: Language) -> str:
    """Severity by category, with sums."""
    groups = by_category(facts.findings)
    names = [category for category in CATEGORIES if category in groups]
    rows = [(language.capital(f"category.{name}"), row_of(groups[name])) for name in names]
    if len(rows) > 1:
        rows.append((language("column.all"), row_of(facts.findings)))
    head = [language("column.category"), *severity_heads(language)]
    return table(
        [*head, *(language(f"column.{name}") for name in ("all", "fixed", "open"))],
        (
            [
                name,
                *severity_cells(row.by_severity, language),
                *map(language.number, (row.all, row.fixed, row.open)),
            ]
            for name, row in rows
        ),
        numbers_from=1,
    )


def category_chart(facts: Facts, language: Language) -> Iterator[str]:
    """All findings and those that are fixed, by category; nothing when a chart would show one bar."""
    groups = by_category(facts.findings)
    names = [category for category in CATEGORIES if category in groups]
    if len(names) < 2:
        return
    rows = [row_of(groups[name]) for name in names]
    yield f"**{language('overview.chart')}.** {language('overview.chart_says')}"
    labels = [
        language(
            "overview.chart_label",
            category=language.capital(f"category.{name}"),
            fixed=row.fixed,
            all=row.all,
        )
        for name, row in zip(names, rows, strict=True)
    ]
    yield diagrams.bars(labels, [row.all for row in rows], [row.fixed for row in rows])


def rule_table(findings: Sequence[Finding], language: Language) -> str:
    """Every rule with its counts, gravest first."""
    rows = []
    for rule, members in by_rule(findings):
        row = row_of(members)
        worst = min(members, key=lambda finding: SEVERITIES.index(finding.severity))
        counts = map(language.number, (row.all, row.fixed, row.open))
        rows.append([language(f"severity.{worst.severity}"), inline(worst.title), code(rule), *counts])
    heads = ("severity", "title", "rule", "found", "fixed", "open")
    return table([language(f"column.{name}") for name in heads], rows, numbers_from=3)


def trend_section(facts: Facts, language: Language) -> Iterator[str]:
    """New, gone and still there against the run before, by severity, and what comes of it in a sentence."""
    yield f"## {language('trend.heading')}"
    if facts.ending != "complete":
        yield language("trend.incomplete")
        return
    if facts.earlier is None:
        yield language("trend.first")
        return
    change = trend(facts.findings, facts.earlier)
    new, gone, still = (counts.total() for counts in (change.new, change.gone, change.still))
    date = earlier_date(facts.earlier, facts, language)
    if not new and not gone:
        yield language("trend.same", date=date, still=still)
        return
    verdict = "equal" if new == gone else "worse" if new > gone else "better"
    says = language("trend.says", date=date, new=new, gone=gone, still=still)
    yield f"{says} {language(f'trend.{verdict}')}"
    yield table(
        ["", *severity_heads(language), language("column.all")],
        (
            [language(f"column.{name}"), *severity_cells(counts, language), language.number(counts.total())]
            for name, counts in (("new", change.new), ("gone", change.gone), ("still", change.still))
        ),
        numbers_from=1,
    )
    if named := named_severities(change.new, language, only=GRAVE):
        yield language("trend.new_grave", named=named)


def earlier_date(earlier: Earlier, facts: Facts, language: Language) -> str:
    """The day of the earlier run, and its time where that is the same day."""
    date = language.date(earlier.date)
    if date != language.date(facts.date):
        return date
    return language("lead.at", date=date, time=f"{earlier.date:%H:%M}")


def where_section(facts: Facts, language: Language) -> Iterator[str]:
    """The folders with most findings, with bars, and the files with most."""
    places = folders(facts.findings)
    total = len(facts.findings)
    yield f"## {language('where.heading')}"
    if len(places) > 1:
        yield language("where.says")
        shown = [
            (code(folder) if folder else language("where.root"), count)
            for folder, count in places[:FOLDERS_SHOWN]
        ]
        if rest := places[FOLDERS_SHOWN:]:
            shown.append((language("where.rest", n=len(rest)), sum(count for _, count in rest)))
        most = max(count for _, count in shown)
        yield table(
            [language("column.folder"), "", language("column.findings"), language("column.share")],
            (
                [name, bar(count, most), language.number(count), language.percent(count, total)]
                for name, count in shown
            ),
            numbers_from=2,
        )
    files = Counter(finding.file for finding in facts.findings).most_common(FILES_SHOWN)
    named = language.listed(f"{code(file)} ({language.number(count)})" for file, count in files)
    yield language("where.files", files=named)


def skipped_section(facts: Facts, language: Language) -> Iterator[str]:
    """What was left out, by reason, and what was unusual about the sources."""
    if not facts.skipped and not facts.notes:
        return
    yield f"## {language('skipped.heading')}"
    if facts.skipped:
        yield table(
            [language(f"column.{name}") for name in ("reason", "example", "files")],
            (
                [
                    language.get(f"skipped.{entry.reason}", inline(in_language(entry.reason, language).text)),
                    ", ".join(code(example) for example in entry.examples),
                    language.number(entry.count),
                ]
                for entry in sorted(facts.skipped, key=lambda entry: (-entry.count, entry.reason))
            ),
            numbers_from=2,
        )
    if facts.notes:
        yield bullets(inline(in_language(note, language).text) for note in facts.notes)


def timeline_section(facts: Facts, language: Language) -> Iterator[str]:
    """The phases of the run and how long each took; nothing when they are no longer known."""
    if len(facts.phases) < 2:
        return
    names = {phase.name: language.get(f"phase.{phase.name}", phase.name) for phase in facts.phases}
    longest = max(facts.phases, key=lambda phase: phase.duration)
    yield f"## {language('made.timeline')}"
    yield language(
        "made.timeline_says", phase=names[longest.name], duration=language.duration(longest.duration)
    )
    yield diagrams.timeline(
        [
            (f"{names[phase.name]} {language.duration(phase.duration)}", phase.duration)
            for phase in facts.phases
        ]
    )


def footer(facts: Facts, language: Language) -> str:
    """Run, source, duration, models, tokens, cost; the tools that find and fix here ask no model."""
    parts = [language("footer.run", run=code(str(facts.run_id)), repository=code(facts.source.repository))]
    if facts.source.archive:
        parts.append(language("footer.archive", name=code(facts.source.archive)))
    if facts.source.commit:
        # a folder may hold what no commit has
        label = "footer.commit" if facts.source.archive else "footer.checked_out"
        parts.append(language(label, commit=code(facts.source.commit)))
    if facts.source.tree:
        parts.append(language("footer.source", digest=code(f"sha256:{facts.source.tree[:12]}")))
    parts += [
        took(facts.duration, language, under_way=facts.under_way),
        language("footer.patch", bytes=facts.patch_bytes),
        *spent_by_run(Spent([], facts.tokens, facts.usd), language),
        *spent_on_prose(facts.spoken, language),
    ]
    return footer_of(parts)
