"""The table of ruff rules: each exists, is stable, and says something to its reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rule_tools import ruff_catalogue

from nyxcore.analysis.rules import Rule, ast_grep_rules, python_rules
from nyxcore.analysis.rules.tables import RuleTableError, read_table

# Rules that would delete the project's own comments, need other files or are a matter of taste.
NEVER = {"RUF100", "I001", "INP001", "E501", "S101", "UP030", "UP032", "TRY003", "TRY401", "B018"}
EVERY_RULE = [*python_rules().values(), *{rule.id: rule for rule in ast_grep_rules().values()}.values()]


@pytest.fixture(scope="module")
def catalogue() -> dict[str, dict[str, object]]:
    return dict(ruff_catalogue())


def test_every_code_is_a_stable_rule_of_the_installed_ruff(catalogue: dict[str, dict[str, object]]) -> None:
    unstable = {
        code: catalogue.get(code, {}).get("status")
        for code in python_rules()
        if "Stable" not in str(catalogue.get(code, {}).get("status"))
    }
    assert unstable == {}


def test_rules_that_annoy_or_damage_are_not_in_the_table() -> None:
    assert not NEVER & set(python_rules())


def test_an_assert_is_no_vulnerability_and_no_security_rule_but_hidden_text_looks_at_tests() -> None:
    in_tests = {
        code for code, rule in python_rules().items() if rule.category == "security" and rule.in_tests
    }
    assert in_tests == {"PLE2502"}


def test_only_what_an_outsider_gains_from_directly_is_critical() -> None:
    assert {rule.category for rule in EVERY_RULE if rule.severity == "critical"} == {"security"}


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule.id)
def test_title_and_explanation_are_sentences_for_a_reader(rule: Rule) -> None:
    assert rule.title and rule.title == rule.title.strip() and not rule.title.endswith((".", "!", ":"))
    assert len(rule.title) <= 60
    assert re.fullmatch(r"[A-Z`].*\.", rule.explanation), rule.explanation
    assert 20 <= len(rule.explanation) <= 240
    assert "  " not in rule.explanation


def test_a_table_entry_says_whether_it_counts_in_tests(tmp_path: Path) -> None:
    table = tmp_path / "t.toml"
    entry = 'severity = "low", title = "A", explanation = "B."'
    table.write_text(f"[bug]\nX1 = {{ {entry}, in_tests = false }}\nX2 = {{ {entry} }}\n")
    rules = read_table(table, tool="ruff")
    assert (rules["X1"].in_tests, rules["X2"].in_tests) == (False, True)
    assert rules["X1"].id == "ruff:X1" and rules["X1"].category == "bug"


def test_a_table_entry_says_which_fixes_and_messages_count_and_what_eslint_calls_it(tmp_path: Path) -> None:
    table = tmp_path / "t.toml"
    entry = 'severity = "low", title = "A", explanation = "B."'
    more = 'fix = "safe", but_not = "seems safe", eslint = ["no-x"]'
    table.write_text(f"[bug]\nX1 = {{ {entry}, {more} }}\nX2 = {{ {entry} }}\n")
    rules = read_table(table, tool="ruff")
    assert (rules["X1"].fix, rules["X1"].eslint, rules["X2"].fix) == ("safe", ("no-x",), "any")
    assert (rules["X1"].reports("it seems safe"), rules["X2"].reports("it seems safe")) == (False, True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[style]\n", "style"),
        ('[bug]\nX1 = { severity = "grave", title = "A", explanation = "B." }\n', "grave"),
        ('[bug]\nX1 = { severity = "low", title = "A" }\n', "X1"),
        ('[bug]\nX1 = { severity = "low", title = "A", explanation = "B.", tests = 1 }\n', "tests"),
        ('[bug]\nX1 = { severity = "low", title = "A", explanation = "B.", fix = "no" }\n', "fix 'no'"),
        ('[bug]\nX1 = { severity = "low", title = "A", explanation = "B.", eslint = "x" }\n', "eslint"),
        (
            '[bug]\nX1 = { severity = "low", title = "A", explanation = "B." }\n'
            '[security]\nX1 = { severity = "low", title = "A", explanation = "B." }\n',
            "two categories",
        ),
    ],
)
def test_a_malformed_table_is_refused_with_the_rule_named(tmp_path: Path, text: str, complaint: str) -> None:
    table = tmp_path / "t.toml"
    table.write_text(text)
    with pytest.raises(RuleTableError, match=complaint):
        read_table(table, tool="ruff")
