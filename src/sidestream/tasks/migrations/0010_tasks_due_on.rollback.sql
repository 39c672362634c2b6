-- A day stays what it is beside it: its noon in UTC, which is that day in almost every zone.
alter table tasks drop column if exists due_on;
