"""The twenty lines that stand at the end of `nyx fix`: what was found, what was fixed, what to do next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nyx.live import colourful, place, printable

SEVERITIES = ("critical", "high", "medium", "low")
LONGEST_DIFF = 7
_COLOURS = {"+": "32", "-": "31"}


def summary(
    run: Mapping[str, Any],
    findings: Sequence[Mapping[str, Any]],
    fixes: Sequence[Mapping[str, Any]],
    *,
    path: Path,
    out: Path,
    applied: bool,
) -> str:
    """The end of the command, as text with colours where stdout takes them."""
    files = int(run["counts"].get("files", 0))
    if not files:
        return f"Nothing to scan: {path} holds no Python, JavaScript or TypeScript file. See {out / 'report.md'}."
    if not findings:
        return f"{counted(files, 'file')} scanned, and nothing found. The report: {out / 'report.md'}"
    by_severity = Counter(finding["severity"] for finding in findings)
    states = Counter(finding["state"] for finding in findings)
    severities = ", ".join(f"{by_severity[name]:,} {name}" for name in SEVERITIES if by_severity[name])
    lines = [
        f"{counted(files, 'file')}, {counted(len(findings), 'finding')}: {severities}",
        f"{states['fixed']:,} fixed by {counted(len(fixes), 'verified fix')}; {states['no_fix']:,} left for you; "
        f"{states['failed']:,} withdrawn{_commonest(findings)}",
        *_example(findings, fixes),
        "",
        f"report   {out / 'report.md'}",
        f"patch    {out / 'fixes.patch'}" + (f"  (applied to {path})" if applied else ""),
        "",
        "next:",
        f"  less {out / 'report.md'}",
        f"  cd {_short(path, Path())} && {'git diff' if applied else f'git apply {_short(out / "fixes.patch", path)}'}",
        f"  {_command()} dev        the same through the API, with live events",
    ]
    return "\n".join(lines)


def counted(count: int, noun: str) -> str:
    """`1 file`, `2 files`, `3 fixes`."""
    plural = noun + ("es" if noun.endswith("x") else "s")
    return f"{count:,} {noun if count == 1 else plural}"


def _commonest(findings: Sequence[Mapping[str, Any]]) -> str:
    reasons = Counter(finding["reason"] for finding in findings if finding["state"] == "failed")
    if not reasons:
        return ""
    reason, _ = reasons.most_common(1)[0]
    return f", most often since {printable(reason)[:110]}"


def _example(findings: Sequence[Mapping[str, Any]], fixes: Sequence[Mapping[str, Any]]) -> list[str]:
    """The gravest fix whose change is short, with its evidence."""
    by_fix: dict[str, Mapping[str, Any]] = {}
    for finding in findings:
        if finding["fixId"]:
            by_fix.setdefault(finding["fixId"], finding)
    short = [fix for fix in fixes if fix["id"] in by_fix and len(_change(fix)) <= LONGEST_DIFF]
    if not short:
        return []
    fix = min(short, key=lambda fix: (SEVERITIES.index(by_fix[fix["id"]]["severity"]), -len(_change(fix))))
    finding = by_fix[fix["id"]]
    checks = ", ".join(evidence["check"].replace("_", " ") for evidence in fix["evidence"] if evidence["ok"])
    return [
        "",
        _cut(f"for example {place(finding)} ({finding['rule']})  {printable(finding['message'])}"),
        *(_coloured(line) for line in _change(fix)),
        f"  checked: {checks}",
    ]


def _short(path: Path, start: Path) -> str:
    """`path` as seen from `start`, or whole where that is shorter; quoted for a shell."""
    whole = os.path.abspath(path)  # noqa: PTH100 - links stay as the user named them
    return shlex.quote(min(os.path.relpath(whole, start.absolute()), whole, key=len))


def _command() -> str:
    """How this very command is called from here."""
    return "nyx" if shutil.which("nyx") else _short(Path(sys.argv[0]), Path())


def _cut(line: str) -> str:
    """The line, no longer than the terminal is wide."""
    width = shutil.get_terminal_size((100, 24)).columns
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _change(fix: Mapping[str, Any]) -> list[str]:
    """The changed lines of a diff with one line of context around them."""
    lines = [
        line for line in str(fix["diff"]).splitlines() if line[:1] in " +-" and line[:3] not in {"---", "+++"}
    ]
    changed = [number for number, line in enumerate(lines) if line[0] != " "]
    return lines[max(0, changed[0] - 1) : changed[-1] + 2] if changed else []


def _coloured(line: str) -> str:
    colour = _COLOURS.get(line[:1])
    text = printable(line)
    if colour is None or not colourful(sys.stdout):
        return f"  {text}"
    return f"  \x1b[{colour}m{text}\x1b[0m"
