"""Reads the two rule tables, python.toml and javascript.toml, into `Rule` values.

A table has one section a category and one line a rule. Only what is cheap is checked here, each time a
process reads a table; that the rules exist in the tools is checked by the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast, get_args

Category = Literal["security", "bug", "performance", "error-handling", "code-smell"]
Severity = Literal["critical", "high", "medium", "low"]
TrustedFix = Literal["any", "safe", "none"]

_FOLDER = Path(__file__).resolve().parent
_REQUIRED = {"severity", "title", "explanation"}
_OPTIONAL = {"in_tests", "fix", "but_not", "eslint"}

# ast-grep wants an id of its own for each language that a rule is copied to (ast_grep_copies.py).
COPY_SUFFIXES = {"typescript": ".ts", "tsx": ".tsx"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that is worth a person's time.

    Attributes
    ----------
    id : tool and the tool's own name of the rule, "ruff:S602" or "ast-grep:no-eval".
    category : section of the report that its findings go to.
    severity : `critical` only where an attacker from outside gains something directly.
    title : a few words, no full stop.
    explanation : why it matters and what to do, one or two plain sentences.
    in_tests : False where a finding in a test file is not worth reporting.
    fix : which of the tool's fixes may be tried: any, only those that the tool calls safe, or none.
    but_not : a finding whose message contains this text is not worth reporting; None when all are.
    eslint : ESLint's names of rules that look for the same; a comment that switches one off counts for this.
    """

    id: str
    category: Category
    severity: Severity
    title: str
    explanation: str
    in_tests: bool = True
    fix: TrustedFix = "any"
    but_not: str | None = None
    eslint: tuple[str, ...] = ()

    def reports(self, message: str) -> bool:
        """Whether a finding of the tool with this message is worth reporting."""
        return self.but_not is None or self.but_not not in message


class RuleTableError(ValueError):
    """A rule table that ships with this package is malformed; the message names file and rule."""


@cache
def python_rules() -> Mapping[str, Rule]:
    """The ruff rules in use, by ruff's code ("S602"); also exactly what to pass to `--select`."""
    return MappingProxyType(read_table(_FOLDER / "python.toml", tool="ruff"))


@cache
def ast_grep_rules() -> Mapping[str, Rule]:
    """The JavaScript and TypeScript rules, by every id that the `ast-grep` command may report.

    A rule is known to ast-grep under one id a language: "no-eval" for JavaScript, "no-eval.ts" for
    TypeScript and "no-eval.tsx" for TSX. All three lead to the same `Rule`, with the id "ast-grep:no-eval".
    """
    rules = read_table(_FOLDER / "javascript.toml", tool="ast-grep")
    by_reported_id = dict(rules)
    for name, rule in rules.items():
        for suffix in COPY_SUFFIXES.values():
            by_reported_id[name + suffix] = rule
    return MappingProxyType(by_reported_id)


def ast_grep_config_dir() -> Path:
    """Folder with sgconfig.yml and the rules, for `ast-grep scan -c <folder>/sgconfig.yml`."""
    return _FOLDER / "ast_grep"


def read_table(path: Path, *, tool: str) -> dict[str, Rule]:
    """Read one rule table, whose rules belong to `tool`, into rules by the tool's own name of them.

    Raises
    ------
    RuleTableError
        If a category, severity or key is not one of those that exist, or a rule stands there twice.
    """
    import tomllib  # late: many import this module for its types alone

    with path.open("rb") as file:
        table = tomllib.load(file)
    rules: dict[str, Rule] = {}
    for category, section in table.items():
        if category not in get_args(Category):
            raise RuleTableError(f"{path.name}: [{category}] is not one of {', '.join(get_args(Category))}")
        for name, entry in section.items():
            if name in rules:
                raise RuleTableError(f"{path.name}: {name} stands in two categories")
            rules[name] = _rule(f"{tool}:{name}", cast(Category, category), entry, path.name)
    return rules


def _rule(rule_id: str, category: Category, entry: dict[str, object], file_name: str) -> Rule:
    keys = set(entry)
    if not keys >= _REQUIRED or keys - _REQUIRED - _OPTIONAL:
        raise RuleTableError(f"{file_name}: {rule_id} has the keys {', '.join(sorted(keys))}")
    if entry["severity"] not in get_args(Severity):
        raise RuleTableError(f"{file_name}: {rule_id} has the severity {entry['severity']!r}")
    fix, but_not, eslint = entry.get("fix", "any"), entry.get("but_not"), entry.get("eslint", [])
    if fix not in get_args(TrustedFix):
        raise RuleTableError(f"{file_name}: {rule_id} has the fix {fix!r}")
    if not isinstance(eslint, list):
        raise RuleTableError(f"{file_name}: {rule_id} has no list of names under eslint")
    return Rule(
        id=rule_id,
        category=category,
        severity=cast(Severity, entry["severity"]),
        title=str(entry["title"]),
        explanation=str(entry["explanation"]),
        in_tests=bool(entry.get("in_tests", True)),
        fix=cast(TrustedFix, fix),
        but_not=None if but_not is None else str(but_not),
        eslint=tuple(map(str, eslint)),
    )
