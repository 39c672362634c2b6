drop table if exists usage_days;
drop table if exists usage_minutes;
