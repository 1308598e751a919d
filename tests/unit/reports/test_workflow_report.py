"""The report on a workflow's run, letter by letter, and what each style is for.

`NYX_GOLDEN=write` writes the golden files anew, as for the reports on auto-fix runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from report_rows import DATE, RUN

from nyxcore.reports import workflow
from nyxcore.reports.facts import Spent
from nyxcore.reports.language import language_of
from nyxcore.reports.models import LANGUAGES, STYLES, Style

GOLDEN = Path(__file__).with_name("golden_workflow")


def step(key: str, type: str, output: str | None, status: str = "succeeded") -> dict[str, Any]:
    return {
        "key": key,
        "type": type,
        "status": status,
        "output": output,
        "tokens": 1500,
        "usd": Decimal("0.0042"),
    }


STEPS = [
    step("scan", "analysis", "2 findings: `pkg/a.py`, `pkg/b.py`"),
    step("think", "llm", "An inner thought."),
    step("decide", "review", None, "skipped"),
    step("letter", "llm", "Dear customer,\n\nall is new.\n"),
]


def report(style: Style, language: str = "en", results: Sequence[str] = ("letter",), **changes: Any) -> str:
    run = {
        "id": RUN, "status": "succeeded", "error": None, "created_at": DATE, "started_at": DATE,
        "finished_at": DATE + timedelta(seconds=90),
    } | changes  # fmt: skip
    return workflow.render(
        "Shop · Workflow · 2026-11-23", run, name="Letters", goal="Write *one* letter.", steps=STEPS,
        results=results, style=style, spent=Spent(["ours:a", "ours:b"], 6000, Decimal("0.0168")), spoken=None,
        language=language_of(language),
    )  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_is_what_it_was(style: Style, language: str) -> None:
    text, golden = report(style, language), GOLDEN / f"workflow.{style}.{language}.md"
    if os.environ.get("NYX_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_golden_file_is_compared() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {
        f"workflow.{style}.{language}.md" for style in STYLES for language in LANGUAGES
    }


def test_who_decides_reads_how_it_ended_first_and_nothing_in_between() -> None:
    text = report("executive")
    assert text.splitlines()[4] == "**4 steps: 3 done, 1 skipped.**"
    assert "Dear customer" in text and "An inner thought" not in text and "| step |" not in text


def test_who_answers_for_security_reads_what_was_found_first() -> None:
    text = report("security")
    assert text.index("2 findings") < text.index("Dear customer") < text.index("| step |")


def test_what_may_be_published_names_no_step_and_no_goal() -> None:
    body = report("marketing").rpartition("---")[0]
    assert "Dear customer" in body
    assert not [word for word in ("letter\n", "scan", "think", "pkg/", "Write", "tokens") if word in body]
    assert "pkg/" not in report("marketing", results=["scan", "letter"])
    assert "nothing to announce" in report("marketing", status="cancelled")


@pytest.mark.parametrize("style", ["executive", "security", "technical"])
def test_a_run_that_did_not_succeed_is_said_to_be_one(style: Style) -> None:
    failed = report(style, status="failed", error={"code": "x", "message": "The model is down."})
    assert "> **The run failed before it was done:** The model is down." in failed
    assert "> **The run was cancelled" in report(style, status="cancelled")


@pytest.mark.parametrize("style", STYLES)
def test_every_style_ends_with_models_and_cost(style: Style) -> None:
    assert report(style).splitlines()[-1].endswith("models: `ours:a`, `ours:b` · 6,000 tokens · 0.02 USD")
