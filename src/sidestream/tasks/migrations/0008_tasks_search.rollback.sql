drop index if exists tasks_by_state;
drop trigger if exists tasks_kept_searchable on tasks;
drop trigger if exists tasks_made_searchable on tasks;
drop function if exists task_searchable();
drop table if exists task_search;
drop function if exists task_grams(text, text, integer);
alter table tasks drop column if exists words;
