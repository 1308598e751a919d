"""The twenty lines that stand at the end of `nyx fix`: what was found, what was fixed, what to do next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import textwrap
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
        f"{states['failed']:,} withdrawn",
        *_commonest(findings),
        *_example(findings, fixes),
        "",
        f"report   {out / 'report.md'}{_and_pdf(out)}",
        *_patch(path, out / "fixes.patch", applied=applied, fixes=len(fixes)),
        "",
        "next:",
        f"  less {_short(out / 'report.md', Path())}",
        *(_with_git(path, out / "fixes.patch", applied=applied) if fixes else []),
        f"  {command()} dev        the same through the API, with live events",
    ]
    return "\n".join(lines)


def counted(count: int, noun: str) -> str:
    """`1 file`, `2 files`, `3 fixes`."""
    plural = noun + ("es" if noun.endswith("x") else "s")
    return f"{count:,} {noun if count == 1 else plural}"


def _commonest(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    reasons = Counter(finding["reason"] for finding in findings if finding["state"] == "failed")
    return [_cut(f"  most often because: {printable(reason)}") for reason, _ in reasons.most_common(1)]


def _and_pdf(out: Path) -> str:
    return f", {out / 'report.pdf'}" if (out / "report.pdf").exists() else ""


def _patch(path: Path, patch: Path, *, applied: bool, fixes: int) -> list[str]:
    """Where the patch is; nothing about one that is empty."""
    return [f"patch    {patch}" + (f"  (applied to {path})" if applied else "")] if fixes else []


def _with_git(path: Path, patch: Path, *, applied: bool) -> list[str]:
    """The command that shows what was changed, or that applies the patch; none where git has nothing to show."""
    folder = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as the user named them
    top = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)
    if applied:
        return [f"  {_git(folder)} diff"] if top else []
    # Below the top of a repository git looks for the files from the top, and skips in silence what it misses.
    start = top or folder
    below = "" if start == folder else f"--directory={shlex.quote(str(folder.relative_to(start)))} "
    return [f"  {_git(start)} apply {below}{_short(patch, start)}"]


def _git(folder: Path) -> str:
    """git, as it is called from here for `folder`."""
    return "git" if folder == Path.cwd() else f"git -C {_short(folder, Path())}"


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
        *_wrapped(f"  checked: {checks}"),
    ]


def _short(path: Path, start: Path) -> str:
    """`path` as seen from `start`, or whole where that is shorter; quoted for a shell."""
    whole = os.path.abspath(path)  # noqa: PTH100 - links stay as the user named them
    return shlex.quote(min(os.path.relpath(whole, start.absolute()), whole, key=len))


def command() -> str:
    """How this very command is called from here."""
    return "nyx" if shutil.which("nyx") else _short(Path(sys.argv[0]), Path())


def _cut(line: str) -> str:
    """The line, no longer than the terminal is wide."""
    width = _width()
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _wrapped(line: str) -> list[str]:
    """The line in as many as the terminal needs, broken between words."""
    return textwrap.wrap(line, _width(), subsequent_indent=" " * 11)


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def _change(fix: Mapping[str, Any]) -> list[str]:
    """The changed lines of a diff with one line of context around them."""
    lines = [
        line
        for line in str(fix["diff"]).split("\n")
        if line and line[0] in " +-" and line[:3] not in {"---", "+++"}
    ]
    changed = [number for number, line in enumerate(lines) if line[0] != " "]
    return lines[max(0, changed[0] - 1) : changed[-1] + 2] if changed else []


def _coloured(line: str) -> str:
    colour = _COLOURS.get(line[:1])
    text = printable(line)
    if colour is None or not colourful(sys.stdout):
        return f"  {text}"
    return f"  \x1b[{colour}m{text}\x1b[0m"
