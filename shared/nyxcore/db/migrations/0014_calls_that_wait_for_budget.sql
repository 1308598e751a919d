-- A call that finds its budget held by others waits until there is room for what it needs. `waits` counts the attempts
-- that it has lost to that: they made no call, and do not count as retries.

alter table run_step_calls
    add column waits smallint not null default 0,
    add column needs_usd numeric(18, 9),
    add column needs_tokens bigint;
