-- depends: 0002_runs
-- Keys past keeping are found without going through those of the day.

create index if not exists runs_keyed on runs (user_id, ended_at) where idempotency_key is not null;
