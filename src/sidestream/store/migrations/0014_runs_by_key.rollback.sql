create index if not exists runs_keyed on runs (user_id, ended_at) where idempotency_key is not null;
