-- depends: 0005_tasks_indexes
-- Pages of the open tasks alone, or of those that are done. What searches stand on came with it once, in
-- another form; that is `0011_tasks_pieces` now, which takes the earlier form away.

create index if not exists tasks_by_state on tasks (user_id, completed, id);
