alter table tickets drop column if exists close_reason;
