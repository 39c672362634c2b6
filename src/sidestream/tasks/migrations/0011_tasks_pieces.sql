-- depends: 0010_tasks_due_on
-- transactional: false
-- A search whose work does not grow with the tasks, newest first (decision 0007). Each step stands by itself, and all of
-- them may be repeated: what there is gets filled in by twenty tasks at a time, and nobody waits for it longer.

-- What is searched: the title and the first 2,000 characters of the notes.
create or replace function task_words(title text, notes text) returns text
language sql immutable parallel safe as $$
  select lower(normalize(title || e'\n' || left(notes, 2000)))
$$;

-- The words of a text, once each. Only what no query can have in it divides them.
create or replace function task_tokens(words text) returns setof text
language sql immutable parallel safe as $$
  select distinct token from unnest(string_to_array(translate(words, e'\n\r\t', '   '), ' ')) as token
  where token <> ''
$$;

-- The pieces of a text, of 1, 2, 3, 4 and 6 characters, as numbers that belong to one block.
create or replace function task_pieces_of(words text, block bigint) returns bigint[]
language sql immutable parallel safe as $$
  select coalesce(array_agg(block << 32 | (hashtext(piece collate "C")::bigint & 4294967295)), '{}')
  from (
    select distinct left(longest, size) as piece
    from (
      select distinct substr(token, n, 6) as longest
      from task_tokens(words) as token, generate_series(1, length(token)) as n
    ) as pieces, unnest('{1,2,3,4,6}'::integer[]) as size
    where length(longest) >= size
  ) as pieces
$$;

-- Those that a text must have which has a word: the longest, and of a very long word not all.
create or replace function task_pieces_for(word text, block bigint) returns bigint[]
language sql immutable parallel safe as $$
  select coalesce(array_agg(distinct
    block << 32 | (hashtext(substr(token, n, size) collate "C")::bigint & 4294967295)), '{}')
  from task_tokens(word) as token,
    lateral (select case when length(token) > 5 then 6 else least(length(token), 4) end as size) as sizes,
    generate_series(1, length(token) - size + 1) as n
  where n <= 24 or n % size = 1 or n = length(token) - size + 1
$$;

-- A person's tasks stand in blocks, by their ids: from the first one to that of the next block. Pieces are those of a
-- block, so that an index gives the tasks of one block, and the newest block comes first.
create table if not exists task_blocks (
  user_id text not null check (user_id <> ''),
  first_id text not null,
  number bigint not null generated always as identity (maxvalue 2147483647),
  size integer not null,
  primary key (user_id, first_id)
);

create table if not exists task_pieces (
  user_id text not null check (user_id <> ''),
  id text not null,
  completed boolean not null,
  words text not null,
  pieces bigint[] not null,
  primary key (user_id, id),
  constraint task_pieces_task foreign key (user_id, id)
    references tasks (user_id, id) on delete cascade
) with (fillfactor = 70, toast_tuple_target = 128);
-- Apart from the row, and as they are: numbers of this kind do not get shorter.
alter table task_pieces alter column pieces set storage external;

create index if not exists task_pieces_by_piece on task_pieces using gin (pieces)
  with (fastupdate = off);

alter table task_blocks enable row level security;
drop policy if exists task_blocks_of_caller on task_blocks;
create policy task_blocks_of_caller on task_blocks
  using (user_id = (select nullif(current_setting('app.user_id', true), '')))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

-- What is looked for comes in app.search, set for one transaction as app.user_id is. Row-level security lets an index
-- serve a condition only when its operator is leakproof, which none that looks into arrays is, or when the condition is
-- the policy's own. The empty text keeps the planner from going through a person's tasks by the primary key.
alter table task_pieces enable row level security;
drop policy if exists task_pieces_of_caller on task_pieces;
create policy task_pieces_of_caller on task_pieces
  using (
    user_id || '' = (select nullif(current_setting('app.user_id', true), ''))
    and pieces @> (select coalesce(nullif(current_setting('app.search', true), ''), '{}')::bigint[])
  )
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')));

grant select, insert, update, delete on task_blocks, task_pieces to sidestream_app;

-- The block of a new task. One of a person's tasks at a time is given one: a block that is full is followed by another
-- only after the newest task, and no task may come between.
create or replace function task_block(owner text, task text) returns bigint language plpgsql as $$
declare
  block task_blocks;
begin
  perform pg_advisory_xact_lock(hashtextextended(owner, 11));
  select * into block from task_blocks where user_id = owner and first_id <= task
    order by first_id desc limit 1;
  if not found then
    insert into task_blocks (user_id, first_id, size) values (owner, '', 1)
      returning number into block.number;
    return block.number;
  end if;
  if block.size < 512 or exists (
    select from task_pieces where user_id = owner and id > task) then
    update task_blocks set size = size + 1 where user_id = owner and first_id = block.first_id;
    return block.number;
  end if;
  -- Blocks whose tasks have all been deleted go.
  delete from task_blocks as each using (
    select first_id as from_id, lead(first_id, 1, task) over (order by first_id) as to_id
    from task_blocks where user_id = owner
  ) as spans
  where each.user_id = owner and each.first_id = from_id and not exists (
    select from tasks where user_id = owner and id >= from_id and id < to_id);
  insert into task_blocks (user_id, first_id, size) values (owner, task, 1)
    returning number into block.number;
  return block.number;
