-- How many attempts of a call found its budget held by others, and made no call: they do not count as retries.

alter table run_step_calls add column waits smallint not null default 0;
