"""The start of a run, in one round trip: everything the model call has to wait for.

`RunStarts.begin` checks thread and limits, saves the user's message, opens the run and loads the
last items. It is one transaction, and within it one statement makes
every write depend on the check before it, so a refused run leaves nothing behind.

    caller's and active, files there? -> counted, within limits? -> tokens reserved -> thread
    -> run -> items

What may not be twice is an index: one running run per thread, one run per idempotency key. Only
when the run is refused does a second round trip find out why.
"""

from typing import Any, Final, LiteralString

import psycopg

from ..caller import Caller
from ..problems import (
    AlreadyAnswered,
    KeyInProgress,
    KeyReused,
    Problem,
    RunInProgress,
    ThreadLocked,
)
from . import codec
from .codec import RowNotFound
from .database import Database, Rows, Statement
from .lease import DEAD, KEEP_S, PAST_KEEPING, STATUS
from .run_start import BegunRun, Replay, RunStart, Unsettled
from .sizes import SIZES, Sizes, within_bytes
from .usage import COUNT, LIMITS, over_limit

_RETRY_AFTER_S: Final = 1.0

_FORGET_KEY: Final[LiteralString] = f"""
    update runs set idempotency_key = null, request_hash = null
    where user_id = %(user)s and idempotency_key = %(key)s and {PAST_KEEPING}
"""  # noqa: S608
# Locked, so that none of them is tidied away before the message has it.
_FILES: Final = """
    files as (
      select from attachments
      where user_id = %(user)s and id = any(%(attachments)s::text[])
        and (thread_id is null or thread_id = %(thread)s)
      for no key update
    )
"""
_KNOWN_THREAD: Final[LiteralString] = f"""
    with {_FILES},
    checked as (
      select id from threads
      where user_id = %(user)s and id = %(thread)s and data -> 'status' ->> 'type' = 'active'
        and (%(pending)s::text is null or exists (
          select from thread_items
          where user_id = %(user)s and thread_id = %(thread)s and id = %(pending)s
            and data ->> 'status' = 'pending'))
        and (%(until)s::text is null or exists (
          select from thread_items
          where user_id = %(user)s and thread_id = %(thread)s and id = %(until)s))
        and (select count(*) from files) = cardinality(%(attachments)s::text[])
    ),
"""  # noqa: S608
_NEW_THREAD: Final[LiteralString] = f"""
    with {_FILES},
    checked as (
      select %(thread)s::text as id
      where (select count(*) from files) = cardinality(%(attachments)s::text[])
    ),
"""  # noqa: S608
# Depends on the row as it is now, not as the statement first saw it: runs that begin at once come
# one after the other. One that is refused only here has counted as a request.
_RESERVE: Final = """
    reserved as (
      insert into usage_days (user_id, day, tokens)
      select user_id, (now() at time zone 'UTC')::date, %(reserved)s from counted
      on conflict (user_id, day) do update set tokens = usage_days.tokens + excluded.tokens
      where coalesce(usage_days.tokens < %(tokens_per_day)s::bigint, true)
      returning user_id
    ),
"""
_TOUCH: Final = """
    thread as (
      update threads set updated_at = now() from reserved
      where threads.user_id = reserved.user_id and threads.id = %(thread)s
      returning threads.id, threads.user_id
    ),
"""
_MAKE: Final = """
    thread as (
      insert into threads (id, user_id, created_at, data)
      select %(thread)s, user_id, %(thread_created_at)s, %(thread_data)s::json from reserved
      returning id, user_id
    ),
"""
_OPEN_RUN: Final = """
    run as (
      insert into runs (id, thread_id, user_id, idempotency_key, request_hash, user_item_id,
                        locale, reserved_tokens, lease_expires_at)
      select %(run)s, id, user_id, %(key)s, %(hash)s, %(user_item)s,
             %(locale)s, %(reserved)s, now() + make_interval(secs => %(lease_s)s)
      from thread
      returning thread_id, user_id
    ),
    saved as (
      insert into thread_items (thread_id, id, user_id, type, created_at, data)
      select run.thread_id, item.id, run.user_id, item.type, item.created_at, item.data::json
      from run, unnest(%(ids)s::text[], %(types)s::text[], %(times)s::timestamptz[],
                       %(items)s::text[]) with ordinality as item (id, type, created_at, data, n)
      order by item.n
      on conflict (thread_id, id) do update set type = excluded.type, data = excluded.data
      where thread_items.user_id = excluded.user_id
    ),
    bound as (
      update attachments set thread_id = run.thread_id, data = file.data::json
      from run, unnest(%(attachments)s::text[], %(attachments_data)s::text[]) as file (id, data)
      where attachments.user_id = run.user_id and attachments.id = file.id
        and (attachments.thread_id is null or attachments.thread_id = run.thread_id)
    )
    select true as began from run
"""
_BEGIN_KNOWN: Final = _KNOWN_THREAD + COUNT + "," + _RESERVE + _TOUCH + _OPEN_RUN
_BEGIN_NEW: Final = _NEW_THREAD + COUNT + "," + _RESERVE + _MAKE + _OPEN_RUN
_THREAD: Final = """
    select data::text as data from threads where user_id = %(user)s and id = %(thread)s
"""
_LATEST: Final = """
    select data::text as data, seq as place from thread_items
    where user_id = %(user)s and thread_id = %(thread)s and (%(until)s::text is null or
      seq <= (select seq from thread_items
              where user_id = %(user)s and thread_id = %(thread)s and id = %(until)s))
    order by seq desc limit %(size)s
"""
_HISTORY: Final[LiteralString] = f"""
    select data,
      case when %(until)s::text is not null then (
        select id from thread_items
        where user_id = %(user)s and thread_id = %(thread)s order by seq desc limit 1
      ) end as latest
    from ({within_bytes(_LATEST, "place desc")}) as history order by place
"""  # noqa: S608
_CONFLICTING_RUNS: Final[LiteralString] = f"""
    select id, thread_id, request_hash, {STATUS} as status, {DEAD} as unsettled,
      idempotency_key is not distinct from %(key)s and not {PAST_KEEPING} as same_key
    from runs
    where user_id = %(user)s and (
      id = %(run)s or idempotency_key = %(key)s
      or (thread_id = %(thread)s and status = 'running'))
"""  # noqa: S608
_RUN_OF_KEY: Final[LiteralString] = f"""
    select id, thread_id, true as same_key, request_hash, {STATUS} as status
    from runs where user_id = %(user)s and idempotency_key = %(key)s and not {PAST_KEEPING}
"""  # noqa: S608
_FILES_THERE: Final = """
    select count(*) from attachments
    where user_id = %(user)s and id = any(%(attachments)s::text[])
      and (thread_id is null or thread_id = %(thread)s)
"""
_THREAD_STATUS: Final = """
    select data -> 'status' ->> 'type' as status,
      %(pending)s::text is not null and not exists (
        select from thread_items
        where user_id = %(user)s and thread_id = %(thread)s and id = %(pending)s
          and data ->> 'status' = 'pending') as answered,
      %(until)s::text is not null and not exists (
        select from thread_items
        where user_id = %(user)s and thread_id = %(thread)s and id = %(until)s) as gone
    from threads
    where user_id = %(user)s and id = %(thread)s
"""


