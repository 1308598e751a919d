"""A report of a large run stays within its pages, and what it leaves out it counts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from report_rows import facts, finding, fix, fixed

from nyxcore.findings.models import Finding, Fix
from nyxcore.reports.kinds.auto_fix import RENDERERS
from nyxcore.reports.language import language_of

RULES, EACH = 300, 30
SHELL = {"category": "security", "severity": "high"}


def many(*, rules: int = RULES, each: int = EACH, **changes: object) -> list[Finding]:
    """Findings of so many rules, each in so many files, with a message of its own."""
    return [
        finding(rule=f"ruff:R{rule}", file=f"m{place}.py", start_line=rule + 1, message=f"Message {place}", **changes)
        for rule in range(rules)
        for place in range(each)
    ]  # fmt: skip


def places(part: str) -> int:
    """How many places a part of a report shows or counts as left out of a rule's list."""
    shown = len(re.findall(r"^ *- `m\d+\.py`:\d+", part, re.MULTILINE))
    return shown + sum(map(int, re.findall(r"- and (\d+) more in", part)))


def many_fixed(rules: int, each: int) -> tuple[Sequence[Finding], Sequence[Fix]]:
    pairs = [
        fixed(rule=f"ruff:R{rule}", file=f"m{place}.py", start_line=rule + 1)
        for rule in range(rules)
        for place in range(each)
    ]
    return [one for one, _ in pairs], [its_fix for _, its_fix in pairs]


def test_places_for_which_there_is_no_room_are_counted_and_it_says_where_they_are() -> None:
    text = RENDERERS["technical"](facts(findings=many()), language_of("en"))
    left = text[text.index("## What was left") :]
    found = re.search(
        r"([\d,]+) findings of (\d+) rules more are not listed here.*`GET /runs/[0-9a-f-]+/findings`", left
    )
    assert found is not None
    assert places(left) + int(found[1].replace(",", "")) == RULES * EACH
    assert text.count("| `ruff:R") == RULES
    assert text.count("\n") < 3000


def test_open_security_findings_for_which_there_is_no_room_are_counted() -> None:
    text = RENDERERS["security"](facts(findings=many(**SHELL)), language_of("en"))
    found = re.search(r"([\d,]+) findings of (\d+) rules more are open and not listed here", text)
    assert found is not None
    assert places(text) + int(found[1].replace(",", "")) == RULES * EACH


def test_dismissed_findings_for_which_there_is_no_room_are_counted() -> None:
    dismissed = many(**SHELL, state="not_a_bug", reason="Signed off.")
    text = RENDERERS["security"](facts(findings=dismissed), language_of("en"))
    found = re.search(r"([\d,]+) findings more judged to be no bug", text)
    assert found is not None
    assert places(text) + int(found[1].replace(",", "")) == RULES * EACH


def test_fixes_for_which_there_is_no_room_are_named_by_their_rules() -> None:
    findings, fixes = many_fixed(2 * RULES, 2)
    text = RENDERERS["technical"](facts(findings=findings, fixes=fixes), language_of("en"))
    shown = text.count("\n### ")
    assert 0 < shown < 2 * RULES
    assert f"{2 * RULES - shown} rules more had fixes for which there was no room here" in text


def test_follow_ups_for_which_there_is_no_room_are_counted() -> None:
    one, its_fix = fixed()
    follow_ups = [fix(explanation=f"Number {number}.") for number in range(400)]
    text = RENDERERS["technical"](facts(findings=[one], fixes=[its_fix, *follow_ups]), language_of("en"))
    rest = re.search(r"And (\d+) more of this kind, whose diffs are in the patch", text)
    assert rest is not None
    assert text.count("Number ") + int(rest[1]) == 400


@pytest.mark.parametrize(("style", "lines"), [("executive", 110), ("marketing", 50)])
def test_short_styles_stay_short_whatever_the_run(style: str, lines: int) -> None:
    findings, fixes = many_fixed(RULES, 5)
    text = RENDERERS[style](facts(findings=[*findings, *many(**SHELL)], fixes=fixes), language_of("de"))
    assert text.count("\n") <= lines
