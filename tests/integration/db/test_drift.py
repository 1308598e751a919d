"""`nyx db check` names whatever in the live catalog is not as the snapshot says."""

from __future__ import annotations

import psycopg
import pytest

from nyxcore.db import catalog

EMBEDDING = "workflow_insights_embedding"
POLICY = "policy tenant_isolation"
TENANT = "tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)"

# name of the mutation -> (what somebody runs as superuser, the table, the object that has to be named)
MUTATIONS = {
    "vector column dropped": (
        "alter table workflow_insights drop column embedding cascade",
        "workflow_insights",
        "column embedding",
    ),
    "vector column dropped, so its index": (
        "alter table workflow_insights drop column embedding cascade",
        "workflow_insights",
        f"index {EMBEDDING}",
    ),
    "other dimension": (
        "alter table workflow_insights alter embedding type vector(1024)",
        "workflow_insights",
        "column embedding",
    ),
    "no dimension": (
        f"drop index {EMBEDDING}; alter table workflow_insights alter embedding type vector",
        "workflow_insights",
        "column embedding",
    ),
    "half precision": (
        f"drop index {EMBEDDING}; alter table workflow_insights alter embedding type halfvec(1536)",
        "workflow_insights",
        "column embedding",
    ),
    "HNSW index dropped": (f"drop index {EMBEDDING}", "workflow_insights", f"index {EMBEDDING}"),
    "other operator class": (
        f"drop index {EMBEDDING}; create index {EMBEDDING} on workflow_insights"
        " using hnsw (embedding vector_l2_ops)",
        "workflow_insights",
        f"index {EMBEDDING}",
    ),
    "other access method": (
        f"drop index {EMBEDDING}; create index {EMBEDDING} on workflow_insights"
        " using ivfflat (embedding vector_cosine_ops)",
        "workflow_insights",
        f"index {EMBEDDING}",
    ),
    "HNSW options": (
        f"alter index {EMBEDDING} set (ef_construction = 32)",
        "workflow_insights",
        f"index {EMBEDDING}",
    ),
    "partial instead of whole": (
        f"drop index {EMBEDDING}; create index {EMBEDDING} on workflow_insights"
        " using hnsw (embedding vector_cosine_ops) where severity = 'high'",
        "workflow_insights",
        f"index {EMBEDDING}",
    ),
    "index invalid": (
        f"update pg_index set indisvalid = false where indexrelid = '{EMBEDDING}'::regclass",
        "workflow_insights",
        f"index {EMBEDDING}",
    ),
    "RLS off": ("alter table findings disable row level security", "findings", "row level security"),
    "FORCE off": (
        "alter table findings no force row level security",
        "findings",
        "force row level security",
    ),
    "policy dropped": ("drop policy tenant_isolation on runs", "runs", POLICY),
    "policy fails open": (
        f"alter policy tenant_isolation on runs using ({TENANT} or current_setting('app.tenant_id', true) = '')",
        "runs",
        POLICY,
    ),
    "policy checks nothing on writing": (
        "alter policy tenant_isolation on runs with check (true)",
        "runs",
        POLICY,
    ),
    "policy for one role only": ("alter policy tenant_isolation on runs to nyx_owner", "runs", POLICY),
    "policy for reading only": (
        f"drop policy tenant_isolation on runs; create policy tenant_isolation on runs for select using ({TENANT})",
        "runs",
        POLICY,
    ),
    "policy restrictive": (
        "drop policy tenant_isolation on runs; create policy tenant_isolation on runs as restrictive"
        f" using ({TENANT}) with check ({TENANT})",
        "runs",
        POLICY,
    ),
    "second policy that lets all through": (
        "create policy support on runs for select to nyx_app using (true)",
        "runs",
        "policy support",
    ),
    "grant lost": ("revoke update on runs from nyx_app", "runs", "grant to nyx_app"),
    "grant added": ("grant update on run_events to nyx_app", "run_events", "grant to nyx_app"),
    "grant with grant option": (
        "grant select on runs to nyx_app with grant option",
        "runs",
        "grant to nyx_app",
    ),
    "TRUNCATE, which no policy stops": (
        "grant truncate on runs to nyx_app",
        "runs",
        "grant to nyx_app",
    ),
    "grant to everybody": ("grant select on api_tokens to public", "api_tokens", "grant to public"),
    "grant on one column": (
        "grant update (created_at) on tenants to nyx_app",
        "tenants",
        "grant on column created_at to nyx_app",
    ),
    "schema open to everybody": (
        "grant create on schema public to public",
        "schemas",
        "grant on public to public",
    ),
    "schema closed to the app": (
        "revoke usage on schema public from nyx_app",
        "schemas",
        "grant on public to nyx_app",
    ),
    "default privileges": (
        "alter default privileges for role nyx_owner grant select on tables to nyx_app",
        "default privileges",
        "tables of nyx_owner in every schema to nyx_app",
    ),
    "database open to everybody": (
        "do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$",
        "database",
        "grant to public",
    ),
    "type changed": ("alter table runs alter last_seq type integer", "runs", "column last_seq"),
    "precision changed": (
        "alter table runs alter cost_usd type numeric(12, 2)",
        "runs",
        "column cost_usd",
    ),
    "json became jsonb": ("alter table run_events alter data type jsonb", "run_events", "column data"),
    "default changed": ("alter table runs alter status set default 'running'", "runs", "column status"),
    "default lost": ("alter table runs alter created_at drop default", "runs", "column created_at"),
    "NOT NULL lost": ("alter table findings alter file drop not null", "findings", "column file"),
    "collation changed": (
        'alter table files alter path type text collate "default"',
        "files",
        "column path",
    ),
    "generated column is plain": (
        "alter table workflow_insights alter search drop expression",
        "workflow_insights",
        "column search",
    ),
    "generated column of another expression": (
        "alter table workflow_insights alter search set expression as (to_tsvector('english', title))",
        "workflow_insights",
        "column search",
    ),
    "column renamed": ("alter table runs rename phase to stage", "runs", "column phase"),
    "extra column": ("alter table runs add note text", "runs", "column note"),
    "foreign key lost": (
        "alter table findings drop constraint findings_tenant_id_run_id_fkey",
        "findings",
        "constraint findings_tenant_id_run_id_fkey",
    ),
    "foreign key no longer composite": (
        "alter table runs drop constraint runs_tenant_id_project_id_fkey;"
        " create unique index on projects (id);"
        " alter table runs add constraint runs_tenant_id_project_id_fkey"
        " foreign key (project_id) references projects (id)",
        "runs",
        "constraint runs_tenant_id_project_id_fkey",
    ),
    "foreign key not validated": (
        "alter table runs drop constraint runs_tenant_id_project_id_fkey;"
        " alter table runs add constraint runs_tenant_id_project_id_fkey foreign key (tenant_id, project_id)"
        " references projects (tenant_id, id) on delete cascade not valid",
        "runs",
        "constraint runs_tenant_id_project_id_fkey",
    ),
    "foreign key switched off": (
        "alter table findings disable trigger all",
        "findings",
        "trigger findings_tenant_id_run_id_fkey",
    ),
    "primary key without the tenant": (
        "alter table audit_log drop constraint audit_log_pkey; alter table audit_log add primary key (id)",
        "audit_log",
        "constraint audit_log_pkey",
    ),
    "uniqueness lost": (
        "drop index reports_version;"
        " create index reports_version on reports (tenant_id, run_id, style, language, version)",
        "reports",
        "index reports_version",
    ),
    "check lost": (
        "alter table runs drop constraint runs_status_check",
        "runs",
        "constraint runs_status_check",
    ),
    "check loosened": (
        "alter table findings drop constraint findings_state_check;"
        " alter table findings add constraint findings_state_check check (state <> '')",
        "findings",
        "constraint findings_state_check",
    ),
    "table dropped": ("drop table stream_tickets", "stream_tickets", "table"),
    "extra table": ("create table notes (id int)", "notes", "table"),
    "child table outside of the policies": (
        "create table runs_old () inherits (runs)",
        "runs_old",
        "table",
    ),
    "table unlogged": (
        "create unlogged table u (like idempotency_keys including all); drop table idempotency_keys;"
        " alter table u rename to idempotency_keys",
        "idempotency_keys",
        "table",
    ),
    "owner changed": ("alter table runs owner to postgres", "runs", "table"),
    "view that shows every tenant": (
        "create view all_runs as select id, kind from runs; grant select on all_runs to nyx_app",
        "all_runs",
        "view",
    ),
    "function added": (
        "create function leak() returns setof runs language sql security definer as 'select * from runs'",
        "functions",
        "leak()",
    ),
    "trigger added": (
        "create function f() returns trigger language plpgsql as 'begin return null; end';"
        " create trigger swallow before insert on audit_log for each row execute function f()",
        "audit_log",
        "trigger swallow",
    ),
    "rule added": (
        "create rule deaf as on insert to audit_log do instead nothing",
        "audit_log",
        "rule deaf",
    ),
    "sequence added": ("create sequence numbers", "numbers", "sequence"),
    "enum added": ("create type mood as enum ('good', 'bad')", "types", "mood"),
    "domain added": ("create domain email as text check (value like '%@%')", "types", "email"),
    "schema added": ("create schema shadow", "schemas", "shadow"),
    "table in another schema": ("create schema shadow; create table shadow.runs ()", "shadow.runs", "table"),
    "extension lost": ("drop extension vector cascade", "extensions", "vector"),
    "app bypasses RLS": ("alter role nyx_app bypassrls", "roles", "nyx_app"),
    "app is superuser": ("alter role nyx_app superuser", "roles", "nyx_app"),
    "owner bypasses RLS": ("alter role nyx_owner bypassrls", "roles", "nyx_owner"),
    "app is a member of the owner": (
        "grant nyx_owner to nyx_app",
        "roles",
        "nyx_app is member of nyx_owner",
    ),
    "app reads all data": (
        "grant pg_read_all_data to nyx_app",
        "roles",
        "nyx_app is member of pg_read_all_data",
    ),
    "a tenant set at the role": (
        "alter role nyx_app set app.tenant_id = '0190b5f2-0000-7000-8000-000000000001'",
        "roles",
        "nyx_app setting app.tenant_id",
    ),
    "a tenant set at the database": (
        "do $$ begin execute format('alter database %I set app.tenant_id = %L', current_database(), 'x'); end $$",
        "database",
        "setting app.tenant_id",
    ),
    "publication of all tables": ("create publication leak for all tables", "database", "publication leak"),
}


