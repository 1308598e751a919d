-- What is worked on, the runs, their events, and what they found and fixed.

create table repositories (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    project_id uuid not null,
    source text not null check (source in ('github', 'archive', 'path')),
    name text not null check (length(name) between 1 and 400),
    ref text,
    path text,
    archive_key text,
    archive_filename text,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade,
    check ((source = 'path') = (path is not null))
);
create index repositories_project on repositories (tenant_id, project_id, id);

create table files (
    tenant_id uuid not null references tenants (id) on delete cascade,
    repository_id uuid not null,
    path text collate "C" not null,
    sha256 bytea not null check (length(sha256) = 32),
    bytes bigint not null,
    language text not null,
    primary key (tenant_id, repository_id, path),
    foreign key (tenant_id, repository_id) references repositories (tenant_id, id) on delete cascade
);

create table runs (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    kind text not null check (kind in ('auto-fix', 'refactor', 'code-analysis', 'workflow')),
    project_id uuid not null,
    repository_id uuid,
    retry_of uuid,
    source jsonb not null default '{}',
    input jsonb,
    options jsonb not null default '{}',
    status text not null default 'queued'
        check (status in ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
    phase text,
    progress jsonb,
    counts jsonb not null default '{}',
    last_seq bigint not null default 0,
    deadline timestamptz,
    cost_tokens bigint not null default 0,
    cost_usd numeric(12, 6) not null default 0,
    error jsonb,
    result jsonb,
    created_by text not null,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade,
    foreign key (tenant_id, repository_id) references repositories (tenant_id, id) on delete cascade,
    foreign key (tenant_id, retry_of) references runs (tenant_id, id) on delete set null (retry_of),
    check ((status in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null))
);
create index runs_project on runs (tenant_id, project_id, id);
create index runs_repository on runs (tenant_id, repository_id, id);
create index runs_retry on runs (tenant_id, retry_of) where retry_of is not null;
create index runs_unfinished on runs (tenant_id, status, id) where finished_at is null;

create table run_events (
    tenant_id uuid not null references tenants (id) on delete cascade,
    run_id uuid not null,
    seq bigint not null check (seq > 0),
    type text not null check (type in ('status', 'phase', 'progress', 'findings', 'fixes', 'step', 'usage',
                                       'report', 'log', 'done')),
    data json not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, run_id, seq),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);

create table fixes (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    run_id uuid not null,
    position integer not null,
    file text not null,
    base_sha256 bytea not null check (length(base_sha256) = 32),
    edits jsonb not null,
    diff text not null,
    explanation text not null,
    safe boolean not null,
    needs uuid[] not null default '{}',
    evidence jsonb not null,
    pull_request jsonb,
    primary key (tenant_id, id),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);
create unique index fixes_run on fixes (tenant_id, run_id, position);

create table findings (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    run_id uuid not null,
    position integer not null,
    category text not null check (category in ('security', 'bug', 'performance', 'error-handling', 'code-smell')),
    severity text not null check (severity in ('critical', 'high', 'medium', 'low')),
    rule text not null,
    title text not null,
    message text not null,
    file text not null,
    start_line integer not null check (start_line > 0),
    end_line integer not null check (end_line >= start_line),
    source text not null,
    fingerprint text not null,
    state text not null check (state in ('open', 'fixed', 'no_fix', 'not_a_bug', 'failed')),
    reason text,
    -- the state in which the run left it: what a dismissal that is taken back returns to
    run_state text check (run_state in ('fixed', 'no_fix', 'not_a_bug', 'failed')),
    run_reason text,
    fix_id uuid,
    primary key (tenant_id, id),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade,
    foreign key (tenant_id, fix_id) references fixes (tenant_id, id)
);
create unique index findings_run on findings (tenant_id, run_id, position);
create index findings_fix on findings (tenant_id, fix_id) where fix_id is not null;

create table stream_tickets (
    tenant_id uuid not null references tenants (id) on delete cascade,
    secret_sha256 bytea not null check (length(secret_sha256) = 32),
    run_id uuid not null,
    token_id uuid,
    expires_at timestamptz not null,
    primary key (tenant_id, secret_sha256),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade,
    foreign key (tenant_id, token_id) references api_tokens (tenant_id, id) on delete cascade
);
create index stream_tickets_run on stream_tickets (tenant_id, run_id);
create index stream_tickets_token on stream_tickets (tenant_id, token_id);
create index stream_tickets_expiry on stream_tickets (tenant_id, expires_at);
