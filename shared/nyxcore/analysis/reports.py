"""What a tool reported about one content, before and after its places are turned into byte offsets.

Most reports on variants are only counted, and need no places: so the work of finding them waits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypedDict

from nyxcore.analysis.blank_lines import close_up
from nyxcore.analysis.edits import tidy
from nyxcore.analysis.locate import Rows
from nyxcore.analysis.models import Edit, Finding, Proposal
from nyxcore.analysis.rulebook import PYTHON_SYNTAX, SCRIPT_SYNTAX
from nyxcore.analysis.rules import ast_grep_rules, python_rules
from nyxcore.analysis.withholding import withhold

_LINE_NUMBER = re.compile(r"\bline \d+|\(\d+ > \d+\)")
_NEWER_SYNTAX = "(syntax was added in Python"


class Signature(NamedTuple):
    """What makes two findings of one file the same: rule, and message without line numbers."""

    rule: str
    message: str


class RuffFix(NamedTuple):
    """A fix of ruff: whether it calls it safe, and first row, column, last row, column and new text of each edit."""

    safe: bool
    edits: tuple[tuple[int, int, int, int, str], ...]


class _Location(TypedDict):
    row: int
    column: int


class _RuffEdit(TypedDict):
    content: str
    location: _Location
    end_location: _Location


class _RuffFix(TypedDict):
    applicability: str
    edits: list[_RuffEdit]


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `place` is rows and columns (ruff) or byte offsets and lines from 0 (ast-grep)."""

    signature: Signature
    message: str
    place: tuple[int, int, int, int]
    fix: RuffFix | tuple[int, int, str] | None = field(repr=False)

    @property
    def is_newer_syntax(self) -> bool:
        """Whether it says that the file parses, but only for a Python later than the target."""
        return self.signature.rule == PYTHON_SYNTAX and _NEWER_SYNTAX in self.message


def ruff_report(line: bytes) -> tuple[str, Report] | None:
    """File name and report of one line of `--output-format json-lines`; None for a rule that is not ours."""
    record = json.loads(line)
    code = record["code"]
    if code == "invalid-syntax" or code is None:
        rule = PYTHON_SYNTAX
    elif code in python_rules():
        rule = f"ruff:{code}"
    else:
        return None
    if code in python_rules() and not python_rules()[code].reports(record["message"]):
        return None
    begin, end = record["location"], record["end_location"]
    place = (begin["row"], begin["column"], end["row"], end["column"])
    message = record["message"]
    fix = _ruff_fix(record["fix"])
    return record["filename"], Report(Signature(rule, _LINE_NUMBER.sub("line", message)), message, place, fix)


def _ruff_fix(fix: _RuffFix | None) -> RuffFix | None:
    """What is kept of a fix: of some files there are a hundred thousand. None for one that is only shown."""
    if fix is None or fix["applicability"] not in ("safe", "unsafe"):
        return None
    edits = tuple(
        (*_pair(edit["location"]), *_pair(edit["end_location"]), edit["content"]) for edit in fix["edits"]
    )
    return RuffFix(fix["applicability"] == "safe", edits)


def ast_grep_report(line: bytes) -> tuple[str, Report] | None:
    """File name and report of one line of `--json=stream`; None for a rule that is not ours."""
    record = json.loads(line)
    name = record["ruleId"]
    span = record["range"]
    place = (
        span["byteOffset"]["start"],
        span["byteOffset"]["end"],
        span["start"]["line"],
        span["end"]["line"],
    )
    if name.startswith("syntax-error"):
        message = "a part of this file is not valid in its language"
        return record["file"], Report(Signature(SCRIPT_SYNTAX, message), message, place, None)
    rule = ast_grep_rules().get(name)
    if rule is None:
        return None
    fix = None
    if "replacement" in record:
        where = record["replacementOffsets"]
        fix = (where["start"], where["end"], record["replacement"])
    return record["file"], Report(Signature(rule.id, record["message"]), record["message"], place, fix)


def signature_of(finding: Finding) -> Signature:
    """The signature under which a finding is counted."""
    return Signature(finding.rule, _LINE_NUMBER.sub("line", finding.message))


def resolve(content: bytes, reports: Sequence[Report]) -> list[Finding]:
    """The findings on `content`, in the order of their places, with byte offsets.

    A fix whose edits make no sense on the content is left out, and so is one that is not to be tried.
    """
    if not reports:
        return []
    rows = Rows(content)
    found = [_finding(content, rows, report) for report in reports]
    found.sort(key=lambda finding: (finding.start, finding.end, finding.rule, finding.message))
    return withhold(content, rows, found)


def _finding(content: bytes, rows: Rows, report: Report) -> Finding:
    first, second, third, fourth = report.place
    if report.signature.rule.startswith("ruff:"):
        start, end = rows.offset(first, second), rows.offset(third, fourth)
        line, end_line = first, third
    else:
        start, end, line, end_line = first, second, third + 1, fourth + 1
    proposal = _proposal(content, rows, report.fix)
    return Finding(
        report.signature.rule, report.message, start, max(start, end), line, max(line, end_line), proposal
    )


def _proposal(content: bytes, rows: Rows, fix: RuffFix | tuple[int, int, str] | None) -> Proposal | None:
    if fix is None:
        return None
    if isinstance(fix, RuffFix):
        raw = [
            Edit(rows.offset(row, column), rows.offset(last_row, last_column), text.encode())
            for row, column, last_row, last_column, text in fix.edits
        ]
        safe = fix.safe
    else:
        raw = [Edit(fix[0], fix[1], _with_line_ends_of(content, fix[2]))]
        safe = True
    edits = tidy(raw, len(content))
    return None if edits is None else Proposal(close_up(content, rows, edits), safe)


def _pair(location: _Location) -> tuple[int, int]:
    return location["row"], location["column"]


def _with_line_ends_of(content: bytes, text: str) -> bytes:
    """A rule's fix is written with LF; in a file that has CR LF throughout it gets those."""
    raw = text.encode()
    if b"\r\n" in content and content.count(b"\n") == content.count(b"\r\n"):
        return re.sub(rb"(?<!\r)\n", b"\r\n", raw)
    return raw
