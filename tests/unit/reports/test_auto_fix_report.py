"""The auto-fix report says what the rows say."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from nyxcore.findings.models import Evidence, Finding, Fix
from nyxcore.reports.auto_fix import AutoFixReport, Skipped, render, title

RUN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
DATE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
EVIDENCE = [Evidence(check="reparses", ok=True, detail="no new syntax error")]


def finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "id": uuid4(), "run_id": RUN, "category": "bug", "severity": "medium", "rule": "ruff:F811",
        "title": "Redefinition", "message": "Redefinition of `f`", "file": "pkg/a.py", "start_line": 3,
        "end_line": 3, "state": "no_fix", "reason": "this rule offers no fix", "fix_id": None, "source": "ruff",
        "fingerprint": "f" * 16,
    }  # fmt: skip
    return Finding(**(values | changes))


def fix(of: Finding, **changes: Any) -> Fix:
    values: dict[str, Any] = {
        "id": of.fix_id, "finding_ids": [of.id], "diff": "--- a/pkg/a.py\n+++ b/pkg/a.py\n@@ -1 +1 @@\n-old\n+new\n",
        "explanation": "e", "needs": [], "safe": True, "evidence": EVIDENCE, "pull_request": None,
    }  # fmt: skip
    return Fix(**(values | changes))


def report(**changes: Any) -> str:
    values: dict[str, Any] = {
        "project": "Flask", "repository": "flask", "run_id": RUN, "date": DATE, "duration": timedelta(seconds=2.5),
        "unsafe": False, "files": 12, "findings": [], "fixes": [], "skipped": [], "notes": [], "explanations": {},
        "tools": {"ruff": "0.17.6"}, "patch_bytes": 10,
    }  # fmt: skip
    return render(AutoFixReport(**(values | changes)))


def test_the_title_names_project_type_and_date() -> None:
    assert title("Flask", DATE) == "Flask · Auto-fix · 2026-11-23"
    assert report().startswith("# Flask · Auto-fix · 2026-11-23\n")


def test_nothing_to_scan_is_said_in_a_sentence() -> None:
    assert "nothing to scan" in report(files=0)


def test_a_clean_repository_is_said_to_be_clean() -> None:
    assert "12 files scanned, and nothing found" in report()


def test_every_number_of_the_summary_is_counted_from_the_findings() -> None:
    fixed = finding(state="fixed", reason=None, fix_id=uuid4())
    rows = [fixed, finding(), finding(state="failed", reason="the fix brought up ruff:F821"), finding()]
    text = report(findings=rows, fixes=[fix(fixed)])
    assert "4 findings: 1 fixed by 1 verified fix, 2 left for a person, 1 withdrawn" in text
    assert "| bug | 0 | 0 | 4 | 0 | 4 | 1 |" in text


def test_a_grave_finding_that_is_left_is_pointed_out_first() -> None:
    text = report(findings=[finding(severity="critical", category="security")])
    assert "Look first at what was left and is grave (1 critical):\n\n- critical: `pkg/a.py`:3 — " in text


def test_each_fix_stands_with_its_diff_and_the_checks_that_it_passed() -> None:
    first, second = (finding(state="fixed", reason=None, fix_id=uuid4(), start_line=n) for n in (3, 9))
    guard = [*EVIDENCE, Evidence(check="other_files", ok=True, detail="no other file mentions `f`")]
    text = report(findings=[first, second], fixes=[fix(first), fix(second, evidence=guard)])
    assert text.count("```diff\n--- a/pkg/a.py") == 2
    assert "Checked: reparses\n" in text
    assert "Checked: reparses · other files (no other file mentions `f`)" in text


def test_a_fix_that_only_other_fixes_made_necessary_is_shown_too() -> None:
    one = finding(state="fixed", reason=None, fix_id=uuid4())
    follow_up = fix(one, id=uuid4(), finding_ids=[], explanation="Unused import. The fix removes it.")
    text = report(findings=[one], fixes=[fix(one), follow_up])
    assert "### What the fixes above made necessary — 1×\n\nUnused import. The fix removes it." in text


def test_a_check_that_did_not_pass_is_not_hidden() -> None:
    one = finding(state="fixed", reason=None, fix_id=uuid4())
    text = report(
        findings=[one], fixes=[fix(one, evidence=[Evidence(check="tests", ok=False, detail="not run")])]
    )
    assert "**not passed: tests** (not run)" in text


def test_what_was_left_stands_with_its_reason_and_place() -> None:
    text = report(findings=[finding(), finding(start_line=8)])
    assert "2×, left: this rule offers no fix" in text
    assert "- `pkg/a.py`:8 — Redefinition of `f`" in text


def test_a_long_list_of_alike_places_is_cut_and_says_so() -> None:
    text = report(findings=[finding(severity="low", start_line=n) for n in range(1, 31)])
    assert "- and 10 more" in text


def test_of_many_alike_fixes_some_are_shown_and_the_rest_named() -> None:
    fixed = [finding(state="fixed", reason=None, fix_id=uuid4(), start_line=n) for n in range(1, 21)]
    text = report(findings=fixed, fixes=[fix(one) for one in fixed])
    assert text.count("```diff") == 12
    assert "And 8 more of the same kind, whose diffs are in the patch: `pkg/a.py`:13" in text


def test_grave_findings_are_not_cut_at_twenty() -> None:
    text = report(findings=[finding(severity="high", start_line=n) for n in range(1, 31)])
    assert text.count("- `pkg/a.py`:") == 30


def test_what_was_not_looked_at_is_counted_by_reason() -> None:
    text = report(skipped=[Skipped("too_large", 3, ["data/big.py"])], notes=["setup.cfg could not be read"])
    assert (
        "above 1 MB" in text
        and "`data/big.py`" in text
        and "| 3 |" in text
        and "- setup.cfg could not be read" in text
    )


def test_a_file_name_cannot_write_markdown() -> None:
    text = report(findings=[finding(file="a`b|<i>.py")])
    assert "``a`b|<i>.py``:3" in text


def test_the_reader_is_told_that_the_project_s_tests_were_not_run() -> None:
    assert "tests were not run" in report()
