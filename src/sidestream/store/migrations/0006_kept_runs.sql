-- depends: 0002_runs
-- What a run that died is settled by: the language of who began it, and the number of the last
-- event that it had saved itself.

alter table runs add column if not exists locale text;
alter table runs add column if not exists kept_event integer;
