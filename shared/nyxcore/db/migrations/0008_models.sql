-- Models: the keys of tenants, limits on what they spend, and the ledger of every attempt.

create table credentials (
    tenant_id uuid not null references tenants (id) on delete cascade,
    name text not null check (length(name) between 1 and 40),
    protocol text not null check (protocol in ('openai', 'anthropic', 'github')),
    base_url text,
    -- encrypted, with the tenant and the name as associated data; null: the endpoint takes no key
    sealed_secret text,
    -- the key that the data key is encrypted under: what rotation looks for
    key_id text,
    last_four text check (length(last_four) <= 4),
    prices jsonb not null default '{}',
    updated_by text not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, name),
    check ((sealed_secret is null) = (key_id is null))
);
create index credentials_key on credentials (tenant_id, key_id);

-- What may be spent: by the tenant as a whole (project_id null), or by one project of it. A limit that is null is none.
create table budgets (
    tenant_id uuid not null references tenants (id) on delete cascade,
    -- the project's id, or the tenant's
    subject uuid not null,
    project_id uuid,
    monthly_usd numeric(18, 9) check (monthly_usd >= 0),
    monthly_tokens bigint check (monthly_tokens >= 0),
    run_usd numeric(18, 9) check (run_usd >= 0),
    run_tokens bigint check (run_tokens >= 0),
    updated_by text not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, subject),
    foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);
create index budgets_project on budgets (tenant_id, project_id);

-- What has been spent in a month (of UTC; its first day). The tenant's row is the lock of all reservations.
create table budget_months (
    tenant_id uuid not null references tenants (id) on delete cascade,
    month date not null,
    subject uuid not null,
    project_id uuid,
    usd numeric(18, 9) not null default 0,
    tokens bigint not null default 0,
    primary key (tenant_id, month, subject),
    foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);
create index budget_months_project on budget_months (tenant_id, project_id);

-- The most that an attempt of a step may cost, held until its record comes or the sweep gives it back.
create table budget_reservations (
    tenant_id uuid not null references tenants (id) on delete cascade,
    run_id uuid not null,
    step text not null check (length(step) between 1 and 300),
    attempt integer not null check (attempt > 0),
    project_id uuid not null,
    month date not null,
    usd numeric(18, 9) not null check (usd >= 0),
    tokens bigint not null check (tokens >= 0),
    expires_at timestamptz not null,
    closed_at timestamptz,
    primary key (tenant_id, run_id, step, attempt),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade,
    foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);
create index budget_reservations_project on budget_reservations (tenant_id, project_id);
create index budget_reservations_open on budget_reservations (tenant_id, expires_at) where closed_at is null;

-- One row an attempt at a model. It outlives the run and the project that it was made for.
create table llm_calls (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    run_id uuid,
    project_id uuid,
    step text not null,
    attempt integer not null check (attempt > 0),
    number integer not null check (number > 0),
    protocol text not null check (protocol in ('offline', 'bedrock', 'openai', 'anthropic')),
    model text not null,
    input_tokens bigint not null check (input_tokens >= 0),
    output_tokens bigint not null check (output_tokens >= 0),
    cached_tokens bigint not null check (cached_tokens >= 0),
    usd numeric(18, 9) not null check (usd >= 0),
    price_version text not null,
    latency_ms bigint not null check (latency_ms >= 0),
    outcome text not null check (outcome in ('succeeded', 'failed', 'unknown')),
    error_code text,
    -- the usage was not told, and the most that it can have been is charged
    upper_bound boolean not null,
    started_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete set null (run_id),
    foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete set null (project_id)
);
create unique index llm_calls_attempt on llm_calls (tenant_id, run_id, step, attempt, number);
create index llm_calls_project on llm_calls (tenant_id, project_id);

do $$
declare
    name text;
begin
    foreach name in array array['credentials', 'budgets', 'budget_months', 'budget_reservations', 'llm_calls'] loop
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

-- The ledger is appended to.
revoke update, delete on llm_calls from nyx_app;