class RunStarts:
    """Begins runs. `keep_s`: how long after its end a run's idempotency key is kept."""

    def __init__(self, database: Database, sizes: Sizes = SIZES, *, keep_s: float = KEEP_S) -> None:
        self._database = database
        self._sizes = sizes
        self._keep_s = keep_s

    async def begin(self, caller: Caller, start: RunStart) -> BegunRun | Replay | Unsettled:
        """Open a run and give what the model needs, in one round trip.

        Raises `RowNotFound`, `ThreadLocked`, `AlreadyAnswered`, `RunInProgress`, `RateLimited`,
        `KeyReused`, `KeyInProgress`, `TooLarge` or `Invalid`, each with nothing written. A file of
        the message that is not there, or another thread's by now, is a row that is not found.
        """
        params = _params(caller, start, self._sizes) | {"keep_s": self._keep_s}
        load = [Statement(_THREAD, params), Statement(_HISTORY, params)]
        begin = Statement(_BEGIN_KNOWN if start.new_thread is None else _BEGIN_NEW, params)
        make_way = [Statement(_FORGET_KEY, params)] if start.idempotency_key is not None else []
        conflict: str | None = None
        try:
            *_, begun, threads, items = await self._database.run(
                caller.user_id, *make_way, begin, *load, tag="begin_run"
            )
        except psycopg.errors.ForeignKeyViolation as error:
            raise RowNotFound from error
        except psycopg.errors.UniqueViolation as error:
            begun, conflict = [], error.diag.constraint_name
        if begun:
            return _run(start, threads, items)
        runs, statuses, [files], [limits], threads, items = await self._database.run(
            caller.user_id,
            Statement(_CONFLICTING_RUNS, params),
            Statement(_THREAD_STATUS, params),
            Statement(_FILES_THERE, params),
            Statement(LIMITS, params),
            *load,
            tag="explain_run",
        )
        if any(run["id"] == start.run_id for run in runs) and threads:
            # The run had begun; only the answer to the first sending was lost.
            return _run(start, threads, items)
        if replay := _replay(start.idempotency_key, start.request_hash, runs):
            return replay
        for run in runs:
            if run["unsettled"] and run["thread_id"] == start.thread_id:
                return Unsettled(run["id"])
        if files["count"] < len(params["attachments"]):
            raise RowNotFound
        raise _refusal(start, runs, statuses, limits, conflict)

    async def replay(
        self, caller: Caller, key: str | None, request_hash: bytes | None
    ) -> Replay | None:
        """Give the finished run of a key, if there is one: for a request that cannot be prepared
        again. Raises `KeyReused` and `KeyInProgress`."""
        if key is None:
            return None
        params = {"user": caller.user_id, "key": key, "keep_s": self._keep_s}
        statement = Statement(_RUN_OF_KEY, params)
        [runs] = await self._database.run(caller.user_id, statement, tag="replay_run")
        return _replay(key, request_hash, runs)


