"""What goes with a run, and what outlives it."""

from __future__ import annotations

import psycopg
import pytest
from row_factory import RowFactory, insert

from nyxcore.ids import uuid7


@pytest.fixture
def app(database_urls):
    """A transaction of nyx_app in which one tenant has a run, with everything that can point at it doing so."""
    tenant = uuid7()
    with psycopg.connect(database_urls.owner_url) as owner:
        owner.execute("insert into tenants (id) values (%s)", (tenant,))
    with psycopg.connect(database_urls.app_url) as connection:
        connection.execute("select set_config('app.tenant_id', %s, true)", (str(tenant),))
        factory = RowFactory(connection)
        factory.kept("runs", tenant)
        insert(connection, "findings", factory.new("findings", tenant, pointing=["fix_id"]))
        insert(connection, "workflow_insights", factory.new("workflow_insights", tenant, pointing=["run_id"]))
        retry = factory.new("runs", tenant, pointing=["retry_of"])
        insert(connection, "runs", retry)
        connection.retry = retry["id"]
        yield connection


def count(connection, query: str) -> int:
    return connection.execute(f"select count(*) from {query}").fetchone()[0]


def test_findings_and_fixes_that_point_at_each_other_go_with_their_run(app) -> None:
    assert (count(app, "findings where fix_id is not null"), count(app, "fixes")) == (1, 1)
    app.execute("delete from runs where retry_of is null")
    assert (count(app, "findings"), count(app, "fixes")) == (0, 0)


def test_a_retry_and_what_was_learnt_outlive_the_first_run(app) -> None:
    app.execute("delete from runs where retry_of is null")
    assert app.execute("select id::text, retry_of from runs").fetchall() == [(app.retry, None)]
    assert count(app, "workflow_insights where run_id is null") == 1


def test_a_fix_cannot_go_while_a_finding_says_that_it_was_fixed_by_it(app) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="findings"):
        app.execute("delete from fixes")
