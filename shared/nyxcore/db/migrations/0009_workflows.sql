-- Workflows and their immutable versions; a run's steps, and the calls that a step is made of.

create table workflows (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 200),
    version integer not null check (version > 0),
    created_by text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- hidden; its versions stay, for runs have pinned them
    deleted_at timestamptz,
    primary key (tenant_id, id)
);

create table workflow_versions (
    tenant_id uuid not null references tenants (id) on delete cascade,
    workflow_id uuid not null,
    version integer not null check (version > 0),
    definition jsonb not null,
    created_by text not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, workflow_id, version),
    foreign key (tenant_id, workflow_id) references workflows (tenant_id, id) on delete cascade
);

alter table runs add column workflow_id uuid;
alter table runs add column workflow_version integer;
-- a run that works for a step of another one, which is woken at its end
alter table runs add column parent_run_id uuid;
alter table runs add column woken boolean not null default false;
alter table runs add foreign key (tenant_id, workflow_id, workflow_version)
    references workflow_versions (tenant_id, workflow_id, version);
alter table runs add foreign key (tenant_id, parent_run_id) references runs (tenant_id, id) on delete cascade;
alter table runs add constraint runs_workflow_check
    check ((workflow_id is null) = (workflow_version is null) and (kind = 'workflow' or workflow_id is null));
create index runs_workflow on runs (tenant_id, workflow_id, workflow_version) where workflow_id is not null;
create index runs_parent on runs (tenant_id, parent_run_id) where parent_run_id is not null;
create index runs_woken on runs (tenant_id, id) where woken;

create table run_steps (
    tenant_id uuid not null references tenants (id) on delete cascade,
    run_id uuid not null,
    key text not null,
    position integer not null,
    type text not null check (type in ('llm', 'review', 'analysis', 'report')),
    status text not null default 'pending'
        check (status in ('pending', 'running', 'waiting', 'succeeded', 'skipped', 'failed')),
    attempt integer not null default 0,
    output text,
    data jsonb,
    decision text check (decision in ('approve', 'reject', 'edit', 'expire')),
    decided_by text,
    error jsonb,
    child_run_id uuid,
    expires_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    primary key (tenant_id, run_id, key),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade,
    foreign key (tenant_id, child_run_id) references runs (tenant_id, id) on delete set null (child_run_id)
);
create index run_steps_child on run_steps (tenant_id, child_run_id) where child_run_id is not null;
create index run_steps_expiry on run_steps (tenant_id, expires_at) where status = 'waiting';

-- One answer of a model: a step has one, or one for each item, alternative or model.
create table run_step_calls (
    tenant_id uuid not null references tenants (id) on delete cascade,
    run_id uuid not null,
    key text not null,
    part integer not null check (part >= 0),
    label text not null,
    item text,
    model text not null,
    status text not null default 'pending' check (status in ('pending', 'running', 'succeeded', 'failed')),
    attempt integer not null default 0,
    -- whether its execution is known to have been started
    started boolean not null default false,
    claimed_at timestamptz,
    prompt text,
    provenance jsonb,
    output text,
    data jsonb,
    error jsonb,
    tokens bigint not null default 0,
    usd numeric(18, 9) not null default 0,
    primary key (tenant_id, run_id, key, part),
    foreign key (tenant_id, run_id, key) references run_steps (tenant_id, run_id, key) on delete cascade
);
create index run_step_calls_open on run_step_calls (tenant_id, run_id, status) where status in ('pending', 'running');

do $$
declare
    name text;
begin
    foreach name in array array['workflows', 'workflow_versions', 'run_steps', 'run_step_calls'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy tenant_isolation on %I
             using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))
             with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))',
            name
        );
        execute format('grant select, insert, update, delete on %I to nyx_app', name);
    end loop;
end
$$;

-- a version is what runs have pinned: it is written once
revoke update on workflow_versions from nyx_app;
