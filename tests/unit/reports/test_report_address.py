"""Where a report's QR code leads."""

from __future__ import annotations

import pytest
from report_rows import RUN

from nyxcore.reports import page
from nyxcore.settings import Settings


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ({}, "https://nyxcore.cloud"),
        ({"report_base_url": "https://reports.example"}, "https://reports.example"),
        ({"report_base_url": "https://reports.example/a/"}, "https://reports.example/a"),
    ],
)
def test_a_report_is_at_the_origin_of_the_settings(
    given: dict[str, str], origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "settings", lambda: Settings(**given))
    assert page.address(RUN) == f"{origin}/reports/{RUN}"
