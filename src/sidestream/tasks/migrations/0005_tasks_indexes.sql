-- depends: 0003_tasks
-- Pages come in the order of the ids, by the primary key. These two served no query.

drop index if exists tasks_by_age;
drop index if exists tasks_open;
