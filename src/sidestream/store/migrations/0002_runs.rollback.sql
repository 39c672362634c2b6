drop table if exists run_events;
drop table if exists runs;
