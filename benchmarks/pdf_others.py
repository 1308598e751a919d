"""What others need for the same Markdown; run by the Python of .build/bench, which has them.

    python pdf_others.py md2pdf-mermaid|weasyprint IN.md OUT.pdf CHROMIUM TIMES    prints the median of TIMES, in s

Both start with the Markdown, as our side does. md2pdf-mermaid gets our Chromium, since Playwright's own is downloaded.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def md2pdf_mermaid(markdown: str, target: Path, chromium: str) -> Callable[[], object]:
    """One conversion by md2pdf-mermaid, by its way over HTML and Playwright."""
    from md2pdf.html_renderer import convert_markdown_to_pdf_html
    from playwright.async_api import BrowserType

    launch = BrowserType.launch

    async def with_ours(self: BrowserType, **given: Any) -> Any:
        arguments = ["--no-sandbox", "--disable-gpu", "--no-zygote", "--in-process-gpu"]
        libraries = {"LD_LIBRARY_PATH": f"{chromium}/lib"}
        return await launch(
            self, **given, executable_path=f"{chromium}/headless_shell", args=arguments, env=libraries
        )

    BrowserType.launch = with_ours
    return lambda: convert_markdown_to_pdf_html(markdown, str(target))


def weasyprint(markdown: str, target: Path, _chromium: str) -> Callable[[], object]:
    """One conversion by Python-Markdown and WeasyPrint."""
    from markdown import markdown as to_html
    from weasyprint import HTML

    def convert() -> None:
        html = to_html(markdown, extensions=["tables", "fenced_code"])
        HTML(string=f"<!doctype html><meta charset=utf-8>{html}").write_pdf(target)

    return convert


def main(who: str, source: str, target: str, chromium: str, times: str) -> None:
    """Measure one of them."""
    makers = {"md2pdf-mermaid": md2pdf_mermaid, "weasyprint": weasyprint}
    convert = makers[who](Path(source).read_text(encoding="utf-8"), Path(target), chromium)
    seconds = []
    for _ in range(int(times)):
        begun = time.perf_counter()
        convert()
        seconds.append(time.perf_counter() - begun)
    sys.stdout.write(f"\nmeasured {statistics.median(seconds):.3f}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
