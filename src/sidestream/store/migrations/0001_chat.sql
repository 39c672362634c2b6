-- Conversations: threads, their items, attachments and feedback, and two views for SQL readers.
-- Every table carries user_id, and a policy lets the functions' role see its caller's rows alone.
-- The caller is app.user_id, set for one transaction; unset or empty, it matches nobody.
-- Items are json, not jsonb: jsonb would reorder keys and turn 1e16 into an integer.
-- Statements may be repeated: the runner notes a migration just after committing it.

do $$
begin
  if not exists (select from pg_roles where rolname = 'sidestream_app') then
    create role sidestream_app nologin;
  end if;
end
$$;

create table if not exists threads (
  id text primary key,
  user_id text not null check (user_id <> ''),
  created_at timestamptz not null,
  updated_at timestamptz not null default now(),
  data json not null,
  constraint threads_owner unique (id, user_id)
);

create index if not exists threads_by_activity on threads (user_id, updated_at desc, id desc);

create table if not exists thread_items (
  thread_id text not null,
  seq bigint generated always as identity,
  id text not null,
  user_id text not null,
  type text not null,
  created_at timestamptz not null,
  data json not null,
  primary key (thread_id, seq),
  constraint thread_items_id unique (thread_id, id),
  constraint thread_items_thread foreign key (thread_id, user_id)
    references threads (id, user_id) on delete cascade
);

create table if not exists attachments (
  id text primary key,
  user_id text not null check (user_id <> ''),
  thread_id text,
  created_at timestamptz not null default now(),
  data json not null,
  constraint attachments_thread foreign key (thread_id, user_id)
    references threads (id, user_id) on delete cascade
);

create index if not exists attachments_by_thread on attachments (thread_id, user_id);

create table if not exists feedback (
  thread_id text not null,
  item_id text not null,
  user_id text not null,
  kind text not null check (kind in ('positive', 'negative')),
  created_at timestamptz not null default now(),
  primary key (thread_id, item_id),
  constraint feedback_thread foreign key (thread_id, user_id)
    references threads (id, user_id) on delete cascade
);

alter table threads enable row level security;
alter table threads force row level security;
drop policy if exists threads_of_caller on threads;
create policy threads_of_caller on threads
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

alter table thread_items enable row level security;
alter table thread_items force row level security;
drop policy if exists thread_items_of_caller on thread_items;
create policy thread_items_of_caller on thread_items
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

alter table attachments enable row level security;
alter table attachments force row level security;
drop policy if exists attachments_of_caller on attachments;
create policy attachments_of_caller on attachments
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

alter table feedback enable row level security;
alter table feedback force row level security;
drop policy if exists feedback_of_caller on feedback;
create policy feedback_of_caller on feedback
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

create or replace view chat_sessions with (security_invoker = true) as
select
  id as session_id,
  user_id,
  data ->> 'title' as title,
  created_at,
  updated_at,
  coalesce((data -> 'metadata')::jsonb, '{}') as metadata
from threads;

create or replace view chat_messages with (security_invoker = true) as
select
  i.id as message_id,
  i.thread_id as session_id,
  i.user_id,
  (
    select coalesce(string_agg(part ->> 'text', e'\n' order by n), '')
    from json_array_elements(i.data -> 'content') with ordinality as parts (part, n)
  ) as content,
  case i.type when 'user_message' then 'user' else 'assistant' end as sender_type,
  case i.type when 'user_message' then i.user_id else 'assistant' end as sender_name,
  i.created_at as "timestamp",
  i.data::jsonb - '{id,thread_id,created_at,type,content}'::text[] as metadata
from thread_items as i
where i.type in ('user_message', 'assistant_message')
order by i.thread_id, i.seq;

grant select, insert, update, delete on threads, thread_items, attachments, feedback
  to sidestream_app;
grant select on chat_sessions, chat_messages to sidestream_app;
