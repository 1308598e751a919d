"""What the printer says goes wrong is what a user of the API is told: same names, same codes."""

from __future__ import annotations

from collections.abc import Iterator

import nyxpdf.cdp  # its two errors are kinds of BrowserFailed
from nyxcore.reports.print_errors import PRINT_ERRORS, BrowserFailed, refusal
from nyxpdf.errors import RenderError


def below(kind: type[RenderError]) -> Iterator[type[RenderError]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("nyxpdf."):
            yield child
            yield from below(child)


def test_every_error_of_the_printer_has_its_twin() -> None:
    assert nyxpdf.cdp.PageCrashed in set(below(RenderError))
    ours = {kind.__name__: (kind.code, kind.retryable) for kind in PRINT_ERRORS}
    theirs = {kind.__name__: (kind.code, kind.retryable) for kind in below(RenderError)}
    assert ours == theirs


def test_a_failed_run_is_told_with_its_own_status() -> None:
    told = refusal("browser_failed", "Chromium ended.")
    assert isinstance(told, BrowserFailed)
    assert (told.status, told.message) == (503, "Chromium ended.")
    assert refusal("task_failed", "x").status == 500
