create table cities (
  user_id text not null,
  id text not null,
  name text not null,
  primary key (user_id, id)
);

alter table cities enable row level security;
alter table cities force row level security;