end
$$;

create or replace function task_searchable_anew() returns trigger language plpgsql as $$
declare
  block bigint;
  words constant text := task_words(new.title, new.notes);
begin
  if tg_op = 'UPDATE' then
    select number into block from task_blocks where user_id = new.user_id and first_id <= new.id
      order by first_id desc limit 1;
  else
    block := task_block(new.user_id, new.id);
  end if;
  insert into task_pieces (user_id, id, completed, words, pieces)
  values (new.user_id, new.id, new.completed, words, task_pieces_of(words, block))
  on conflict (user_id, id) do update set words = excluded.words, pieces = excluded.pieces;
  return null;
end
$$;

create or replace function task_state_changed() returns trigger language plpgsql as $$
begin
  update task_pieces set completed = new.completed where user_id = new.user_id and id = new.id;
  return null;
end
$$;

-- The ids of a person's tasks that have all of some words, newest first. The patterns are those of the words.
create or replace function search_tasks(
  owner text, asked text[], patterns text[], done boolean, after text, most integer
) returns setof text language plpgsql
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  block record;
  needed bigint[];
  given integer;
begin
  patterns := (select array_agg(lower(pattern)) from unnest(patterns) as pattern);
  needed := (
    select array_agg(distinct piece)
    from (select lower(word) as word from unnest(asked) as word limit 8) as few,
      unnest(task_pieces_for(word, 0)) as piece);
  for block in
    select number, first_id, next_id from (
      select number, first_id, lead(first_id) over (order by first_id) as next_id
      from task_blocks where user_id = owner
    ) as blocks
    where needed is not null and (after is null or first_id < after)
      and (done is null or exists (
        select from tasks where user_id = owner and completed = done and id >= first_id
          and (next_id is null or id < next_id)))
    order by first_id desc
  loop
    perform set_config('app.search',
      (select array_agg(block.number << 32 | piece) from unnest(needed) as piece)::text, true);
    return query
      select found.id
      from (
        -- The words are read one task after the other, until the page is full.
        select candidates.id, candidates.words
        from (
          select p.id, p.completed, p.words from task_pieces as p
          where p.user_id || '' = owner offset 0
        ) as candidates
        where (done is null or candidates.completed = done)
          and (after is null or candidates.id < after)
          and candidates.id >= block.first_id
          and (block.next_id is null or candidates.id < block.next_id)
        order by candidates.id desc offset 0
      ) as found
      where found.words like all (patterns)
      order by found.id desc limit most;
    get diagnostics given = row_count;
    most := most - given;
    exit when most <= 0;
  end loop;
  perform set_config('app.search', '', true);
end
$$;

-- What there is. The owner of the tables sees nothing of them while row-level security is forced.
alter table tasks no force row level security;
alter table task_blocks no force row level security;
alter table task_pieces no force row level security;

do $$
begin
  -- Nobody adds a task between the one and the other. It takes as long as counting the tasks does.
  lock table tasks in share row exclusive mode;
  insert into task_blocks (user_id, first_id, size)
    select user_id, case n when 0 then '' else id end, least(512, total - n)
    from (
      select user_id, id, row_number() over each - 1 as n,
        count(*) over (partition by user_id) as total
      from tasks window each as (partition by user_id order by id)
    ) as numbered
    where n % 512 = 0 and not exists (
      select from task_blocks as b where b.user_id = numbered.user_id)
    on conflict do nothing;
  create or replace trigger tasks_made_pieces after insert on tasks
    for each row execute function task_searchable_anew();
  create or replace trigger tasks_kept_pieces after update on tasks
    for each row when (
      old.title is distinct from new.title
      or left(old.notes, 2000) is distinct from left(new.notes, 2000))
    execute function task_searchable_anew();
  create or replace trigger tasks_kept_state after update on tasks
    for each row when (old.completed is distinct from new.completed)
    execute function task_state_changed();
end
$$;

do $$
declare
  past record;
  last record;
begin
  select '' as user_id, '' as id into last;
  loop
    with more as materialized (
      select t.user_id, t.id, t.completed, task_words(t.title, t.notes) as words from tasks as t
      where (t.user_id, t.id) > (last.user_id, last.id)
      order by t.user_id, t.id limit 20 for no key update
    ),
    made as (
      insert into task_pieces (user_id, id, completed, words, pieces)
      select m.user_id, m.id, m.completed, m.words, task_pieces_of(m.words, (
        select b.number from task_blocks as b where b.user_id = m.user_id and b.first_id <= m.id
        order by b.first_id desc limit 1))
      from more as m
      where not exists (
        select from task_pieces as p where p.user_id = m.user_id and p.id = m.id)
      on conflict do nothing
    )
    select m.user_id, m.id into past from more as m order by m.user_id desc, m.id desc limit 1;
    exit when not found;
    last := past;
    commit;
  end loop;
end
$$;

alter table task_pieces force row level security;
alter table task_blocks force row level security;
alter table tasks force row level security;

-- The form that it had at first.
drop trigger if exists tasks_kept_searchable on tasks;
drop trigger if exists tasks_made_searchable on tasks;
drop function if exists task_searchable();
drop table if exists task_search;
drop function if exists task_grams(text, text, integer);
alter table tasks drop column if exists words;
