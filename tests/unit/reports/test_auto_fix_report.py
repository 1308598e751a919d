"""The auto-fix report says what the rows say, to each reader what that reader needs."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from report_rows import (
    CLEAN,
    DATE,
    EMPTY,
    EVERYTHING,
    EVIDENCE,
    FAILED,
    earlier,
    facts,
    finding,
    fix,
    fixed,
    name_of,
)

from nyxcore.findings.models import Evidence
from nyxcore.reports import sections
from nyxcore.reports.facts import Phase, Skipped, Spoken
from nyxcore.reports.kinds.auto_fix import RENDERERS
from nyxcore.reports.language import language_of
from nyxcore.reports.models import Style

SHELL = {"category": "security", "severity": "high", "rule": "ruff:S602", "title": "Shell"}


def report(style: Style = "technical", language: str = "en", **changes: Any) -> str:
    return RENDERERS[style](facts(**changes), language_of(language))


@pytest.mark.parametrize("style", RENDERERS)
@pytest.mark.parametrize(
    ("language", "title"), [("en", "Flask · Auto-fix · 2026-11-23"), ("de", "Flask · Auto-Fix · 23.11.2026")]
)
def test_the_title_names_project_type_and_date(style: Style, language: str, title: str) -> None:
    assert sections.title(facts(), language_of(language)) == title
    assert report(style, language).startswith(f"# {title}\n")


@pytest.mark.parametrize("style", RENDERERS)
def test_every_style_ends_with_duration_models_cost_and_source(style: Style) -> None:
    footer = report(style).splitlines()[-1]
    assert footer.endswith(
        "`sha256:abababababab` · 2.5 s · patch 10 bytes · models: none · 0 tokens · 0.00 USD"
    )


def test_nothing_to_scan_is_said_in_a_sentence() -> None:
    assert "nothing to scan" in report(files=0)


def test_a_clean_repository_is_said_to_be_clean() -> None:
    assert "12 files scanned, and nothing found" in report()


def test_every_number_of_the_summary_is_counted_from_the_findings() -> None:
    one, its_fix = fixed()
    held = "git did not take the patch of this file, so that all of its fixes were taken back."
    rows = [
        one,
        finding(start_line=4),
        finding(start_line=5, state="failed", reason=held),
        finding(start_line=6),
    ]
    text = report(findings=rows, fixes=[its_fix])
    assert "4 findings: 1 fixed by 1 verified fix, 2 left for a person, 1 withdrawn" in text
    assert "| Bug | 0 | 0 | 4 | 0 | 4 | 1 | 3 |" in text


def test_a_grave_finding_that_is_left_is_pointed_out_first() -> None:
    text = report(findings=[finding(severity="critical", category="security")])
    assert "open and grave (1 critical):\n\n- **critical** `pkg/a.py`:3 — " in text


def test_each_fix_stands_with_its_diff_and_what_was_checked_of_it_alone() -> None:
    pairs = [fixed(start_line=line) for line in (3, 9)]
    about_x = Evidence(check="other_files", ok=True, detail="no other file mentions `x`")
    guarded = pairs[1][1].model_copy(update={"evidence": [*EVIDENCE[:3], about_x, *EVIDENCE[4:]]})
    text = report(findings=[one for one, _ in pairs], fixes=[pairs[0][1], guarded])
    assert text.count("```diff\n@@ -") == 2 and "+++ " not in text, "the file is named above"
    assert "Each of them has passed these checks: finding gone · nothing new · parses · other files" in text
    assert text.count("Note: ") == 1
    assert "Note: other files (no other file mentions `x`)" in text


def test_a_check_that_was_left_out_is_not_said_to_have_passed() -> None:
    one, its_fix = fixed()
    no_git = Evidence(check="patch_not_tried", ok=True, detail="there is no git here")
    text = report(findings=[one], fixes=[its_fix.model_copy(update={"evidence": [*EVIDENCE[:5], no_git]})])
    assert "patch applies" not in text
    assert "there was no git to try the patch with" in text


def test_a_fix_that_only_other_fixes_made_necessary_is_shown_too() -> None:
    one, its_fix = fixed()
    follow_up = fix(explanation="Unused import. The fix removes it.")
    text = report(findings=[one], fixes=[its_fix, follow_up])
    assert (
        "### What the fixes above made necessary — 1×\n\n`pkg/a.py` — Unused import. The fix removes it."
        in text
    )


def test_a_check_that_did_not_pass_is_not_hidden() -> None:
    one, its_fix = fixed()
    failed = [*EVIDENCE, Evidence(check="tests", ok=False, detail="not run")]
    text = report(findings=[one], fixes=[its_fix.model_copy(update={"evidence": failed})])
    assert "**not passed: tests** (not run)" in text


def test_what_was_left_stands_with_its_reason_and_places() -> None:
    text = report(findings=[finding(), finding(start_line=8), finding(file="b.py")])
    assert "3×, left: ruff offers no automatic fix for this; it needs a person's judgement.\n" in text
    assert "  - `b.py`:3 — Redefinition of `f`\n  - `pkg/a.py`:3, 8\n" in text


def test_reasons_that_differ_by_place_stand_at_the_places() -> None:
    def held(line: int, file: str) -> Any:
        reason = f"Removing `x` could break `{file}`, which mentions both the name and this module."
        return finding(start_line=line, state="failed", reason=reason)

    text = report(findings=[held(1, "b.py"), held(2, "c.py")])
    assert "2×, withdrawn: Another file mentions the name together with this module" in text
    assert "`pkg/a.py`:2 — Redefinition of `f` → Removing `x` could break `c.py`" in text


def test_a_long_list_of_alike_places_is_cut_and_says_so() -> None:
    text = report(findings=[finding(severity="low", file=f"m{n}.py") for n in range(31)])
    assert "- and 11 more in 11 files" in text


def test_many_lines_of_one_file_are_cut_and_counted() -> None:
    assert ", 30 and 5 more — " in report(findings=[finding(start_line=n) for n in range(1, 36)])


def test_of_many_alike_fixes_some_are_shown_and_the_rest_named() -> None:
    pairs = [fixed(start_line=n) for n in range(1, 21)]
    text = report(findings=[one for one, _ in pairs], fixes=[its_fix for _, its_fix in pairs])
    assert text.count("```diff") == 12
    assert "And 8 more of the same kind, whose diffs are in the patch: `pkg/a.py`:13" in text


def test_grave_findings_are_not_cut_at_twenty() -> None:
    text = report(findings=[finding(severity="high", file=f"m{n}.py") for n in range(30)])
    assert text.count("  - `m") == 30


def test_what_was_not_looked_at_is_counted_by_reason() -> None:
    text = report(skipped=[Skipped("too_large", 3, ["data/big.py"])], notes=["something unusual"])
    assert "| above 1 MB | `data/big.py` | 3 |" in text
    assert "- something unusual" in text


def test_the_reader_is_told_that_the_project_s_tests_were_not_run() -> None:
    one, its_fix = fixed()
    for style in ("technical", "executive"):
        assert "tests were not run" in report(style, findings=[one], fixes=[its_fix])


@pytest.mark.parametrize("style", ["technical", "executive"])
def test_the_trend_counts_new_gone_and_still_there_by_severity(style: Style) -> None:
    stays, comes = finding(), finding(start_line=9, severity="high")
    goes = [finding(start_line=n, severity="low") for n in (50, 51)]
    text = report(style, findings=[stays, comes], earlier=earlier(stays, *goes))
    assert "run of 2026-11-10 on the same repository: 1 new, 2 gone, 1 still there." in text
    assert (
        "| New | 0 | 1 | 0 | 0 | 1 |\n| Gone | 0 | 0 | 0 | 2 | 2 |\n| Still there | 0 | 0 | 1 | 0 | 1 |"
        in text
    )
    assert "Grave among the new ones: 1 high." in text


def test_an_earlier_run_of_the_same_day_is_named_with_its_time() -> None:
    one = finding()
    text = report(findings=[one], earlier=earlier(one, date=DATE - timedelta(hours=2)))
    assert "Nothing has changed since the run of 2026-11-23, 10:00 UTC on" in text


def test_a_first_run_says_that_there_is_nothing_to_compare() -> None:
    assert "the first finished run" in report(findings=[finding()])


def test_a_repository_that_became_clean_shows_what_is_gone() -> None:
    text = RENDERERS["executive"](CLEAN, language_of("en"))
    assert "nothing found" in text and "0 new, 2 gone, 0 still there" in text


@pytest.mark.parametrize("style", RENDERERS)
def test_a_run_that_failed_is_not_told_as_a_finished_one(style: Style) -> None:
    text = RENDERERS[style](FAILED, language_of("en"))
    if style == "marketing":
        assert "did not finish" in text and "improvement" not in text
    else:
        assert (
            "> [!WARNING]\n> **The run failed before it was done:** The repository's archive is broken"
            in text
        )
    assert "gone" not in text


def test_what_a_failed_run_did_not_come_to_is_not_called_withdrawn() -> None:
    text = RENDERERS["technical"](FAILED, language_of("en"))
    assert "2 not settled when the run ended" in text
    assert "withdrawn" not in text


def test_a_run_that_did_not_finish_does_not_explain_a_comparison() -> None:
    assert "counts as the same" not in RENDERERS["technical"](FAILED, language_of("en"))


def test_a_cancelled_run_says_so() -> None:
    assert "> **The run was cancelled before it was done.**" in report(
        ending="cancelled", findings=[finding()]
    )


def test_the_phases_are_a_diagram_with_the_longest_named() -> None:
    phases = [Phase("detecting", timedelta(seconds=1)), Phase("fixing", timedelta(seconds=3))]
    text = report(phases=phases)
    assert "The longest was *fixing* with 3.0 s." in text
    at = "2000-01-01 00:00:0"
    assert f"    detecting 1.0 s :{at}0.000, {at}1.000\n    fixing 3.0 s :{at}1.000, {at}4.000\n```" in text


# --- executive


def test_the_executive_report_says_what_there_is_to_decide() -> None:
    one, its_fix = fixed(severity="low")
    unsafe = "The only fix on offer may change what the code does; run with unsafe fixes to have it tried."
    rows = [
        one,
        finding(**SHELL),
        finding(start_line=7, reason=unsafe),
        finding(start_line=8, severity="low"),
    ]
    text = report("executive", findings=rows, fixes=[its_fix])
    decisions = text[text.index("## What to decide") :]
    assert "1. **Merge the patch.** It settles 1 finding in 1 file." in decisions
    assert "2. **Name an owner for what is grave.** 1 finding of severity high is open" in decisions
    assert "3. **Decide on bolder fixes.** 1 of the open findings has a fix" in decisions
    assert "4. **Plan or accept the rest.** 2 findings of severity medium and low are open." in decisions


def test_the_executive_report_has_nothing_to_decide_when_nothing_is_open() -> None:
    dismissed = finding(state="not_a_bug", reason="a fixture")
    text = report("executive", findings=[dismissed])
    assert "Nothing is open." in text and "Nothing needs a decision." in text
    assert "One more was judged to be no bug." in text


@pytest.mark.parametrize("severity", ["critical", "high", "medium", "low"])
def test_the_risk_is_that_of_the_gravest_open_finding(severity: str) -> None:
    worse_but_fixed, its_fix = fixed(severity="critical", start_line=80)
    rows = [worse_but_fixed, finding(severity=severity), finding(severity="low", start_line=9)]
    assert f"**{severity}**." in report("executive", findings=rows, fixes=[its_fix])


def test_the_executive_report_names_no_file() -> None:
    assert re.findall(r"\w+\.py", RENDERERS["executive"](EVERYTHING, language_of("en"))) == []


# --- security


def test_the_security_report_shows_security_in_full_and_counts_the_rest() -> None:
    rows = [finding(**SHELL, start_line=n, file=f"m{n}.py") for n in range(1, 40)] + [
        finding(file="other.py")
    ]
    text = report("security", findings=rows, explanations={"ruff:S602": "The shell reads it."})
    assert all(f"- `m{n}.py`:{n}" in text for n in range(1, 40))
    assert "**high** · **Shell** — `ruff:S602`, 39 places. The shell reads it." in text
    assert "other.py" not in text
    assert "| Bug | 0 | 0 | 1 | 0 | 1 | 0 | 1 |" in text


def test_the_security_report_tells_open_fixed_and_dismissed_apart() -> None:
    one, its_fix = fixed(**SHELL, start_line=70)
    dismissed = finding(**SHELL, start_line=71, state="not_a_bug", reason="The input is a constant.")
    text = report("security", findings=[finding(**SHELL), one, dismissed], fixes=[its_fix])
    assert "**3 security findings: 1 fixed, 1 open, 1 judged to be no bug.** Still open: 1 high." in text
    open_part, rest = text.split("## Fixed")
    fixed_part, dismissed_part = rest.split("## Judged to be no bug")
    assert "`pkg/a.py`:3" in open_part and "`pkg/a.py`:70" in fixed_part and "```diff" in fixed_part
    assert "Reason given: The input is a constant.\n  - `pkg/a.py`:71" in dismissed_part


def test_findings_that_share_a_fix_show_its_diff_once() -> None:
    one, its_fix = fixed(**SHELL)
    other = finding(**SHELL, start_line=4, state="fixed", reason=None, fix_id=one.fix_id)
    shared = its_fix.model_copy(update={"finding_ids": [one.id, other.id]})
    text = report("security", findings=[one, other], fixes=[shared])
    assert text.count("```diff") == 1
    assert "Fixed as well, with the diffs in the patch: `pkg/a.py`:4" in text


def test_a_repository_without_security_findings_says_so() -> None:
    text = report("security", findings=[finding()])
    assert "**No security finding in 12 files.**" in text
    assert "does not replace a review or a penetration test" in text


# --- marketing


def test_release_notes_say_what_got_better_in_numbers() -> None:
    pairs = [
        fixed(severity="low", category="code-smell", rule="ruff:F401", title="Unused import", start_line=n)
        for n in (1, 2)
    ]
    one, its_fix = fixed(**SHELL)
    findings, fixes = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    text = report("marketing", findings=[*findings, one], fixes=[*fixes, its_fix])
    assert "**3 improvements in 1 file.** Flask is safer and easier to maintain." in text
    assert "- **Safer**: 1 weakness closed\n- **Tidier**: 2 places are easier to read and to change" in text
    assert "- **Unused import**, 2 times" in text


@pytest.mark.parametrize("language", ["en", "de"])
def test_release_notes_name_no_file_and_nothing_that_is_open(language: str) -> None:
    text = RENDERERS["marketing"](EVERYTHING, language_of(language))
    assert ".py" not in text
    open_titles = {one.title for one in EVERYTHING.findings if one.state != "fixed"}
    assert [title for title in open_titles if sections.inline(title) in text] == []


def test_a_security_rule_of_which_something_is_open_is_not_named_in_release_notes() -> None:
    one, its_fix = fixed(**SHELL)
    assert "**Shell**, once" in report("marketing", findings=[one], fixes=[its_fix])
    assert "Shell" not in report("marketing", findings=[one, finding(**SHELL, start_line=9)], fixes=[its_fix])


def test_a_run_that_fixed_nothing_has_nothing_to_announce() -> None:
    assert "nothing to announce" in report("marketing", findings=[finding()])
    assert "nothing to announce" in RENDERERS["marketing"](EMPTY, language_of("en"))


# --- German


def test_a_german_report_says_once_that_the_rules_words_are_english() -> None:
    for style in ("executive", "security", "technical"):
        assert RENDERERS[style](EVERYTHING, language_of("de")).count("englische") == 1
        assert "nglish" not in RENDERERS[style](EVERYTHING, language_of("en"))


def test_a_german_report_translates_why_something_was_left() -> None:
    text = report("technical", "de", findings=[finding()])
    assert "ruff bietet dafür keine automatische Korrektur" in text


def test_numbers_in_a_german_report_have_points() -> None:
    assert "13.000 Dateien" in report("technical", "de", files=13_000)


def test_a_fix_for_findings_that_are_not_told_is_shown_as_a_follow_up() -> None:
    lost = replace(
        facts(), fixes=[fix(explanation="Alone.", finding_ids=[name_of("nobody")])], findings=[finding()]
    )
    assert "### What the fixes above made necessary — 1×\n\n`pkg/a.py` — Alone." in RENDERERS["technical"](
        lost, language_of("en")
    )


@pytest.mark.parametrize("style", RENDERERS)
@pytest.mark.parametrize(
    ("language", "written", "asked"),
    [
        ("en", "prose: `ours:best`, 1,234 tokens, <0.01 USD", "prose: no answer, 5 tokens, 0.50 USD"),
        ("de", "Text: `ours:best`, 1.234 Tokens, <0,01 USD", "Text: keine Antwort, 5 Tokens, 0,50 USD"),
    ],
)
def test_the_footer_tells_the_cost_of_prose_beside_that_of_the_run(
    style: Style, language: str, written: str, asked: str
) -> None:
    by = Spoken("ours:best", 1234, Decimal("0.004"))
    assert report(style, language, spoken=by).splitlines()[-1].endswith(f" · {written}")
    nobody = Spoken(None, 5, Decimal("0.5"))
    assert report(style, language, spoken=nobody).splitlines()[-1].endswith(f" · {asked}")


def test_who_wrote_the_prose_is_said_where_it_is_told_how_the_report_was_made() -> None:
    assert "No model was used." in report()
    text = report(spoken=Spoken("ours:best", 1234, Decimal("0.01")))
    assert "The prose between the tables was written by `ours:best`" in text
    assert "No model was used." not in text
