"""SQL is read far enough to see which statements destroy something."""

from __future__ import annotations

import pytest

from nyxcore.db.statements import controls_transaction, destruction, split
from nyxcore.errors import InvalidInput


def test_statements_are_told_apart_by_semicolons_outside_of_quotes_and_comments() -> None:
    text = """
    create table a (x text default ';'); -- one; still a comment
    /* nested /* ; */ ; */ insert into a values (E'\\';', $tag$ ; $$ ; $tag$, ";");
    select 'it''s; fine'
    """
    statements = split(text)
    assert [statement.words[0] for statement in statements] == ["create", "insert", "select"]
    assert [statement.line for statement in statements] == [2, 3, 4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select 'open", "the quote ' is never closed"),
        ('select "open', 'the quote " is never closed'),
        ("select $x$ open $y$", r"the quote \$x\$ is never closed"),
        ("select 1;\n/* open /* */", "line 2: the comment"),
    ],
)
def test_what_is_never_closed_is_an_error_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        split(text)


DESTRUCTIVE = {
    "drop table runs": "DROP TABLE",
    "DROP /* really */ TABLE runs": "DROP TABLE",
    "drop index concurrently runs_project": "DROP INDEX",
    "drop policy tenant_isolation on runs": "DROP POLICY",
    "alter table runs drop column phase": "DROP COLUMN",
    "alter table runs drop phase": "DROP PHASE",
    "alter table runs drop if exists phase": "DROP IF",
    'alter table runs drop "phase"': "DROP",
    "alter table runs add x int, drop constraint runs_pkey": "DROP CONSTRAINT",
    "alter table runs alter phase type int using 1": "ALTER TYPE",
    "alter table runs alter column phase set data type int": "ALTER TYPE",
    'alter table runs alter "phase" type int': "ALTER TYPE",
    "alter type mood rename value 'a' to 'b'": "RENAME",
    "alter type mood drop attribute a": "DROP ATTRIBUTE",
    "alter table runs rename phase to stage": "RENAME",
    "alter table runs disable row level security": "DISABLE ROW LEVEL SECURITY",
    "alter table runs no force row level security": "NO FORCE ROW LEVEL SECURITY",
    "truncate runs": "TRUNCATE",
    "delete from runs": "DELETE without WHERE",
    "with gone as (delete from runs returning id) select * from gone": "DELETE without WHERE",
    "do $$ begin drop table runs; end $$": "DROP TABLE",
    "do $$ begin execute 'truncate runs'; end $$": "TRUNCATE",
    "do $$ begin execute format('alter table %I drop column x', 'runs'); end $$": "DROP COLUMN",
    "do $$ begin execute 'dr' || 'op it''s'; raise 'drop table that''s it'; end $$": "DROP TABLE",
    "create function f() returns void language sql as 'delete from runs'": "DELETE without WHERE",
}

HARMLESS = [
    "create table drops (truncate_at timestamptz)",
    "comment on table runs is 'drop table runs'",
    "insert into t values ('drop table runs')",
    'select "drop" from t',
    "alter table runs alter phase drop not null",
    "alter table runs alter phase drop default",
    "alter table runs alter phase drop expression",
    "alter table run_events add column type text",
    "alter table runs alter phase set default 'type'",
    "alter type mood add value 'fine'",
    "delete from runs where finished_at < now()",
    "grant select, delete, truncate on runs to nyx_app",
    "create trigger t before truncate on runs execute function f()",
    "create table c (id int references p (id) on delete cascade)",
    "do $$ begin update runs set phase = 'it''s done'; end $$",
    "alter table runs enable row level security",
]


@pytest.mark.parametrize("text", DESTRUCTIVE)
def test_a_statement_that_destroys_is_named_for_what_it_does(text: str) -> None:
    (statement,) = split(text)
    assert destruction(statement) == DESTRUCTIVE[text]


@pytest.mark.parametrize("text", DESTRUCTIVE)
def test_a_marker_with_a_reason_lets_it_pass_and_one_without_does_not(text: str) -> None:
    (allowed,) = split(f"-- destructive: nothing reads it since 0.3\n{text}")
    assert destruction(allowed) is None
    (bare,) = split(f"-- destructive:\n{text}")
    assert destruction(bare) == DESTRUCTIVE[text]


def test_a_marker_holds_for_its_own_statement_only() -> None:
    first, second = split("-- destructive: unused\ndrop table a; drop table b;")
    assert destruction(first) is None
    assert destruction(second) == "DROP TABLE"


@pytest.mark.parametrize("text", HARMLESS)
def test_a_statement_that_destroys_nothing_passes(text: str) -> None:
    (statement,) = split(text)
    assert destruction(statement) is None


@pytest.mark.parametrize(
    "text", ["begin", "commit", "rollback to x", "start transaction", "savepoint s", "end"]
)
def test_transaction_control_is_seen(text: str) -> None:
    (statement,) = split(text)
    assert controls_transaction(statement)


def test_begin_inside_a_block_is_no_transaction_control() -> None:
    (statement,) = split("do $$ begin perform 1; end $$")
    assert not controls_transaction(statement)
