alter table runs drop column if exists reserved_tokens;
