-- depends: 0008_tasks_search
-- A day on which a task is due is a day, and no moment. What there is keeps the day that people saw:
-- midnight in UTC was a day that a model named, and the last minute of a day, somewhere on earth,
-- one that was entered on the page. (Where two zones share a minute, it is that of the more people:
-- from ten hours behind UTC to almost fourteen ahead of it.) All else is a moment, and stays one. Which
-- it was cannot be told for sure, so the moment is kept in due_was, and a rollback brings it back.

alter table tasks add column if not exists due_on date;
alter table tasks add column if not exists due_was timestamptz;

-- The owner of the rows is nobody here.
alter table tasks no force row level security;

update tasks set due_on = (due_at at time zone 'UTC')::date
where due_on is null and (due_at at time zone 'UTC')::time = '00:00';

update tasks set due_on = (due_at at time zone 'UTC' - time '10:14')::date
where due_on is null
  and date_part('second', due_at at time zone 'UTC') = 0
  and (date_part('minute', due_at at time zone 'UTC') = 59
    or (due_at at time zone 'UTC')::time in ('02:29', '03:29', '09:29', '10:14', '11:14', '13:29',
      '14:29', '15:14', '17:29', '18:14', '18:29', '19:29', '20:29'));

update tasks set due_was = due_at, due_at = (due_on + time '12:00') at time zone 'UTC'
where due_on is not null and due_was is null;

alter table tasks force row level security;
