-- Who: tenants, their settings, members, tokens; what was changed by whom; answered idempotency keys.

-- PostgreSQL lets everybody execute a new function; here nobody may who was not told.
alter default privileges revoke execute on functions from public;

create table tenants (
    id uuid primary key,
    created_at timestamptz not null default now()
);

create table tenant_settings (
    tenant_id uuid primary key references tenants (id) on delete cascade,
    name text not null,
    max_running_runs integer not null default 2 check (max_running_runs between 1 and 100),
    event_retention_days integer not null default 90 check (event_retention_days between 1 and 3650),
    report_retention_days integer not null default 30 check (report_retention_days between 1 and 3650)
);

create table members (
    tenant_id uuid not null references tenants (id) on delete cascade,
    subject text not null,
    role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
    created_at timestamptz not null default now(),
    primary key (tenant_id, subject)
);

create table projects (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 200),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
);

create table api_tokens (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 200),
    secret_sha256 bytea not null check (length(secret_sha256) = 32),
    scopes text[] not null,
    project_id uuid,
    created_by text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);
create unique index api_tokens_secret on api_tokens (tenant_id, secret_sha256);
create index api_tokens_project on api_tokens (tenant_id, project_id) where project_id is not null;

create table audit_log (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    actor text not null,
    action text not null,
    target text not null,
    details jsonb not null default '{}',
    created_at timestamptz not null default now(),
    primary key (tenant_id, id)
);

create table idempotency_keys (
    tenant_id uuid not null references tenants (id) on delete cascade,
    key text not null check (length(key) between 1 and 255),
    request_sha256 bytea not null check (length(request_sha256) = 32),
    status integer,
    headers jsonb,
    body jsonb,
    created_at timestamptz not null default now(),
    primary key (tenant_id, key)
);
