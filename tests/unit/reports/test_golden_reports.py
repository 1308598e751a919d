"""The reports on hand-made rows, letter by letter.

`NYX_GOLDEN=write python -m pytest tests/unit/reports/test_golden_reports.py` writes them anew; then read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from report_rows import CASES

from nyxcore.reports.kinds.auto_fix import RENDERERS
from nyxcore.reports.language import language_of
from nyxcore.reports.models import LANGUAGES

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("style", RENDERERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_is_what_it_was(case: str, style: str, language: str) -> None:
    text = RENDERERS[style](CASES[case], language_of(language))
    golden = GOLDEN / f"auto-fix.{case}.{style}.{language}.md"
    if os.environ.get("NYX_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_golden_file_is_compared() -> None:
    expected = {
        f"auto-fix.{case}.{style}.{language}.md"
        for case in CASES
        for style in RENDERERS
        for language in LANGUAGES
    }
    assert {path.name for path in GOLDEN.iterdir()} == expected
