"""Rows of runs, written by hand, that reports are made from in these tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from nyxcore.findings.models import Evidence, Finding, Fix
from nyxcore.reports.facts import Earlier, Facts, Phase, Skipped, Source

RUN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
DATE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TOOLS = {"ruff": "0.17.6", "ast-grep": "0.51.1"}
CHECKS = (
    ("finding_gone", "judged in a scan of its own: ruff no longer reports what the fix is for"),
    ("nothing_new", "the same scan, with every rule in use, shows nothing that was not there before"),
    ("parses", "no worse than before, by ruff's parser and Python's compiler"),
    ("other_files", "it takes away no name that another module could import"),
    ("combined", "the file with all of its fixes was scanned again and shows nothing new"),
    ("patch_applies", "git apply --check on the files as they were"),
    ("tests_not_run", "every check above is static; the project's own tests were not run"),
)
EVIDENCE = [Evidence(check=check, ok=True, detail=detail) for check, detail in CHECKS]

HOSTILE_FILE = 'pkg/`a`|<script>alert(1)</script>"];\n```mermaid\ngraph TD;A-->B\n```%%{init:{}}%%[x](http://evil.example).py'
HOSTILE_TEXT = (
    "## Heading\n\n| a | b |\n|---|---|\n<img src=http://evil.example/x onerror=alert(1)> ![x](http://evil.example/i.png)"
    " [click](javascript:alert(1)) https://evil.example www.evil.example `code` ```mermaid graph TD``` \u202egnp.exe"
    " [^1] {title} %s **critical** \\| \\`"
)


def name_of(*parts: object) -> UUID:
    """The same id for the same parts."""
    return uuid5(RUN, "/".join(map(str, parts)))


def finding(**changes: Any) -> Finding:
    """A finding that was left."""
    values: dict[str, Any] = {
        "run_id": RUN, "category": "bug", "severity": "medium", "rule": "ruff:F811", "title": "Redefinition",
        "message": "Redefinition of `f`", "file": "pkg/a.py", "start_line": 3, "state": "no_fix",
        "reason": "ruff offers no automatic fix for this; it needs a person's judgement.", "fix_id": None,
        "source": "ruff",
    }  # fmt: skip
    values |= changes
    key = (values["rule"], values["file"], values["start_line"])
    values = {"id": name_of("finding", *key), "fingerprint": name_of("print", *key).hex} | values
    return Finding(**({"end_line": values["start_line"]} | values))


def fixed(**changes: Any) -> tuple[Finding, Fix]:
    """A finding that was fixed, and its fix; the changes are of the finding."""
    found = finding(**({"state": "fixed", "reason": None} | changes))
    found = found.model_copy(update={"fix_id": name_of("fix", found.id)})
    return found, fix(found)


def fix(*of: Finding, **changes: Any) -> Fix:
    """A fix of these findings."""
    file, line = (of[0].file.replace("\n", "?"), of[0].start_line) if of else ("pkg/a.py", 1)
    values: dict[str, Any] = {
        "id": of[0].fix_id if of else name_of("fix", "alone"), "finding_ids": [one.id for one in of],
        "diff": f"--- a/{file}\n+++ b/{file}\n@@ -{line} +{line} @@\n-old\n+new\n",
        "explanation": "e", "needs": [], "safe": True, "evidence": EVIDENCE, "pull_request": None,
    }  # fmt: skip
    return Fix(**(values | changes))


def facts(**changes: Any) -> Facts:
    """A run that has scanned twelve files and found nothing, unless the changes say otherwise."""
    values: dict[str, Any] = {
        "project": "Flask", "kind": "auto-fix", "run_id": RUN, "ending": "complete", "error": None, "date": DATE,
        "duration": timedelta(seconds=2.5), "under_way": False, "unsafe": False, "categories": None,
        "source": Source("flask", None, "ab" * 32, None), "files": 12, "findings": [], "fixes": [], "skipped": [],
        "notes": [], "phases": [], "earlier": None, "explanations": {}, "tools": TOOLS, "patch_bytes": 10,
        "tokens": 0, "usd": Decimal(0), "spoken": None,
    }  # fmt: skip
    return Facts(**(values | changes))


def earlier(*found: Finding, date: datetime = DATE - timedelta(days=13)) -> Earlier:
    """A run before, which found these."""
    return Earlier(
        date,
        {one.fingerprint: one.severity for one in found},
        {one.fingerprint: one.category for one in found},
    )


def _shell(line: int, **changes: Any) -> dict[str, Any]:
    return {
        "category": "security", "severity": "high", "rule": "ruff:S602", "title": "Subprocess started through a shell",
        "message": "`subprocess` call with `shell=True` identified, security issue", "file": "pkg/run.py",
        "start_line": line,
    } | changes  # fmt: skip


def _unused(line: int, **changes: Any) -> dict[str, Any]:
    return {
        "category": "code-smell", "severity": "low", "rule": "ruff:F401", "title": "Unused import",
        "message": f"`module{line}` imported but unused", "file": "pkg/sub/deep/er/b.py", "start_line": line,
    } | changes  # fmt: skip


def _everything() -> Facts:
    """One run in which everything occurs that a report tells of."""
    pairs = [fixed(**_unused(line)) for line in range(1, 15)]
    pairs.append(fixed(**_shell(40)))
    pairs.append(
        fixed(rule="ruff:FURB110", title="x if x else y", message="Replace ternary", severity="low",
              category="code-smell", file=HOSTILE_FILE, start_line=2)
    )  # fmt: skip
    found, first = pairs[0]
    second = finding(**_unused(1, rule="ruff:F811", state="fixed", reason=None, fix_id=found.fix_id))
    pairs[0] = found, first.model_copy(update={"finding_ids": [found.id, second.id]})
    guarded = [*EVIDENCE]
    guarded[3] = Evidence(
        check="other_files",
        ok=True,
        detail="no other file mentions both this module and `x`, which it takes away",
    )
    pairs[1] = pairs[1][0], pairs[1][1].model_copy(update={"evidence": guarded})
    pairs[2] = pairs[2][0], pairs[2][1].model_copy(update={"safe": False, "needs": [pairs[1][1].id]})
    failed_check = [*EVIDENCE[:-1], Evidence(check="tests", ok=False, detail="not run on Windows")]
    pairs[3] = pairs[3][0], pairs[3][1].model_copy(update={"evidence": failed_check})
    follow_up = fix(explanation=f"Follows from the fixes that it needs. {HOSTILE_TEXT}")
    left = [
        finding(**_shell(7)),
        finding(**_shell(9, severity="critical", rule="ruff:S201", title="Flask runs in debug mode",
                         message="Use of `debug=True`")),
        finding(**_shell(11, state="not_a_bug", reason="Input is a constant. | <b>Signed</b>, *QA*")),
        finding(**_shell(12, severity="medium", rule="ruff:S324", title="Broken hash function",
                         message="Probable use of insecure hash functions", file=HOSTILE_FILE)),
        *(finding(start_line=line) for line in range(20, 45)),
        *(finding(start_line=line, file=f"pkg/m{line}.py", rule="ruff:SIM105", title="Suppress", severity="low",
                  category="error-handling", message="Use `contextlib.suppress(OSError)`") for line in range(30)
          if line),
        finding(start_line=90, reason=HOSTILE_TEXT, message=HOSTILE_TEXT, title=HOSTILE_TEXT, rule="ruff:B006"),
        finding(start_line=91, rule="ruff:C401", category="performance", severity="low", title="Generator",
                message="Unnecessary generator", state="failed",
                reason="The fix was tried, and brought up a new finding: F821, Undefined name `x` (line 3)."),
        finding(start_line=92, rule="ruff:C401", category="performance", severity="low", title="Generator",
                message="Unnecessary generator", state="failed",
                reason="The fix was tried, and brought up a new finding: F401, `y` unused (line 9)."),
        finding(start_line=93, rule="ruff:C401", category="performance", severity="low", title="Generator",
                message="Unnecessary generator", reason="The only fix on offer may change what the code does; run with"
                " unsafe fixes to have it tried."),
        finding(start_line=94, rule="ruff:E722", category="error-handling", title="Bare except",
                message="Do not use bare `except`", reason=None),
    ]  # fmt: skip
    findings = [one for one, _ in pairs] + [second] + left
    gone = [finding(start_line=line, file="pkg/old.py") for line in (1, 2, 3)]
    return facts(
        project="Shop | *2* <Ω>",
        duration=timedelta(minutes=3, seconds=20),
        unsafe=True,
        categories=["security", "bug", "error-handling", "performance", "code-smell"],
        source=Source("pallets/flask", "flask-3.1.0.tar.gz", "0123456789abcdef" * 4, "c0ffee" * 6 + "c0ff"),
        files=1234,
        findings=findings,
        fixes=[fix_of for _, fix_of in pairs] + [follow_up],
        skipped=[
            Skipped("too_large", 1, ["data/big.py"]),
            Skipped("not_source", 4321, ["README.rst", HOSTILE_FILE]),
            Skipped("it is not UTF-8", 2, ["pkg/latin.py"]),
        ],
        notes=[
            "setup.cfg could not be read; the settings in it were not taken into account.",
            f"A note about {HOSTILE_TEXT}",
        ],
        phases=[
            Phase("fetching", timedelta(seconds=4)),
            Phase("scanning", timedelta(seconds=1)),
            Phase("detecting", timedelta(seconds=40)),
            Phase("fixing", timedelta(seconds=125)),
            Phase("verifying", timedelta(seconds=29, milliseconds=500)),
            Phase("reporting", timedelta(milliseconds=500)),
        ],
        earlier=earlier(*findings[:-4], *gone),
        explanations={
            "ruff:F401": "The import costs time and misleads the reader. The fix removes it.",
            "ruff:S602": "Any part of the command that comes from outside is read by the shell.",
            "ruff:S201": "The debugger gives everybody a Python console on the server.",
        },
        patch_bytes=12345,
    )


EVERYTHING = _everything()

FAILED = facts(
    ending="failed",
    error="The repository's archive is broken: upload it again.",
    findings=[
        finding(state="failed", reason="the run failed before this was settled"),
        finding(start_line=5, severity="high", category="security", rule="ruff:S602", title="Shell",
                state="failed", reason="the run failed before this was settled"),
    ],
    source=Source("flask", None, None, None),
    phases=[Phase("scanning", timedelta(seconds=1)), Phase("detecting", timedelta(seconds=2))],
    earlier=earlier(finding()),
    patch_bytes=0,
)  # fmt: skip

EMPTY = facts(files=0, skipped=[Skipped("not_source", 1, ["notes.txt"])], patch_bytes=0)

CLEAN = facts(earlier=earlier(finding(), finding(start_line=9, severity="high")))

CASES = {"everything": EVERYTHING, "failed": FAILED, "empty": EMPTY, "clean": CLEAN}
