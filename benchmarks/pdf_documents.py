"""What the PDF benchmark prints: Markdown of three sizes, and the print jobs that `nyxcore.pages` makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nyxcore.pages.models import PageDocument
from nyxcore.pages.service import print_job

TITLE = "Flask · Auto-fix · 2026-11-23"
DATE = datetime(2026, 11, 23, 10, tzinfo=UTC)
DIAGRAM = """```mermaid
graph TD
  A{n}[Fetch] --> B{n}{{Scan}}
  B{n} -->|found| C{n}[Fix]
  B{n} -->|clean| D{n}[Report]
```

"""
_SPECIFICATION = Path("node_modules/commonmark-spec/spec.txt")
_PROSE = (
    "The pipeline read every file, looked for what it knows, and proposed the smallest change that is right. "
)


def small() -> str:
    """Two pages: a cover and a page with a table and code."""
    return f"# {TITLE}\n\n{_PROSE * 3}\n\n{_table(12)}\n```python\ndef f(x: int) -> int:\n    return x + 1\n```\n"


def medium() -> str:
    """About 70 pages: sections with prose, tables and code."""
    section = (
        "## Section {n}\n\n{prose}\n\n{table}\n```python\ndef f(x: int) -> int:\n    return x + {n}\n```\n\n"
    )
    sections = (section.format(n=n, prose=_PROSE * 14, table=_table(22)) for n in range(66))
    return f"# {TITLE}\n\n{''.join(sections)}"


def large() -> str:
    """CommonMark's specification, about 200 pages, without its front matter."""
    return _SPECIFICATION.read_text(encoding="utf-8").split("...\n", 1)[1]


def with_diagrams(count: int) -> str:
    """A short page with so many flowcharts."""
    return f"# {TITLE}\n\n{_PROSE}\n\n" + "".join(DIAGRAM.format(n=n) for n in range(count))


def job(markdown: str, *, numbered: bool = True) -> bytes:
    """The print job of a document; `numbered` is False for contents without page numbers, which take one pass."""
    made = print_job(
        PageDocument(title=TITLE, project="Flask", kind="Auto-fix", date=DATE, markdown=markdown)
    )
    return made if numbered else made.replace(b"<span data-page-of=", b"<span data-no-page-of=")


def _table(rows: int) -> str:
    lines = (
        f"| high | `pkg/module_{n}.py:{n}` | finding number {n}, told in a sentence |\n" for n in range(rows)
    )
    return f"| severity | where | what |\n| --- | --- | --- |\n{''.join(lines)}"
