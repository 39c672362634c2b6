-- depends: 0002_runs 0004_usage
-- What a run has counted of its user's tokens from its start on, before it is known what it spends.

alter table runs add column if not exists reserved_tokens integer not null default 0;
