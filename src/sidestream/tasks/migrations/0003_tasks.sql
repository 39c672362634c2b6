-- depends: 0001_chat
-- The task list. A write repeated with the same idempotency_key makes one task; request_hash tells a
-- repetition from another request under a used key.

create table if not exists tasks (
  user_id text not null check (user_id <> ''),
  id text not null,
  title text not null,
  notes text not null default '',
  completed boolean not null default false,
  due_at timestamptz,
  idempotency_key text,
  request_hash bytea,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (user_id, id),
  constraint tasks_idempotency_key unique (user_id, idempotency_key)
);

create index if not exists tasks_by_age on tasks (user_id, created_at desc, id desc);
create index if not exists tasks_open on tasks (user_id, created_at desc, id desc)
  where not completed;

alter table tasks enable row level security;
alter table tasks force row level security;
drop policy if exists tasks_of_caller on tasks;
create policy tasks_of_caller on tasks
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

grant select, insert, update, delete on tasks to sidestream_app;
