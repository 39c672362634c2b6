"""Followers: the places of those who follow runs from the store, at most a few for each user.

Each follower may hold a process of its own, so they are counted where all processes see them. A
place that is not given back, because its process died, ends by itself.
"""

from typing import Final

import psycopg

from ..caller import Caller
from ..problems import RateLimited
from .codec import RowNotFound
from .database import Database, Statement
from .ids import new_id

# Those who come at the same moment are counted one after the other.
_IN_TURN: Final = "select pg_advisory_xact_lock(hashtextextended('followers ' || %(user)s, 0))"
_FORGET: Final = "delete from followers where user_id = %(user)s and expires_at <= now()"
_JOIN: Final = """
    insert into followers (id, run_id, user_id, expires_at)
    select %(id)s, %(run)s, %(user)s, now() + make_interval(secs => %(lease_s)s)
    where (select count(*) from followers where user_id = %(user)s and id <> %(id)s) < %(most)s
    on conflict (id) do update set expires_at = excluded.expires_at
    where followers.user_id = excluded.user_id
    returning id
"""
_WAIT: Final = """
    select extract(epoch from min(expires_at) - now())::float8 as wait_s
    from followers where user_id = %(user)s
"""
_LEAVE: Final = "delete from followers where user_id = %(user)s and id = %(id)s"


class Followers:
    """The places of each caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def join(self, caller: Caller, run_id: str, *, most: int, lease_s: float) -> str:
        """Take a place for `lease_s` seconds, and give its id.

        Raises `RateLimited` when the caller has `most` already, `RowNotFound` when the run is not
        there.
        """
        params = {
            "id": new_id("fol"),
            "user": caller.user_id,
            "run": run_id,
            "lease_s": lease_s,
            "most": most,
        }
        queries = (_IN_TURN, _FORGET, _JOIN, _WAIT)
        try:
            *_, joined, [soonest] = await self._database.run(
                caller.user_id, *(Statement(query, params) for query in queries), tag="follow_run"
            )
        except psycopg.errors.ForeignKeyViolation as error:
            raise RowNotFound from error
        if not joined:
            raise RateLimited(
                "Your answers are being followed in too many places at once.",
                retry_after_s=soonest["wait_s"],
            )
        return str(joined[0]["id"])

    async def leave(self, caller: Caller, follower_id: str) -> None:
        """Give a place back."""
        statement = Statement(_LEAVE, {"user": caller.user_id, "id": follower_id})
        await self._database.run(caller.user_id, statement, tag="unfollow_run")
