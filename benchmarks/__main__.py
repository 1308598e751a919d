"""`make bench`: every figure of benchmarks/README.md, as Markdown rows.

`python -m benchmarks auto_fix`, `... cancel`, `... markup`, `... pdf`, `... prompts`, `... reports`, `... stream`,
`... stream_memory`, `... workflows`: one part.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from benchmarks import auto_fix, cancel, markup, pdf, prompts, reports, stream, stream_memory, workflows
from benchmarks.processes import import_cpu_seconds

IMPORTS = {"api.handler": 500, "pipelines.auto_fix.scan": 350, "pipelines.auto_fix.combine": 350}

type Row = tuple[str, str, str]
type Table = tuple[Row, list[Row]]

_HEAD: Row = ("what", "measured", "target")


def _auto_fix() -> Iterator[Table]:
    rows = []
    for module, budget in IMPORTS.items():
        took = import_cpu_seconds(module) * 1000
        rows.append((f"import {module}", f"{took:.0f} ms of CPU", f"≤ {budget} ms"))
    yield _HEAD, rows + auto_fix.measure()


def _reports() -> Iterator[Table]:
    yield _HEAD, reports.measure()


def _markup() -> Iterator[Table]:
    yield _HEAD, markup.measure()


PARTS: dict[str, Callable[[], Iterator[Table]]] = {
    "auto_fix": _auto_fix,
    "pdf": pdf.tables,
    "markup": _markup,
    "reports": _reports,
    "prompts": prompts.tables,
    "stream": stream.tables,
    "stream_memory": stream_memory.tables,
    "cancel": cancel.tables,
    "workflows": workflows.tables,
}


def main(chosen: list[str]) -> None:
    """Print the tables of the chosen parts, of all when none is chosen."""
    if unknown := sorted(set(chosen) - PARTS.keys()):
        sys.exit(f"there is no part {', '.join(unknown)}; the parts are {', '.join(PARTS)}")
    for name in chosen or PARTS:
        for head, rows in PARTS[name]():
            for row in (head, ("---",) * 3, *rows):
                print(f"| {' | '.join(row)} |")
            print(flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
