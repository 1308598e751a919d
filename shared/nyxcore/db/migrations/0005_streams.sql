-- Open streams, their tickets, and the clock of runs that wait.

-- A place for each open stream: limits that hold across processes. A killed process's place expires by itself.

create table stream_leases (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    run_id uuid not null,
    expires_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);
create index stream_leases_run on stream_leases (tenant_id, run_id);
alter table stream_leases enable row level security;
alter table stream_leases force row level security;
create policy tenant_isolation on stream_leases
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
grant select, insert, update, delete on stream_leases to nyx_app;

-- A waiting run's clock stands still: what was left until its deadline is kept, and set anew at the return.
alter table runs
    add column time_left interval,
    add constraint runs_waiting check ((status = 'waiting') = (time_left is not null));

-- A ticket that a member asked for goes with the member, as one that a token asked for goes with the token.
alter table stream_tickets
    add column subject text,
    add foreign key (tenant_id, subject) references members (tenant_id, subject) on delete cascade;
create index stream_tickets_subject on stream_tickets (tenant_id, subject) where subject is not null;
