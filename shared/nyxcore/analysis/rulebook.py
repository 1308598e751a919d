"""The rules in use, under the ids of this project, and which of them hold for a path."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from nyxcore.analysis.project import ProjectSettings
from nyxcore.analysis.rules import Rule, ast_grep_rules, is_test_path, python_rules

PYTHON_SYNTAX: Final = "ruff:invalid-syntax"
SCRIPT_SYNTAX: Final = "ast-grep:syntax-error"
SYNTAX: Final = frozenset({PYTHON_SYNTAX, SCRIPT_SYNTAX})

_SYNTAX_RULES = {
    PYTHON_SYNTAX: Rule(
        id=PYTHON_SYNTAX,
        category="bug",
        severity="high",
        title="File does not parse",
        explanation="Python cannot compile this file, so that importing it fails. Nothing else in it was looked at.",
    ),
    SCRIPT_SYNTAX: Rule(
        id=SCRIPT_SYNTAX,
        category="bug",
        severity="medium",
        title="File does not parse",
        explanation="The grammar of the language does not cover a part of this file: it is broken, or written in a"
        " dialect. What the other rules say about it may be incomplete.",
    ),
}

# Codes, or beginnings of codes, that hold from some version on. ruff's oldest target is 3.7, and it knows
# Python 3 only: to Python 2 IOError is not OSError, round() gives a float, map() a list, super() and split()
# take other arguments, and `print >>` prints. Before 3.7 UP010 takes away generator_stop, which then still
# has an effect, and UP036 whatever asks for a version up to 3.7.
_HOLD_FROM: Final = (
    ((3, 0), ("UP", "FURB", "FLY", "B014", "B904", "B905", "C417", "F633", "PLC0207", "PLW0245")),
    ((3, 0), ("RUF005", "RUF046", "RUF057", "RUF058", "SIM105")),
    ((3, 7), ("UP010", "UP021", "UP022", "UP036")),
    ((3, 8), ("PLE1519",)),
)
_NEED_A_MINIMUM: Final = ("UP036",)  # what the metadata do not rule out is no dead code


@cache
def rules() -> dict[str, Rule]:
    """Every rule by the id that findings carry, "ruff:F401" or "ast-grep:no-eval"."""
    return {rule.id: rule for rule in (*python_rules().values(), *ast_grep_rules().values())} | _SYNTAX_RULES


class Relevance:
    """Which rules count for a path: what the project has switched off does not, nor what is no fault in a test."""

    def __init__(self, settings: ProjectSettings) -> None:
        self._settings = settings
        self._everywhere = frozenset(_matching(settings.ignored)) | frozenset(_too_new(settings.minimum))
        self._known: dict[str, frozenset[str]] = {}
        self._not_in_tests = frozenset(rule.id for rule in rules().values() if not rule.in_tests)

    def left_out(self, path: str) -> frozenset[str]:
        """Ids of the rules that do not count for the file at `path`."""
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = self._found(path)
        return found

    def _found(self, path: str) -> frozenset[str]:
        found = self._everywhere
        if is_test_path(path):
            found |= self._not_in_tests
        here = self._settings.ignored_in(path)
        return found | frozenset(_matching(here)) if here else found


def _matching(prefixes: Iterable[str]) -> list[str]:
    """The ruff rules that the codes or beginnings of codes name, as in ruff's and flake8's settings."""
    wanted = tuple(prefixes)
    if "ALL" in wanted:
        return [f"ruff:{code}" for code in python_rules()]
    return [f"ruff:{code}" for code in python_rules() if code.startswith(wanted)]


def _too_new(minimum: tuple[int, int] | None) -> list[str]:
    if minimum is None:
        return _matching(_NEED_A_MINIMUM)
    return _matching(code for version, codes in _HOLD_FROM if minimum < version for code in codes)
