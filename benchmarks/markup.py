"""Markdown to safe HTML: the speed on an ordinary report, beside the bare parser, and what hostile documents cost."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from markdown_it import MarkdownIt

from benchmarks.processes import import_cpu_seconds
from nyxcore.markup.service import render

SIZE = 1_000_000
TIMES = 5
WORDS = ("the", "finding", "was", "fixed", "by", "a", "verified", "change", "of", "one", "call", "because")
HOSTILE: dict[str, Callable[[], str]] = {
    "8 MB in one line": lambda: "&lt; " * 1_600_000,
    "8 MB of brackets": lambda: ("[" * 19_000 + "\n\n") * 420,
    "100,000 rows of a table": lambda: "| a | b | c |\n|---|---|---|\n" + "| 1 | 2 | 3 |\n" * 100_000,
    "1,000 nested quotes, 7,000 times": lambda: (">" * 1_000 + "a\n\n") * 7_000,
    "50,000 links": lambda: "".join(f"[a{n}](https://b.c/{n})\n\n" for n in range(50_000)),
    "50,000 footnotes": lambda: "".join(f"a[^{n}]\n\n[^{n}]: b\n\n" for n in range(50_000)),
    "50,000 headings": lambda: "## same\n\n" * 50_000,
}


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, figure, target)."""
    text = report(SIZE)
    bare = MarkdownIt("commonmark").enable("table")
    took = import_cpu_seconds("nyxcore.markup.service") * 1_000
    rows = [
        ("import nyxcore.markup.service", f"{took:.0f} ms of CPU", ""),
        (f"a report of {len(text) / 1e6:.0f} MB to safe HTML", _speed(lambda: render(text), len(text)), ""),
        (
            "the same with markdown-it-py alone: nothing sanitised, coloured or limited",
            _speed(lambda: bare.render(text), len(text)),
            "",
        ),
    ]
    for name in HOSTILE:
        with ProcessPoolExecutor(1) as fresh:  # its peak of memory is its own
            seconds, megabytes = fresh.submit(_cost, name).result()
        rows.append((f"hostile: {name}", f"{seconds:.1f} s of CPU, {megabytes:.0f} MB", ""))
    return rows


def report(size: int) -> str:
    """Markdown as reports have it: prose, tables, diffs, lists, code."""
    choice = random.Random(1)

    def prose(count: int) -> str:
        return " ".join(choice.choices(WORDS, k=count))

    parts = ["# Flask · Auto-fix · 2026-11-23\n\n"]
    while sum(map(len, parts)) < size:
        rows = "".join(f"| `ruff:S{n}` | high | `src/{prose(1)}_{n}.py` | {n} | fixed |\n" for n in range(25))
        changes = "".join(f"{choice.choice(' -+ ')}    value = call({n}, shell=True)\n" for n in range(9))
        items = "".join(
            f"- high: `src/a.py:{n}` — {prose(9)} *x* [more](https://example.com/{n})\n" for n in range(20)
        )
        parts.append(
            f"## {prose(4)}\n\n**{len(parts)} findings**: {prose(30)} `S602`, see "
            f"https://example.com/rules. {prose(25)}\n\n"
            f"| rule | severity | file | line | state |\n| --- | --- | --- | ---: | --- |\n{rows}\n"
            + f"```diff\n--- a/src/x.py\n+++ b/src/x.py\n@@ -1,6 +1,6 @@\n{changes}```\n\n"
            * 3
            + f"```python\ndef f(a: int) -> str:\n    return str(a + 1)  # {prose(4)}\n```\n\n{items}\n"
            f"> [!NOTE]\n> {prose(20)}\n\n<details><summary>More</summary>\n\n{prose(20)}\n\n</details>\n\n"
        )
    return "".join(parts)


def _speed(convert: Callable[[], object], size: int) -> str:
    times = []
    for _ in range(TIMES):
        started = time.process_time()
        convert()
        times.append(time.process_time() - started)
    return f"{size / 1e6 / sorted(times)[TIMES // 2]:.1f} MB/s"


def _cost(name: str) -> tuple[float, float]:
    """Seconds of CPU and peak megabytes for one hostile document."""
    source = HOSTILE[name]()
    started = time.process_time()
    render(source)
    return time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
