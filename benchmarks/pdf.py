"""PDFs: how fast, in how much memory, and what others need for the same Markdown in the same run."""

from __future__ import annotations

import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pypdf import PdfReader

from benchmarks import pdf_documents as documents
from nyxpdf.limits import Limits
from nyxpdf.printer import Printer

ROOT = Path(__file__).parents[1]
CHROMIUM = ROOT / "layers/chromium/opt/chromium"
OTHERS = ROOT / ".build/bench/bin/python"
MB = 1_000_000
_DOCUMENTS = 500

type Row = tuple[str, str, str]
type Table = tuple[Row, list[Row]]

_HEAD: Row = ("what", "measured", "target")
_COLD = """
import sys
from pathlib import Path
from nyxpdf.limits import Limits
from nyxpdf.printer import Printer
printer = Printer(Path(sys.argv[1]), Limits())
Path(sys.argv[3]).write_bytes(printer.print(Path(sys.argv[2]).read_bytes()).pdf)
printer.close()
"""


def tables() -> Iterator[Table]:
    """The figures of the renderer, then those beside others."""
    os.environ["NYX_FONTS"] = str(ROOT / "layers/pages/opt/fonts")
    printer = Printer(CHROMIUM, Limits())
    try:
        yield _HEAD, [*_speeds(printer), *_diagrams(printer), *_memory()]
        yield ("document", "nyxcore", "others"), _beside_others(printer)
    finally:
        printer.close()


def _median(work: Callable[[], object], times: int) -> float:
    work()
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def _speeds(printer: Printer) -> list[Row]:
    small, medium = documents.job(documents.small()), documents.job(documents.medium())
    once = documents.job(documents.medium(), numbered=False)
    pages = printer.print(once).pages
    before = _browser_cpu(printer)
    one = _median(lambda: printer.print(once), 5)
    cpu = (_browser_cpu(printer) - before) / 6
    two = _median(lambda: printer.print(medium), 5)
    warm = _median(lambda: printer.print(small), 15)
    return [
        (f"warm, {printer.print(small).pages} pages", f"{warm:.2f} s", "≤ 0.25 s"),
        (
            f"{pages} pages, tagged, with outline, one pass",
            f"{one:.2f} s, {pages / one:.0f} pages a second; {cpu:.2f} s of Chromium's CPU",
            "≥ 70",
        ),
        (
            f"{pages} pages with numbered contents, two passes",
            f"{two:.2f} s, {pages / two:.0f} pages a second",
            "",
        ),
        ("new process to PDF, 2 pages", f"{_cold(small):.2f} s", "≤ 0.8 s"),
    ]


def _browser_cpu(printer: Printer) -> float:
    """Seconds of CPU that the browser and its pages have used; a page's count once it has been closed (proc(5))."""
    assert printer._browser is not None
    time.sleep(0.5)  # until the last page's process has ended
    fields = Path(f"/proc/{printer._browser.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _cold(job: bytes) -> float:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "job.json")
        source.write_bytes(job)
        command = [sys.executable, "-c", _COLD, str(CHROMIUM), str(source), f"{folder}/out.pdf"]
        return _median(lambda: subprocess.run(command, check=True), 5)


def _diagrams(printer: Printer) -> list[Row]:
    none, one, eleven = (documents.job(documents.with_diagrams(count)) for count in (0, 1, 11))
    without = _median(lambda: printer.print(none), 7)
    first = _median(lambda: printer.print(one), 7) - without
    more = (_median(lambda: printer.print(eleven), 7) - without - first) / 10
    return [
        ("the first diagram", f"{first:.2f} s more", "≤ 0.6 s"),
        ("each further one", f"{more * 1000:.0f} ms more", "≤ 50 ms"),
    ]


def _memory() -> list[Row]:
    """What a browser holds between two documents, those that replace it included."""
    job = documents.job(documents.small())
    printer = Printer(CHROMIUM, Limits())
    held = []
    try:
        for _ in range(_DOCUMENTS):
            printer.print(job)
            assert printer._browser is not None
            held.append(printer._browser.memory() / MB)
    finally:
        printer.close()
    first, last = max(held[:100]), max(held[-100:])
    measured = f"at most {first:.0f} MB in the first hundred, {last:.0f} MB in the last"
    return [(f"memory of the browser between {_DOCUMENTS} documents", measured, "flat")]


def _beside_others(printer: Printer) -> list[Row]:
    rows = []
    sizes = (("small", documents.small(), 5), ("CommonMark's specification", documents.large(), 3))
    for name, markdown, times in sizes:
        ours = _median(lambda text=markdown: printer.print(documents.job(text, numbered=False)), times)  # type: ignore[misc]
        pages = printer.print(documents.job(markdown, numbered=False)).pages
        others = ", ".join(_others(who, markdown, times, ours) for who in ("md2pdf-mermaid", "weasyprint"))
        rows.append((f"{name}, from Markdown, one pass", f"{ours:.2f} s, {pages} pages", others))
    return rows


def _others(who: str, markdown: str, times: int, ours: float) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.md"), Path(folder, "out.pdf")
        source.write_text(markdown, encoding="utf-8")
        script = str(ROOT / "benchmarks/pdf_others.py")
        command = [str(OTHERS), script, who, str(source), str(target), str(CHROMIUM), str(times)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = re.search(r"^measured (\S+)$", done.stdout, re.MULTILINE)
        if found is None:
            return f"{who} failed: {done.stderr.strip().splitlines()[-1:]}"
        pages = len(PdfReader(io.BytesIO(target.read_bytes())).pages)
    return f"{who} {float(found[1]):.2f} s, {pages} pages: {float(found[1]) / ours:.1f} times as long"