def test_a_freshly_migrated_database_is_as_the_snapshot_says(database_urls) -> None:
    assert catalog.check(database_urls.owner_url) == []
    assert catalog.check(database_urls.app_url) == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_of_the_schema_is_named(drifting: psycopg.Connection, name: str) -> None:
    statements, table, changed = MUTATIONS[name]
    with drifting.transaction(force_rollback=True):
        drifting.execute("set local allow_system_table_mods = on")
        drifting.execute(statements)
        differences = catalog.compare(catalog.snapshot(), catalog.read_within(drifting))
    named = [found for found in differences if (found.table, found.object) == (table, changed)]
    assert len(named) == 1, f"{table}: {changed} is not among {[str(found) for found in differences]}"
    line = str(named[0])
    assert line.startswith(f"{table}: {changed}: expected ")
    assert named[0].expected == catalog.snapshot().get(table, {}).get(changed)
    assert named[0].expected != named[0].actual


@pytest.fixture(scope="module")
def drifting(postgres):
    """One database for all the mutations: each is rolled back after it was looked at."""
    name = postgres.create()
    with psycopg.connect(postgres.urls(name).superuser_url, autocommit=True) as connection:
        yield connection
        assert catalog.compare(catalog.snapshot(), catalog.read_within(connection)) == []
    postgres.drop(name)


def test_a_committed_mutation_is_found_by_the_owner_and_mended_by_undoing_it(
    database_urls, superuser
) -> None:
    superuser.execute("alter table runs no force row level security")
    assert [(found.table, found.object) for found in catalog.check(database_urls.owner_url)] == [
        ("runs", "force row level security")
    ]
    superuser.execute("alter table runs force row level security")
    assert catalog.check(database_urls.owner_url) == []


def test_a_search_path_of_the_role_does_not_change_the_names(database_urls, superuser) -> None:
    superuser.execute("create schema aside authorization nyx_owner")
    url = f"{database_urls.owner_url} options='-c search_path=aside'"
    assert {found.object for found in catalog.check(url)} == {"aside", "grant on aside to nyx_owner"}


def test_the_snapshot_taken_anew_is_the_committed_file_byte_for_byte(database_urls, tmp_path) -> None:
    catalog.write(catalog.read(database_urls.owner_url), tmp_path / "snapshot.json")
    assert (tmp_path / "snapshot.json").read_bytes() == catalog.SNAPSHOT.read_bytes()
