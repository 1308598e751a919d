-- no-transaction

create index concurrently runs_with_texts on runs (tenant_id, finished_at)
    where kind = 'workflow' and texts_removed_at is null;
