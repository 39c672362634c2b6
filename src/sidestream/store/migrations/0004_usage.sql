-- depends: 0001_chat
-- What each user spent: requests by minute and tokens by day, both in UTC.

create table if not exists usage_minutes (
  user_id text not null check (user_id <> ''),
  minute timestamptz not null,
  requests integer not null,
  primary key (user_id, minute)
);

create table if not exists usage_days (
  user_id text not null check (user_id <> ''),
  day date not null,
  tokens bigint not null,
  primary key (user_id, day)
);

alter table usage_minutes enable row level security;
alter table usage_minutes force row level security;
drop policy if exists usage_minutes_of_caller on usage_minutes;
create policy usage_minutes_of_caller on usage_minutes
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

alter table usage_days enable row level security;
alter table usage_days force row level security;
drop policy if exists usage_days_of_caller on usage_days;
create policy usage_days_of_caller on usage_days
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

grant select, insert, update, delete on usage_minutes, usage_days to sidestream_app;
