-- What was a moment before is that again. Another day stays what it is beside it: its noon in UTC,
-- which is that day in almost every zone.
alter table tasks no force row level security;
update tasks set due_at = due_was
where due_was is not null and due_at = (due_on + time '12:00') at time zone 'UTC';
alter table tasks force row level security;
alter table tasks drop column if exists due_was;
alter table tasks drop column if exists due_on;
