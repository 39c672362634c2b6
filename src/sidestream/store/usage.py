"""Usage: what a user has spent in this minute and today, against what they may.

A run is counted by the statement that opens it (`run_starts`). What costs as much and opens no run
is counted by itself, in the same rows, so that there is no way round the limits.
"""

from typing import Any, Final

from ..caller import Caller
from ..problems import RateLimited
from .database import Database, Statement

_RETRY_AFTER_S: Final = 1.0

COUNT: Final = """
    counted as (
      insert into usage_minutes (user_id, minute, requests)
      select %(user)s, date_trunc('minute', now()), 1 from checked
      where coalesce(%(requests_per_minute)s::int > 0, true) and coalesce(
        (select tokens from usage_days
         where user_id = %(user)s and day = (now() at time zone 'UTC')::date
        ) < %(tokens_per_day)s::bigint, coalesce(%(tokens_per_day)s::bigint > 0, true))
      on conflict (user_id, minute) do update set requests = usage_minutes.requests + 1
      where coalesce(usage_minutes.requests < %(requests_per_minute)s::int, true)
      returning user_id
    )
"""
"""Counts a request for each row of `checked`; `counted` is empty when a limit is reached."""

LIMITS: Final = """
    select
      (select tokens from usage_days
       where user_id = %(user)s and day = (now() at time zone 'UTC')::date) as tokens,
      coalesce((select requests from usage_minutes
       where user_id = %(user)s and minute = date_trunc('minute', now())), 0) as requests,
      extract(epoch from date_trunc('day', now(), 'UTC') + interval '1 day' - now())::float8
        as day_left_s,
      extract(epoch from date_trunc('minute', now()) + interval '1 minute' - now())::float8
        as minute_left_s
"""
_UNCHECKED: Final = "with checked as (select 1),"
_COUNTED: Final = "select true as counted from counted"
_COUNT_ALONE: Final = _UNCHECKED + COUNT + _COUNTED


async def count_request(
    database: Database,
    caller: Caller,
    *,
    requests_per_minute: int | None,
    tokens_per_day: int | None,
) -> None:
    """Count a request that opens no run, in one round trip. A limit of None is no limit.

    Raises `RateLimited`, with nothing counted. A lost connection may count it twice.
    """
    params = {
        "user": caller.user_id,
        "requests_per_minute": requests_per_minute,
        "tokens_per_day": tokens_per_day,
    }
    counted, [limits] = await database.run(
        caller.user_id,
        Statement(_COUNT_ALONE, params),
        Statement(LIMITS, params),
        tag="count_request",
    )
    if not counted:
        raise over_limit(limits, requests_per_minute, tokens_per_day)


def over_limit(
    limits: dict[str, Any], requests_per_minute: int | None, tokens_per_day: int | None
) -> RateLimited:
    """Tell which limit refused a request, by the row of `LIMITS`, and when to come again.

    What is over by now is told as if it still held.
    """
    if tokens_per_day is not None and (limits["tokens"] or 0) >= tokens_per_day:
        return RateLimited("Today's limit is reached.", retry_after_s=limits["day_left_s"])
    over = limits["requests"] >= (requests_per_minute or 0)
    return RateLimited(retry_after_s=limits["minute_left_s"] if over else _RETRY_AFTER_S)
