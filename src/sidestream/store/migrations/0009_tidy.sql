-- depends: 0002_runs 0004_usage
-- What is deleted goes whole, and what is past keeping goes at all.
-- The functions' role sees one user's rows at a time, so what is past keeping is taken away by
-- functions that run as the tables' owner. They are narrow: they remove what no caller can miss,
-- keep a day of it whatever they are told, and give no more than a job needs to go on. Their owner
-- is bound by row-level security too: a policy lets it through, and nobody else, where one of them
-- has said so.
-- Rows that somebody else holds are left for the next time, so two at once do not meet.

-- The owner has to see the rows of both: where it is bound, it sees none.
alter table feedback no force row level security;
alter table thread_items no force row level security;
delete from feedback as f where not exists (
  select from thread_items as i where i.thread_id = f.thread_id and i.id = f.item_id);
alter table thread_items force row level security;
alter table feedback force row level security;
alter table feedback drop constraint if exists feedback_item;
alter table feedback add constraint feedback_item foreign key (thread_id, item_id)
  references thread_items (thread_id, id) on delete cascade;

create index if not exists runs_by_end on runs (ended_at) where status <> 'running';
create index if not exists run_events_by_time on run_events (created_at);
create index if not exists attachments_unsent on attachments (created_at) where thread_id is null;

drop policy if exists runs_tidied on runs;
create policy runs_tidied on runs to current_user
  using (current_setting('app.tidying', true) = 'on');
drop policy if exists run_events_tidied on run_events;
create policy run_events_tidied on run_events to current_user
  using (current_setting('app.tidying', true) = 'on');
drop policy if exists attachments_tidied on attachments;
create policy attachments_tidied on attachments to current_user
  using (current_setting('app.tidying', true) = 'on');
drop policy if exists usage_minutes_tidied on usage_minutes;
create policy usage_minutes_tidied on usage_minutes to current_user
  using (current_setting('app.tidying', true) = 'on');
drop policy if exists usage_days_tidied on usage_days;
create policy usage_days_tidied on usage_days to current_user
  using (current_setting('app.tidying', true) = 'on');

-- Events of runs that ended longer ago than events_s, then the runs that ended longer ago than
-- runs_s, with what was spent as long ago. A run that died and is not settled stays, whole.
create or replace function tidy_runs(events_s double precision, runs_s double precision, most integer)
returns table (run_events bigint, runs bigint, usage bigint)
language plpgsql security definer
set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
  perform set_config('app.tidying', 'on', true);
  return query
    with past as (
      select now() - make_interval(secs => greatest(events_s, 86400)) as events,
        now() - make_interval(secs => greatest(runs_s, 86400)) as runs
    ),
    old_events as (
      select e.run_id, e.first_event from run_events as e, past
      where e.created_at < past.events and exists (
        select from runs as r where r.id = e.run_id and r.status <> 'running' and r.ended_at < past.events)
      limit most for update of e skip locked
    ),
    gone_events as (
      delete from run_events as e using old_events as old
      where e.run_id = old.run_id and e.first_event = old.first_event returning 1
    ),
    old_runs as (
      select r.id from runs as r, past where r.status <> 'running' and r.ended_at < past.runs
        and not exists (select from run_events as e where e.run_id = r.id)
      limit most for update of r skip locked
    ),
    gone_runs as (
      delete from runs as r using old_runs as old where r.id = old.id returning 1
    ),
    old_minutes as (
      select m.user_id, m.minute from usage_minutes as m where m.minute < now() - interval '1 hour'
      limit most for update skip locked
    ),
    gone_minutes as (
      delete from usage_minutes as m using old_minutes as old
      where m.user_id = old.user_id and m.minute = old.minute returning 1
    ),
    old_days as (
      select d.user_id, d.day from usage_days as d, past where d.day < past.runs::date
      limit most for update of d skip locked
    ),
    gone_days as (
      delete from usage_days as d using old_days as old
      where d.user_id = old.user_id and d.day = old.day returning 1
    )
    select (select count(*) from gone_events), (select count(*) from gone_runs),
      (select count(*) from gone_minutes) + (select count(*) from gone_days);
end
$$;

-- Attachments that no message took within files_s. Gives the keys of their files.
create or replace function tidy_attachments(files_s double precision, most integer)
returns setof text
language plpgsql security definer
set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
  perform set_config('app.tidying', 'on', true);
  return query
    with old as (
      select a.id from attachments as a
      where a.thread_id is null
        and a.created_at < now() - make_interval(secs => greatest(files_s, 86400))
      limit most for update skip locked
    )
    delete from attachments as a using old where a.id = old.id
    returning a.data -> 'metadata' ->> 'key';
end
$$;

-- Those of some attachments' ids that are there: the files of the others are nobody's.
create or replace function tidy_known_attachments(ids text[])
returns setof text
language plpgsql security definer
set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
  perform set_config('app.tidying', 'on', true);
  return query
    select a.id from attachments as a where a.id = any(ids);
end
$$;

-- Runs that died and that nobody has settled since.
create or replace function tidy_dead_runs(most integer)
returns table (user_id text, run_id text)
language plpgsql security definer
set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
  perform set_config('app.tidying', 'on', true);
  return query
    select r.user_id, r.id from runs as r
    where r.status = 'running' and r.lease_expires_at < now() - interval '1 minute'
    order by r.lease_expires_at limit most;
end
$$;

-- How much there is, up to a number, that should have gone.
create or replace function tidy_left(
  events_s double precision, runs_s double precision, files_s double precision, most integer
) returns setof bigint
language plpgsql security definer
set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
  perform set_config('app.tidying', 'on', true);
  return query
    select count(*) from (
      select from run_events as e where e.created_at < now() - make_interval(secs => events_s)
        and exists (select from runs as r where r.id = e.run_id and r.status <> 'running'
          and r.ended_at < now() - make_interval(secs => events_s))
      union all
      select from runs as r
      where r.status <> 'running' and r.ended_at < now() - make_interval(secs => runs_s)
      union all
      select from attachments as a
      where a.thread_id is null and a.created_at < now() - make_interval(secs => files_s)
      limit most
    ) as left_over;
end
$$;

revoke all on function tidy_runs(double precision, double precision, integer),
  tidy_attachments(double precision, integer), tidy_known_attachments(text[]),
  tidy_dead_runs(integer),
  tidy_left(double precision, double precision, double precision, integer) from public;
grant execute on function tidy_runs(double precision, double precision, integer),
  tidy_attachments(double precision, integer), tidy_known_attachments(text[]),
  tidy_dead_runs(integer),
  tidy_left(double precision, double precision, double precision, integer) to sidestream_app;
