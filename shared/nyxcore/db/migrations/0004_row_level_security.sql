-- Row-level security on every table that belongs to a tenant: enabled, forced on the owner too, and closed
-- when no tenant is set. `tenants` itself holds nothing but ids and is readable by every function.

do $$
declare
    name text;
begin
    foreach name in array array[
        'tenant_settings', 'members', 'projects', 'api_tokens', 'audit_log', 'idempotency_keys',
        'repositories', 'files', 'runs', 'run_events', 'fixes', 'findings', 'stream_tickets',
        'reports', 'workflow_insights'
    ] loop
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

-- What happened is appended, never rewritten; retention deletes events.
revoke update, delete on audit_log from nyx_app;
revoke update on run_events from nyx_app;

grant select on tenants, schema_migrations to nyx_app;
grant usage on schema public to nyx_app;
