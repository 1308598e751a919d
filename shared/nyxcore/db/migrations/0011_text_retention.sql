-- Prompts and outputs of workflows go when their time is over; the steps stay, with their tokens and cost.

alter table tenant_settings add column text_retention_days integer not null default 365
    check (text_retention_days between 1 and 3650);
alter table runs add column texts_removed_at timestamptz;
