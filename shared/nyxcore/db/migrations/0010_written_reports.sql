-- A report whose prose a model writes is a run of its own; who spoke is kept with it.

-- destructive: the check comes back at once, wider
alter table runs drop constraint runs_kind_check;
alter table runs add constraint runs_kind_check
    check (kind in ('auto-fix', 'refactor', 'code-analysis', 'workflow', 'pdf', 'report'));

alter table reports add column persona text;
