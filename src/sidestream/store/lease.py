"""Whether a run is alive: the one answer, which every statement about runs is built of.

A run is alive while it is `running` and its lease lasts. When the lease runs out its process is
taken for dead, and from that moment the run has failed for everybody: readers, the next run of the
thread, a repeated request, and its own process should it come back. Nothing brings it to life
again. Whoever meets it first settles it: writes down what has held since then, and what it left.
"""

from typing import Final, LiteralString

KEEP_S: Final = 24 * 3600.0
"""How long after its end a run's events and its idempotency key are kept."""

DIED: Final = {"code": "lease_expired"}
"""The `error` of a run that ended with its process."""

ALIVE: Final[LiteralString] = "(status = 'running' and lease_expires_at > now())"
DEAD: Final[LiteralString] = "(status = 'running' and lease_expires_at <= now())"
STATUS: Final[LiteralString] = f"(case when {DEAD} then 'failed' else status end)"
"""A run's status as of now."""

PAST_KEEPING: Final[LiteralString] = (
    f"(not {ALIVE} and coalesce(ended_at, lease_expires_at)"
    " < now() - make_interval(secs => %(keep_s)s))"
)
"""A run that ended longer than `keep_s` ago, however it ended."""

BURY: Final[LiteralString] = """
    status = %(status)s, ended_at = lease_expires_at, error = %(error)s
"""
"""What an update sets for a run that is dead."""

PERMIT: Final[LiteralString] = f"""
    with permit as (
      select from runs where user_id = %(user)s and id = %(run)s and {ALIVE} for share
    )
"""
"""What a write of a run begins with, to depend on `PERMITTED`: while it is under way, nobody can
settle the run."""

PERMITTED: Final[LiteralString] = "(%(run)s::text is null or exists (select from permit))"
"""Whether a write is of no run, or of one that is alive."""
