"""What static tools have found, as text for prompts: counts first, then each finding, the gravest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from nyxcore.db.connection import Connection
from nyxcore.findings import repository as findings
from nyxcore.findings.models import Finding
from nyxcore.reports.markdown import code, inline, table

SHOWN = 200
_ALL = 2**31 - 1
_SEVERITIES = ("critical", "high", "medium", "low")
_FILES, _LINES = 6, 12  # of one finding that are named
_MOST = 10  # files that are named with the number of their findings


def facts_of(connection: Connection, tenant_id: UUID, run: Mapping[str, Any]) -> str:
    """The findings of a finished run as Markdown; with more than 200, the gravest 200 and how many there are."""
    placed = findings.list_findings(connection, tenant_id, run["id"], limit=_ALL)
    return rendered([each.row for each in placed], files=int(run["counts"].get("files", 0)), run_id=run["id"])


def rendered(found: Sequence[Finding], *, files: int, run_id: UUID) -> str:
    """`found` as Markdown: by category and severity, by file, and one by one.

    What is said word for word of several places stands once, with all of them: a prompt has no room for the
    same sentence forty times.
    """
    if not found:
        return f"Static analysis of {_counted(files, 'file')} found nothing.\n"
    cells = Counter[tuple[str, str]]((finding.category, finding.severity) for finding in found)
    categories = sorted({finding.category for finding in found})
    rows = [[name, *(str(cells[name, severity]) for severity in _SEVERITIES)] for name in categories]
    groups = _grouped(found)
    of_file = Counter(finding.file for finding in found)
    most = of_file.most_common(_MOST)
    parts = [
        f"Static analysis of {_counted(files, 'file')} found {_counted(len(found), 'problem')}"
        f" in {_counted(len(of_file), 'file')}; each kind counted once: {len(groups):,}.",
        table(["category", *_SEVERITIES], rows, numbers_from=1),
        "## Files with most findings"
        + (f", {len(most)} of {len(of_file):,}" if len(of_file) > _MOST else ""),
        "\n".join(f"- {code(name)}: {count:,} of the findings" for name, count in most),
        "## Findings, gravest first",
        "\n".join(_line(group) for group in groups[:SHOWN]),
    ]
    if len(groups) > SHOWN:
        more = sum(len(group) for group in groups[SHOWN:])
        parts.append(f"And {more:,} more, the least grave: GET /api/v1/runs/{run_id}/findings has all.")
    return "\n\n".join(parts) + "\n"


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _grouped(found: Sequence[Finding]) -> list[list[Finding]]:
    """The findings of one rule with the same words together; the gravest first, of those the most frequent."""

    def said(finding: Finding) -> tuple[str, str, str, str]:
        return finding.severity, finding.rule, finding.message, finding.category

    ordered = sorted(found, key=lambda each: (said(each), each.file, each.start_line))
    groups = [list(group) for _, group in groupby(ordered, key=said)]
    return sorted(groups, key=lambda group: (_SEVERITIES.index(group[0].severity), -len(group)))


def _line(group: Sequence[Finding]) -> str:
    first = group[0]
    category = first.category.replace("-", " ")
    fixed = sum(finding.state == "fixed" for finding in group)
    verified = "a verified fix exists" if fixed == len(group) == 1 else f"verified fixes: {fixed}"
    state = f" ({verified})" if fixed else ""
    said = inline(first.message.removesuffix("."))
    return f"- **{first.severity}**: {category} {code(first.rule)}: {said} at {_places(group)}{state}"


def _places(group: Sequence[Finding]) -> str:
    """Where it was found: every file with its lines, as far as that stays readable."""
    files = [(name, list(each)) for name, each in groupby(group, key=lambda finding: finding.file)]
    told = [
        f"{code(name)}:{_lines([finding.start_line for finding in each])}" for name, each in files[:_FILES]
    ]
    rest = sum(len(each) for _, each in files[_FILES:])
    return ", ".join(told) + (f" and {_counted(rest, 'more place')}" if rest else "")


def _lines(numbers: Sequence[int]) -> str:
    more = len(numbers) - _LINES
    return "/".join(map(str, numbers[:_LINES])) + (f" and {_counted(more, 'more line')}" if more > 0 else "")
