"""The marketing style: release notes of what got better, in numbers and plain words.

It may be published, so it names no file and nothing that is open: a security rule of which a finding is open
is not named even where others of it were fixed, since its title says what to look for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nyxcore.findings.models import Finding
from nyxcore.reports import sections
from nyxcore.reports.counting import by_category, by_rule, split, trend
from nyxcore.reports.facts import CATEGORIES, Facts
from nyxcore.reports.language import Language
from nyxcore.reports.markdown import bullets, inline

ITEMS_SHOWN = 8
FELT = 0.1
"""Share of all improvements from which on an area is claimed in the first sentence."""


def render(facts: Facts, language: Language) -> str:
    """The whole report as Markdown."""
    return sections.document(_sections(facts, language))


def _sections(facts: Facts, language: Language) -> Iterator[str]:
    yield f"# {inline(sections.title(facts, language))}"
    fixed = split(facts.findings).fixed
    if facts.ending != "complete":
        yield language("marketing.unfinished")
    elif not fixed:
        yield language("marketing.nothing")
    else:
        yield from _news(facts, fixed, language)
    yield sections.footer(facts, language)


def _news(facts: Facts, fixed: Sequence[Finding], language: Language) -> Iterator[str]:
    groups = by_category(fixed)
    names = [category for category in CATEGORIES if category in groups]
    files = len({finding.file for finding in fixed})
    felt = [name for name in names if len(groups[name]) >= FELT * len(fixed)]
    better = language.listed(language(f"marketing.{name}") for name in felt)
    yield language(
        "marketing.opening", fixed=len(fixed), files=files, project=inline(facts.project), better=better
    )
    yield f"## {language('marketing.heading')}"
    yield bullets(language(f"marketing.area_{name}", n=len(groups[name])) for name in names)
    yield from _items(facts, fixed, language)
    if facts.earlier is not None and (gone := trend(facts.findings, facts.earlier).gone.total()):
        yield language("marketing.since", n=gone)
    yield f"## {language('marketing.careful')}"
    yield language("marketing.verified", n=len(facts.fixes))


def _items(facts: Facts, fixed: Sequence[Finding], language: Language) -> Iterator[str]:
    """The most frequent improvements by the title of their rule."""
    not_named = {
        finding.rule
        for finding in facts.findings
        if finding.state != "fixed" and finding.category == "security"
    }
    nameable = [finding for finding in fixed if finding.rule not in not_named]
    items = []
    for _, members in by_rule(nameable)[:ITEMS_SHOWN]:
        items.append(language("marketing.item", n=len(members), title=inline(members[0].title)))
    if not items:
        return
    yield f"## {language('marketing.solved')}"
    yield language("marketing.solved_says")
    yield bullets(items)
