-- depends: 0001_chat
-- The tickets. A write repeated with the same idempotency_key makes one ticket; request_hash tells a
-- repetition from another request under a used key.

create table if not exists tickets (
  user_id text not null check (user_id <> ''),
  id text not null,
  subject text not null,
  body text not null default '',
  status text not null default 'open' check (status in ('open', 'pending', 'closed')),
  priority text not null default 'normal' check (priority in ('low', 'normal', 'high')),
  assignee text not null default '',
  customer_email text not null default '',
  idempotency_key text,
  request_hash bytea not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (user_id, id),
  constraint tickets_idempotency_key unique (user_id, idempotency_key)
);

alter table tickets enable row level security;
alter table tickets force row level security;
drop policy if exists tickets_of_caller on tickets;
create policy tickets_of_caller on tickets
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

grant select, insert, update, delete on tickets to sidestream_app;
