"""What was fixed: diffs by rule, as many as there is room for, the rest named; and how fixes are checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nyxcore.analysis.diffs import path_in
from nyxcore.findings.models import Evidence, Finding, Fix
from nyxcore.reports.auto_fix.left import Lines, place, places_named
from nyxcore.reports.counting import fixes_by_rule
from nyxcore.reports.facts import GRAVE, Facts
from nyxcore.reports.language import Language
from nyxcore.reports.markdown import bullets, code, hunks, inline
from nyxcore.reports.sentences import in_language

DIFFS_SHOWN = 12  # diffs of one rule; of a critical or high one, all that there is room for
DIFFS_IN_ALL = 120  # shared among the rules, so that a long table of rules shows one of each rather than none
RULES_NAMED = 12

_NOT_CHECKED = frozenset({"tests_not_run", "patch_not_tried"})
"""Entries of the evidence that name what was not checked; said once for all fixes."""

type Pair = tuple[Finding, Fix]


def fixed_section(facts: Facts, language: Language, room: Lines) -> Iterator[str]:
    """The fixes by rule, each with its diff and what was checked of it in particular."""
    if not facts.fixes:
        return
    groups, follow_ups = fixes_by_rule(facts)
    common = common_checks(facts.fixes)
    yield f"## {language('fixed.heading')}"
    yield language("fixed.intro")
    if common:
        yield language("fixed.all_passed", checks=" · ".join(check_name(check, language) for check in common))
    cut: list[str] = []
    each = min(DIFFS_SHOWN, max(1, DIFFS_IN_ALL // max(1, len(groups))))
    for rule, pairs in groups:
        shown, left_over = _shown(pairs, common, language, room, each)
        if not shown:
            cut.append(rule)
            continue
        yield from _head(rule, pairs, facts.explanations.get(rule), language)
        yield from shown
        if left_over:
            yield language("fixed.more", n=len(left_over), places=places_named(left_over))
    if follow_ups:
        yield f"### {language('fixed.follow_ups')} — {language.number(len(follow_ups))}×"
        headed = [(f"{code(path_in(fix.diff))} — {inline(fix.explanation)}", fix) for fix in follow_ups]
        yield from _fixes(headed, common, language, room)
    if cut:
        named = ", ".join(map(code, cut[:RULES_NAMED])) + (" …" if len(cut) > RULES_NAMED else "")
        yield language("fixed.cut", n=len(cut), rules=named)


def _shown(
    pairs: Sequence[Pair], common: Sequence[str], language: Language, room: Lines, each: int
) -> tuple[list[str], list[Finding]]:
    """The fixes of a rule that there is room for, and the findings of the others."""
    shown: list[str] = []
    left_over: list[Finding] = []
    for finding, fix in pairs:
        enough = finding.severity not in GRAVE and len(shown) >= each
        if not enough and room.has(fix.diff):
            block = _one(_where(finding, fix, language), fix, common, language)
            if room.take(block):
                shown.append(block)
                continue
        left_over.append(finding)
    return shown, left_over


def _head(rule: str, pairs: Sequence[Pair], explanation: str | None, language: Language) -> Iterator[str]:
    first = pairs[0][0]
    yield f"### {inline(first.title)} — {code(rule)}, {language.number(len(pairs))}×"
    about = f"**{language(f'severity.{first.severity}')}** · {language(f'category.{first.category}')}"
    yield f"{about} · {inline(explanation)}" if explanation else about


def _where(finding: Finding, fix: Fix, language: Language) -> str:
    settled = len(fix.finding_ids)
    also = f" ({language('fixed.settles', n=settled)})" if settled > 1 else ""
    return f"{place(finding)} — {inline(finding.message)}{also}"


def _fixes(
    headed: Sequence[tuple[str, Fix]], common: Sequence[str], language: Language, room: Lines
) -> Iterator[str]:
    for number, (heading, fix) in enumerate(headed):
        block = _one(heading, fix, common, language)
        if not room.take(block):
            yield language("fixed.more_follow_ups", n=len(headed) - number)
            return
        yield block


def _one(heading: str, fix: Fix, common: Sequence[str], language: Language) -> str:
    """A fix: what it is for, its diff, and what is particular about it."""
    remarks = [_particular(evidence, common, language) for evidence in fix.evidence]
    if not fix.safe:
        remarks.append(language("fixed.unsafe"))
    if fix.needs:
        remarks.append(language("fixed.needs", n=len(fix.needs)))
    said = " · ".join(remark for remark in remarks if remark)
    blocks = [heading, hunks(fix.diff)]
    return "\n\n".join([*blocks, language("fixed.note", remarks=said)] if said else blocks)


def _particular(evidence: Evidence, common: Sequence[str], language: Language) -> str:
    """A check that is not common to all fixes, that did not pass, or whose detail is about this fix."""
    about_this_one = "`" in evidence.detail
    if evidence.ok and not about_this_one and (evidence.check in common or evidence.check in _NOT_CHECKED):
        return ""
    name = check_name(evidence.check, language)
    if evidence.ok and not about_this_one:
        return name
    detail = inline(in_language(evidence.detail, language).text)
    return f"{name} ({detail})" if evidence.ok else language("fixed.not_passed", check=name, detail=detail)


def common_checks(fixes: Sequence[Fix]) -> list[str]:
    """The checks that every fix has passed, in their order."""
    if not fixes:
        return []
    passed = [{evidence.check for evidence in fix.evidence if evidence.ok} for fix in fixes]
    shared = set.intersection(*passed)
    return [evidence.check for evidence in fixes[0].evidence if evidence.check in shared - _NOT_CHECKED]


def check_name(check: str, language: Language) -> str:
    """The name of a check for a reader."""
    return language.get(f"check.{check}", inline(check.replace("_", " ")))


def checked_section(facts: Facts, language: Language) -> Iterator[str]:
    """Tools, options, and what the checks mean."""
    yield f"## {language('made.heading')}"
    tools = ", ".join(f"{name} {version}" for name, version in sorted(facts.tools.items()))
    mode = language("made.unsafe_mode" if facts.unsafe else "made.safe_mode")
    yield f"{language('made.tools', tools=tools, mode=mode)} {_who_wrote(facts, language)}"
    if facts.categories is not None:
        named = language.listed(language(f"category.{category}") for category in facts.categories)
        yield language("made.categories", categories=named)
    if not facts.fixes:
        return
    named = language.listed(
        check_name(check, language) for check in ("finding_gone", "nothing_new", "parses")
    )
    tried = {evidence.check for fix in facts.fixes for evidence in fix.evidence}
    explained = ("other_files", "combined", "patch_applies", "patch_not_tried")
    yield bullets(
        [
            language("made.gone", checks=named),
            *(
                language(f"made.{check}", check=check_name(check, language))
                for check in explained
                if check in tried
            ),
        ]
    )
    yield language("made.tests")


def _who_wrote(facts: Facts, language: Language) -> str:
    if facts.spoken is None or facts.spoken.model is None:
        return language("made.no_model")
    return language("made.prose", model=code(facts.spoken.model))