def _params(caller: Caller, start: RunStart, sizes: Sizes) -> dict[str, Any]:
    items = [*start.items_to_save, *([start.item] if start.item else [])]
    files = start.item.attachments if start.item else []
    thread = start.new_thread
    return {
        "user": caller.user_id,
        "locale": caller.locale,
        "thread": start.thread_id,
        "thread_created_at": codec.aware_utc(thread.created_at) if thread else None,
        "thread_data": codec.thread_json(thread) if thread else None,
        "run": start.run_id,
        "key": start.idempotency_key,
        "hash": start.request_hash,
        "user_item": start.item.id if start.item else None,
        "pending": start.pending,
        "until": start.until,
        "attachments": [file.id for file in files],
        "attachments_data": [codec.attachment_json(file) for file in files],
        "lease_s": start.lease_s,
        "size": start.history_limit,
        "page_bytes": sizes.page_bytes,
        "requests_per_minute": start.requests_per_minute,
        "tokens_per_day": start.tokens_per_day,
        "reserved": start.reserved_tokens,
        **codec.item_columns(items, sizes.item_bytes),
    }


def _run(start: RunStart, threads: Rows, items: Rows) -> BegunRun:
    return BegunRun(
        start.run_id,
        codec.thread_from(threads[0]),
        tuple(codec.item_from(row) for row in items),
        latest=items[0]["latest"] if items else None,
    )


def _replay(key: str | None, request_hash: bytes | None, runs: Rows) -> Replay | None:
    """The finished run of this key and request, if there is one."""
    for run in runs:
        if key is None or not run["same_key"]:
            continue
        if run["request_hash"] != request_hash:
            raise KeyReused
        if run["status"] == "running":
            raise KeyInProgress(retry_after_s=_RETRY_AFTER_S)
        return Replay(run["id"], run["thread_id"], run["status"])
    return None


def _refusal(
    start: RunStart, runs: Rows, statuses: Rows, limits: dict[str, Any], conflict: str | None
) -> Problem:
    """Why a run did not begin. What is over by now is told as if it still held."""
    if conflict == "threads_pkey":
        return RowNotFound()
    if start.new_thread is None:
        if not statuses:
            return RowNotFound()
        if statuses[0]["status"] != "active":
            return ThreadLocked()
        if statuses[0]["answered"]:
            return AlreadyAnswered()
        if statuses[0]["gone"]:
            return RowNotFound()
    if conflict or any(run["status"] == "running" for run in runs):
        return RunInProgress(retry_after_s=_RETRY_AFTER_S)
    return over_limit(limits, start.requests_per_minute, start.tokens_per_day)
