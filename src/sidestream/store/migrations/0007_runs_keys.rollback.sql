drop index if exists runs_keyed;
