-- depends: 0007_runs_keys
-- Who ends a run forgets no keys any more; one that is past keeping goes when it is used again, or with its run.

drop index if exists runs_keyed;
