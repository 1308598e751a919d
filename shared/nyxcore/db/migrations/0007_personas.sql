-- Who answers: the product's personas, a tenant's own, what each has been used for, and teams of them.

-- No tenant: the same rows for all, readable by every function. `nyxcore.upgrade` writes them after the migrations,
-- from shared/nyxcore/personas/library, so that a changed persona needs no migration. A row is never deleted:
-- what points at it by id has no foreign key.
create table personas_builtin (
    id uuid primary key,
    key text not null unique check (key ~ '^[a-z][a-z0-9-]{0,39}$'),
    name text not null,
    category text not null,
    summary text not null,
    traits text[] not null,
    specializations text[] not null,
    prompt text not null,
    portrait text not null,
    updated_at timestamptz not null,
    retired_at timestamptz
);
grant select on personas_builtin to nyx_app;

create table personas (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    key text not null check (key ~ '^[a-z][a-z0-9-]{0,39}$'),
    name text not null check (length(name) between 1 and 200),
    category text not null
        check (category in ('research', 'design', 'quality', 'security', 'operations', 'product', 'other')),
    summary text not null check (length(summary) <= 300),
    traits text[] not null,
    specializations text[] not null,
    prompt text not null check (length(prompt) between 1 and 20000),
    portrait text not null,
    -- the persona, built-in or own, that it was copied from: told, never followed
    based_on uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- deleted for whoever chooses; kept for the runs and teams that name it
    deleted_at timestamptz,
    primary key (tenant_id, id)
);
create unique index personas_key on personas (tenant_id, key) where deleted_at is null;

-- `persona_id` is a built-in persona's or one of the tenant's own, so that no foreign key can hold it.
create table persona_progress (
    tenant_id uuid not null references tenants (id) on delete cascade,
    persona_id uuid not null,
    xp bigint not null check (xp >= 0),
    uses bigint not null check (uses >= 0),
    primary key (tenant_id, persona_id)
);

-- What was counted already: a step that is recorded twice counts once. The progress outlives the run.
create table persona_uses (
    tenant_id uuid not null references tenants (id) on delete cascade,
    run_id uuid not null,
    step text not null,
    attempt integer not null check (attempt > 0),
    persona_id uuid not null,
    primary key (tenant_id, run_id, step, attempt, persona_id),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);

create table teams (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 200),
    description text not null check (length(description) <= 2000),
    pattern text not null check (pattern in ('phd-discuss-best-implement')),
    persona_ids uuid[] not null check (cardinality(persona_ids) between 2 and 8),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
);

do $$
declare
    name text;
begin
    foreach name in array array['personas', 'persona_progress', 'persona_uses', 'teams'] loop
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

-- A use is counted once and never taken back; a persona is deleted by its date.
revoke update, delete on persona_uses from nyx_app;
revoke delete on personas from nyx_app;
