-- depends: 0001_chat
-- Runs: one row per turn with a lease, and what it streamed, for replay.
-- The partial unique index is the rule "one run per thread at a time".

create table if not exists runs (
  id text primary key,
  thread_id text not null,
  user_id text not null,
  status text not null default 'running'
    check (status in ('running', 'completed', 'stopped', 'failed')),
  idempotency_key text,
  request_hash bytea,
  user_item_id text,
  stop_requested_at timestamptz,
  lease_expires_at timestamptz not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  error json,
  input_tokens integer,
  output_tokens integer,
  ttft_ms double precision,
  constraint runs_owner unique (id, user_id),
  constraint runs_idempotency_key unique (user_id, idempotency_key),
  constraint runs_thread foreign key (thread_id, user_id)
    references threads (id, user_id) on delete cascade
);

create unique index if not exists runs_one_per_thread on runs (thread_id) where status = 'running';
create index if not exists runs_by_thread on runs (thread_id, started_at desc);

create table if not exists run_events (
  run_id text not null,
  user_id text not null,
  first_event integer not null check (first_event > 0),
  last_event integer not null,
  frames text[] not null,
  created_at timestamptz not null default now(),
  primary key (run_id, first_event),
  constraint run_events_numbers check (last_event - first_event + 1 = cardinality(frames)),
  constraint run_events_run foreign key (run_id, user_id)
    references runs (id, user_id) on delete cascade
);

create index if not exists run_events_by_age on run_events (user_id, created_at);

alter table runs enable row level security;
alter table runs force row level security;
drop policy if exists runs_of_caller on runs;
create policy runs_of_caller on runs
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

alter table run_events enable row level security;
alter table run_events force row level security;
drop policy if exists run_events_of_caller on run_events;
create policy run_events_of_caller on run_events
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

grant select, insert, update, delete on runs, run_events to sidestream_app;
