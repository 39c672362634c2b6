drop index if exists tasks_by_state;
