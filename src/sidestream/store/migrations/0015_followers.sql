-- depends: 0002_runs
-- Who follows runs from the store, so that one user takes no more than a few places. A place ends by
-- itself, and goes with its run.

create table if not exists followers (
  id text primary key,
  run_id text not null,
  user_id text not null,
  expires_at timestamptz not null,
  constraint followers_run foreign key (run_id, user_id)
    references runs (id, user_id) on delete cascade
);

create index if not exists followers_by_user on followers (user_id);
create index if not exists followers_by_run on followers (run_id);

alter table followers enable row level security;
alter table followers force row level security;
drop policy if exists followers_of_caller on followers;
create policy followers_of_caller on followers
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

grant select, insert, update, delete on followers to sidestream_app;
