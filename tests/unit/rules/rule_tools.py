"""Runs the two tools on a folder, as these tests need them."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nyxcore.analysis.rules import ast_grep_config_dir, python_rules

SCRIPTS = Path(sysconfig.get_path("scripts"))


class RuffFinding(NamedTuple):
    code: str
    message: str
    fix: str | None  # "safe", "unsafe", "displayonly" or None


class AstGrepFinding(NamedTuple):
    rule_id: str
    start: int  # byte offsets of what the rule matched
    end: int
    replacement: str | None


def _run(*arguments: str | Path) -> str:
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False, env={})
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def _ruff(folder: Path, *options: str) -> str:
    return _run(
        SCRIPTS / "ruff",
        *("check", "--isolated", "--no-cache", "--target-version", "py313", "--output-format", "json"),
        *("--select", ",".join(python_rules())),
        *("--unfixable", ",".join(code for code, rule in python_rules().items() if rule.fix == "none")),
        *options,
        folder,
    )


def ruff_scan(folder: Path) -> Mapping[str, list[RuffFinding]]:
    """What ruff finds with our rules, by file name."""
    findings: dict[str, list[RuffFinding]] = defaultdict(list)
    for found in json.loads(_ruff(folder)):
        fix = found["fix"] and found["fix"]["applicability"]
        findings[Path(found["filename"]).name].append(RuffFinding(found["code"], found["message"], fix))
    return findings


def ruff_fix(folder: Path, *, unsafe: bool) -> None:
    """Let ruff apply its fixes for our rules until nothing changes any more."""
    _ruff(folder, "--fix", *(["--unsafe-fixes"] if unsafe else []))


def ruff_catalogue() -> Mapping[str, dict[str, object]]:
    """Every rule that the installed ruff knows, by its code."""
    rules = json.loads(_run(SCRIPTS / "ruff", "rule", "--all", "--output-format", "json"))
    return {rule["code"]: rule for rule in rules if rule["code"]}


def ast_grep_scan(folder: Path) -> Mapping[str, list[AstGrepFinding]]:
    """What ast-grep finds with our rules, by file name."""
    out = _run(
        *(SCRIPTS / "ast-grep", "scan", "-c", ast_grep_config_dir() / "sgconfig.yml"),
        *("--json=stream", "--no-ignore", "hidden", folder),
    )
    findings: dict[str, list[AstGrepFinding]] = defaultdict(list)
    for line in filter(None, out.split("\n")):  # not splitlines: the text may hold U+2028
        found = json.loads(line)
        span = found.get("replacementOffsets") or found["range"]["byteOffset"]
        findings[Path(found["file"]).name].append(
            AstGrepFinding(found["ruleId"], span["start"], span["end"], found.get("replacement"))
        )
    return findings
