-- What stays: reports, and what the runs have taught.

create table reports (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    project_id uuid not null,
    run_id uuid not null,
    type text not null check (type in ('auto-fix', 'refactor', 'code-analysis', 'workflow')),
    style text not null check (style in ('executive', 'security', 'technical', 'marketing')),
    language text not null default 'en',
    version integer not null check (version > 0),
    title text not null,
    content text not null,
    content_sha256 bytea not null check (length(content_sha256) = 32),
    provider text,
    model text,
    tokens bigint not null default 0,
    usd numeric(12, 6) not null default 0,
    created_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade,
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);
create unique index reports_version on reports (tenant_id, run_id, style, language, version);
create index reports_project on reports (tenant_id, project_id, id);

create table workflow_insights (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    project_id uuid,
    run_id uuid,
    insight_type text not null
        check (insight_type in ('pain_point', 'strength', 'solution', 'pattern', 'decision')),
    severity text check (severity in ('critical', 'high', 'medium', 'low')),
    title text not null,
    detail text not null,
    embedding vector(1536),
    embedding_model text,
    search tsvector generated always as (to_tsvector('simple', title || ' ' || detail)) stored,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade,
    -- what a run has taught outlives the run
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete set null (run_id),
    check ((embedding is null) = (embedding_model is null))
);
create index workflow_insights_project on workflow_insights (tenant_id, project_id);
create index workflow_insights_run on workflow_insights (tenant_id, run_id);
-- No GIN index on `search`: `@@` is not leakproof, so under row-level security the planner tests the policy first
-- and never takes such an index (EXPLAIN shows it). The tenant's rows are found by their key.
create index workflow_insights_embedding on workflow_insights using hnsw (embedding vector_cosine_ops);
