alter table runs drop column if exists kept_event;
alter table runs drop column if exists locale;
