"""What the printer says goes wrong is what a user of the API is told: same names, same codes."""

from __future__ import annotations

from collections.abc import Iterator

import nyxpdf.cdp  # its two errors are kinds of BrowserFailed
from nyxcore.errors import every_error
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
    assert (refusal("task_failed", "x").status, refusal("task_failed", "x").code) == (500, "internal_error")


def test_any_error_of_ours_is_told_with_its_own_code_and_status() -> None:
    for kind in every_error():
        if kind.__module__.startswith("nyxcore."):
            told = refusal(kind.code, "words")
            assert (told.code, told.status, told.message) == (kind.code, kind.status, "words"), kind


def test_what_is_wrong_with_a_document_is_no_fault_of_the_service() -> None:
    assert refusal("markdown_too_large", "x").status == 413
    assert refusal("not_found", "x").status == 404
    assert refusal("fonts_missing", "x").status == 503
