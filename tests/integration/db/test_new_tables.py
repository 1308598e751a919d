"""A table that a later migration adds without all that isolation needs is named by itself."""

from __future__ import annotations

import psycopg
import pytest
from isolation_rules import shortcomings

TENANT = "tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)"
GOOD = {
    "table": (
        "create table notes (tenant_id uuid not null references tenants (id) on delete cascade, id uuid not null,"
        " run_id uuid not null, title text not null, primary key (tenant_id, id),"
        " constraint notes_run foreign key (tenant_id, run_id) references runs (tenant_id, id))"
    ),
    "index": "create unique index notes_title on notes (tenant_id, run_id, title)",
    "enable": "alter table notes enable row level security",
    "force": "alter table notes force row level security",
    "policy": f"create policy tenant_isolation on notes using ({TENANT}) with check ({TENANT})",
    "grant": "grant select, insert, update, delete on notes to nyx_app",
}
# what is done otherwise (None: left out) -> what has to be said about it
FLAWS = {
    "nothing but the table": (
        dict.fromkeys(["enable", "force", "policy", "grant"]),
        "row-level security is not enabled",
    ),
    "not enabled": ({"enable": None}, "row-level security is not enabled"),
    "not forced": ({"force": None}, "row-level security is not forced"),
    "no policy": ({"policy": None}, "it needs the one policy"),
    "another policy beside it": (
        {"grant": f"{GOOD['grant']}; create policy more on notes using (true)"},
        "it needs the one policy",
    ),
    "policy that fails open": (
        {
            "policy": f"create policy p on notes using ({TENANT} or current_setting('app.tenant_id', true) is null)"
        },
        "it needs the one policy",
    ),
    "no tenant": (
        {
            "table": "create table notes (id uuid primary key, run_id uuid, title text)",
            "index": None,
            "policy": "create policy p on notes using (true)",
        },
        "tenant_id uuid not null is missing",
    ),
    "tenant may be null": (
        {
            "table": GOOD["table"]
            .replace("primary key (tenant_id, id)", "primary key (id)")
            .replace("tenant_id uuid not null", "tenant_id uuid")
        },
        "tenant_id uuid not null is missing",
    ),
    "key does not begin with the tenant": (
        {"table": GOOD["table"].replace("(tenant_id, id),", "(id),")},
        "the primary key has to begin with tenant_id",
    ),
    "tenant references nothing": (
        {"table": GOOD["table"].replace(" references tenants (id) on delete cascade", "")},
        "tenant_id references no tenant",
    ),
    "foreign key is not composite": (
        {
            "table": "create unique index on runs (id); "
            + GOOD["table"].replace(
                "(tenant_id, run_id) references runs (tenant_id, id)", "(run_id) references runs (id)"
            )
        },
        "the foreign key notes_run has to be composite",
    ),
    "foreign key without an index": ({"index": None}, "the foreign key notes_run has no index"),
    "unique over all tenants": (
        {"index": f"{GOOD['index']}; create unique index loud on notes (title)"},
        "the unique index loud has to begin with tenant_id",
    ),
    "truncate granted": ({"grant": "grant all on notes to nyx_app"}, "TRUNCATE is granted to nyx_app"),
    "granted to everybody": (
        {"grant": f"{GOOD['grant']}; grant select on notes to public"},
        "SELECT is granted to public",
    ),
    "granted to nobody": ({"grant": None}, "nyx_app may not even read it"),
    "view of the owner": (
        {"grant": f"{GOOD['grant']}; create view notes_seen as select * from notes"},
        "a view needs security_invoker",
    ),
    "materialized view": (
        {"grant": f"{GOOD['grant']}; create materialized view notes_kept as select * from notes"},
        "materialized view has no row-level security",
    ),
}


@pytest.fixture(scope="module")
def owner(postgres):
    name = postgres.create()
    with psycopg.connect(postgres.urls(name).owner_url, autocommit=True) as connection:
        yield connection
    postgres.drop(name)


def test_every_table_of_the_schema_has_what_isolation_needs(owner) -> None:
    assert shortcomings(owner) == []


def test_a_new_table_that_has_all_of_it_passes(owner) -> None:
    with owner.transaction(force_rollback=True):
        for statement in GOOD.values():
            owner.execute(statement)
        assert shortcomings(owner) == []


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_new_table_without_all_of_it_is_named(owner, flaw: str) -> None:
    changed, said = FLAWS[flaw]
    with owner.transaction(force_rollback=True):
        for statement in (GOOD | changed).values():
            if statement is not None:
                owner.execute(statement)
        found = shortcomings(owner)
    assert any(line.startswith("notes") and said in line for line in found), found
