-- depends: 0005_tasks_indexes
-- A list and a search that do not grow with the tasks. Row-level security lets an index serve a condition only
-- when its operator is leakproof, which none that looks into text is, or when the condition is the
-- policy's own. So the index stands on a table whose policy has the condition: what is looked for
-- comes in app.search, set for one transaction as app.user_id is, and without it the policy is the
-- caller's alone. Statements may be repeated.

-- Added with what it is made of, so that existing rows get it too.
alter table tasks add column if not exists words text
  generated always as (lower(normalize(title || e'\n' || notes))) stored;

-- The pieces of up to three characters of a text: their code points side by side, as numbers that
-- belong to its owner. A piece has no space in it.
create or replace function task_grams(owner text, words text, shortest integer default 1)
returns bigint[] language sql immutable parallel safe as $$
  with seed as (
    select ('x' || encode(substr(sha256(convert_to(owner, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
      as owner
  ),
  signs as (
    select code as first, lead(code) over next as second, lead(code, 2) over next as third
    from (
      select case when sign !~ '\s' then ascii(sign)::bigint end as code, n
      from string_to_table(words, null) with ordinality as signs (sign, n)
    ) as codes
    window next as (order by n)
  )
  select coalesce(array_agg(distinct seed.owner # gram), '{}')
  from seed, signs, lateral (values
    (1, first), (2, (first << 21) | second), (3, (first << 42) | (second << 21) | third)
  ) as grams (size, gram)
  where gram is not null and size >= shortest
$$;

create table if not exists task_search (
  user_id text not null check (user_id <> ''),
  id text not null,
  grams bigint[] not null,
  primary key (user_id, id),
  constraint task_search_task foreign key (user_id, id)
    references tasks (user_id, id) on delete cascade
);

create index if not exists task_search_by_grams on task_search using gin (grams)
  with (fastupdate = off);

-- Pages of the open tasks alone, or of those that are done.
create index if not exists tasks_by_state on tasks (user_id, completed, id);

create or replace function task_searchable() returns trigger language plpgsql as $$
begin
  insert into task_search (user_id, id, grams)
  values (new.user_id, new.id, task_grams(new.user_id, new.words))
  on conflict (user_id, id) do update set grams = excluded.grams;
  return null;
end
$$;

create or replace trigger tasks_made_searchable after insert on tasks
  for each row execute function task_searchable();
create or replace trigger tasks_kept_searchable after update on tasks
  for each row when (old.words is distinct from new.words) execute function task_searchable();

-- The owner of the tables sees nothing of them while row-level security is forced.
alter table tasks no force row level security;
insert into task_search (user_id, id, grams)
  select user_id, id, task_grams(user_id, words) from tasks on conflict do nothing;
alter table tasks force row level security;

alter table task_search enable row level security;
alter table task_search force row level security;
drop policy if exists task_search_of_caller on task_search;
create policy task_search_of_caller on task_search
  using (
    user_id = (select nullif(current_setting('app.user_id', true), ''))
    and grams @> (select coalesce(nullif(current_setting('app.search', true), ''), '{}')::bigint[])
  )
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

grant select, insert, update, delete on task_search to sidestream_app;
