-- A PDF is a run: it may take long, be watched and be cancelled. One of Markdown that somebody sent has no project.

-- destructive: the two checks come back at once, wider
alter table runs drop constraint runs_kind_check;
alter table runs add constraint runs_kind_check
    check (kind in ('auto-fix', 'refactor', 'code-analysis', 'workflow', 'pdf'));
alter table runs alter column project_id drop not null;
alter table runs add constraint runs_project_check check (project_id is not null or kind = 'pdf');

-- two requests for the same PDF share one run
create index runs_unfinished_pdf on runs (tenant_id, (input ->> 'target')) where finished_at is null and kind = 'pdf';
