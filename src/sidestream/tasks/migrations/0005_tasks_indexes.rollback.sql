create index if not exists tasks_by_age on tasks (user_id, created_at desc, id desc);
create index if not exists tasks_open on tasks (user_id, created_at desc, id desc)
  where not completed;
