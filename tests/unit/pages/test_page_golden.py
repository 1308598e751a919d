"""The whole HTML of one small report, but for fonts and the stylesheet: a change of it is seen, and meant.

After a change that is meant: `NYX_GOLDEN=write .venv/bin/python -m pytest tests/unit/pages/test_page_golden.py`.
"""

import os
import re
from pathlib import Path

from page_documents import page

GOLDEN = Path(__file__).parent / "golden"


def test_the_page_of_a_small_report_is_the_one_that_was_looked_at() -> None:
    html = page(
        GOLDEN.joinpath("report.md").read_text(encoding="utf-8"), url="https://nyxcore.cloud/reports/1"
    )
    shown = re.sub(r"<style>.*?</style>", "<style></style>", html, flags=re.DOTALL)
    shown = re.sub(r' d="M[^"]{300,}"', ' d="…"', shown)  # the QR code, which has a test of its own
    path = GOLDEN / "report.html"
    if os.environ.get("NYX_GOLDEN") == "write":
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
