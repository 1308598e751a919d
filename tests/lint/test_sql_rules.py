"""SQL stands in repositories and in `db` alone, and nothing writes a session setting.

Why the first: whoever looks for what touches a table looks in one kind of file. Why the second: a session setting
outlives its transaction, and a pool or RDS Proxy hands the connection to the next tenant (or pins it for good).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nyxcore.db.statements import split

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for top in ("shared", "functions", "local") for path in (ROOT / top).rglob("*.py"))
MIGRATIONS = sorted((ROOT / "shared/nyxcore/db").rglob("*.sql"))

# at the start of a string, in either case; prose that begins alike does not go on alike
_SQL = re.compile(
    r"""\s*(
        select\s+(?s:.)+?\s+from\s+[\w"]+ | select\s+\w+\( | with\s+(recursive\s+)?\w+\s+as\s*(materialized\s*)?\(
      | insert\s+into\s+[\w".]+\s*(\(|values|select) | update\s+[\w".]+\s+set\s+[\w"]+\s*= | delete\s+from\s+[\w".]+
      | (create|alter|drop)\s+(table|index|policy|role|database|schema|view|function|extension|type)\s
      | (truncate|lock)\s+table\s | set\s+(local|session)\s+\w+ | set\s+transaction\s
      | (listen|notify|unlisten)\s+\w+\s*$ | pg_(try_)?advisory_\w+\(
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_SESSION = re.compile(
    r"""\s*(set\s+(?!local\b|transaction\b|constraints\b)(session\s+(?!characteristics\b))?["\w.]+\s*(=|to\b)
      | set\s+session\s+characteristics | listen\s+\w+\s*;?\s*$ | discard\s+(all|temp) | reset\s+\w+\s*;?\s*$
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_SESSION_CONFIG = re.compile(r"set_config\s*\((?:[^()]|\([^()]*\))*,\s*(false|'f'|0)\s*\)", re.IGNORECASE)


def may_hold_sql(path: Path) -> bool:
    return path.name == "repository.py" or path.is_relative_to(ROOT / "shared/nyxcore/db")


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string of a module that is no docstring; of an f-string its fixed parts, with `x` for the others."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in docstrings or id(node) in inner:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value.decode(errors="replace") if isinstance(node.value, bytes) else node.value
            yield node.lineno, text
        elif isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values),
            )


def sql_in(source: str) -> list[int]:
    """The lines on which a string begins that reads as SQL."""
    return [line for line, text in strings(ast.parse(source)) if _SQL.match(text)]


def session_settings_in(source: str) -> list[int]:
    return [
        line
        for line, text in strings(ast.parse(source))
        if _SESSION.match(text) or _SESSION_CONFIG.search(text)
    ]


def test_no_sql_stands_outside_of_repositories_and_db() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        if not may_hold_sql(path)
        for line in sql_in(path.read_text())
    ]
    assert found == [], "move the SQL into the repository.py of its folder"


def test_nothing_writes_a_session_setting() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        for line in session_settings_in(path.read_text())
    ]
    assert found == [], "use set_config(name, value, true) or SET LOCAL inside of the transaction"


def test_no_migration_writes_a_session_setting() -> None:
    found = [
        f"{path.name}:{statement.line}"
        for path in MIGRATIONS
        for statement in split(path.read_text())
        if (statement.words[0] == "set" and statement.words[1] != "local")
        or _SESSION_CONFIG.search(path.read_text())
    ]
    assert found == []


def test_services_do_not_commit() -> None:
    """The caller's transaction commits; `.commit()` or `.rollback()` on a connection cuts it in two."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "shared/nyxcore")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("commit", "rollback")
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "select id from runs",
        "SELECT count(*)\nFROM runs",
        "select pg_notify('a', 'b')",
        "insert into runs (id) values (1)",
        "update runs set phase = 'x'",
        "delete from runs",
        "with a as (select 1) select 1",
        "create table a ()",
        "set local statement_timeout = 1",
    ],
)
@pytest.mark.parametrize("form", ["x = {0!r}", "x = f{0!r}", "x = b{0!r}", "def f():\n    g({0!r})"])
def test_the_rule_sees_sql_in_a_string(text: str, form: str) -> None:
    assert sql_in(form.format(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "select what you want",
        "update the project's settings",
        "delete what is left",
        "insert the key and turn it",
        "with a cursor, every event after it",
        "create a token first",
        "set by the caller",
    ],
)
def test_the_rule_leaves_prose_alone(text: str) -> None:
    assert sql_in(f"x = {text!r}") == []


def test_the_rule_leaves_docstrings_alone() -> None:
    text = "select id from runs"
    assert sql_in(f'"""{text}"""\n') == []


@pytest.mark.parametrize(
    "text",
    [
        "set app.tenant_id = 'x'",
        "SET search_path TO public",
        "set session app.tenant_id = 'x'",
        "select set_config('app.tenant_id', %s, false)",
        "listen runs",
        "discard all",
    ],
)
def test_the_rule_sees_a_session_setting(text: str) -> None:
    assert session_settings_in(f"x = {text!r}") == [1]


@pytest.mark.parametrize(
    "text",
    [
        "set local app.x = 1",
        "set transaction read only",
        "select set_config('a', %s, true)",
        "set the key to x",
    ],
)
def test_the_rule_leaves_a_setting_of_the_transaction_alone(text: str) -> None:
    assert session_settings_in(f"x = {text!r}") == []
