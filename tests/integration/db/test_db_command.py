"""`nyx db migrate|status|check`: exit codes and lines."""

from __future__ import annotations

import psycopg
import pytest

from nyx import db_command
from nyxcore.db.schema import names
from nyxcore.personas import library


def run(words: list[str], url: str) -> int:
    return db_command.run(words, lambda: url)


def test_migrate_lists_what_it_applied_and_then_says_that_all_is_done(empty_urls, capsys) -> None:
    assert run(["migrate"], empty_urls.owner_url) == 0
    assert capsys.readouterr().out.splitlines() == [
        *(f"applied {name}" for name in names().values()),
        *(f"persona {persona.key}" for persona in library.read()),
    ]
    assert run(["migrate"], empty_urls.owner_url) == 0
    assert capsys.readouterr().out == "the schema is up to date\n"


def test_status_is_1_while_migrations_are_pending_and_0_afterwards(empty_urls, capsys) -> None:
    assert run(["status"], empty_urls.owner_url) == 1
    assert capsys.readouterr().out.splitlines() == [f"pending  {name}" for name in names().values()]
    run(["migrate"], empty_urls.owner_url)
    capsys.readouterr()
    assert run(["status"], empty_urls.owner_url) == 0
    assert all(line.startswith("applied  0") for line in capsys.readouterr().out.splitlines())


def test_check_is_0_on_a_schema_as_it_should_be(database_urls, capsys) -> None:
    assert run(["check"], database_urls.owner_url) == 0
    assert capsys.readouterr().out == "the schema is as the snapshot says\n"


def test_check_is_1_with_a_line_a_difference(database_urls, superuser, capsys) -> None:
    superuser.execute("drop index workflow_insights_embedding")
    superuser.execute("alter table runs alter phase type varchar(20)")
    assert run(["check"], database_urls.owner_url) == 1
    assert capsys.readouterr().out.splitlines() == [
        "runs: column phase: expected text; found character varying(20)",
        "workflow_insights: index workflow_insights_embedding: expected CREATE INDEX workflow_insights_embedding ON"
        " public.workflow_insights USING hnsw (embedding vector_cosine_ops), operator classes vector_cosine_ops;"
        " it is missing",
    ]


@pytest.mark.parametrize("command", ["migrate", "status", "check"])
def test_no_connection_is_2_with_one_sentence(database_urls, capsys, command: str) -> None:
    url = psycopg.conninfo.make_conninfo(database_urls.owner_url, password="wrong")
    assert run([command], url) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("nyx db: the database cannot be reached: ")
    assert said.err.count("\n") == 1


def test_an_edited_migration_is_1_with_its_name(database_urls, superuser, capsys) -> None:
    superuser.execute("update schema_migrations set sha256 = repeat('0', 64) where version = 1")
    assert run(["migrate"], database_urls.owner_url) == 1
    assert "0001_tenancy was edited" in capsys.readouterr().err
    assert run(["status"], database_urls.owner_url) == 1
    assert capsys.readouterr().out.startswith("edited   0001_tenancy")
