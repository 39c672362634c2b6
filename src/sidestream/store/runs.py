"""Runs: the row that an answer lives by, and the frames it streamed, for whoever joins later.

A run is alive while its lease lasts (`lease`). Its own process renews the lease with every beat;
any process may ask it to stop, and it learns of that from the answer to its next beat.

    running -> completed | stopped | failed      finish, by the process that runs it
    running -> failed                            the lease ran out: so for everybody at once,
                                                 written by whoever settles it
    running -> completed                         likewise, where all was said and only the end of
                                                 the run was not saved

Frames are numbered from 1 in the order in which the first client saw them, and saved in batches.
"""

import time
from collections.abc import Sequence
from typing import Any, Final, LiteralString

import psycopg
from chatkit.types import ThreadItem
from psycopg.types.json import Json

from ..caller import Caller
from .codec import RowNotFound, item_columns
from .database import Database, Rows, Statement
from .ids import made_ms
from .lease import ALIVE, BURY, DEAD, DIED, STATUS
from .run_view import NO_USAGE, BeatResult, EndStatus, RunEvents, RunUsage, RunView

_EXTEND: Final[LiteralString] = f"""
    with run as (
      update runs set lease_expires_at = now() + make_interval(secs => %(lease_s)s)
      where user_id = %(user)s and id = %(run)s and {ALIVE}
      returning id, user_id, stop_requested_at
    ),
"""  # noqa: S608
# What a dead run spent counts as well, once, and that of one whose thread was deleted. The day is
# that of the start, on which tokens are reserved; those of a dead run stay until it says better.
_END: Final[LiteralString] = f"""
    with run as (
      update runs set status = %(status)s, ended_at = now(), error = %(error)s,
        input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s, ttft_ms = %(ttft_ms)s
      where user_id = %(user)s and id = %(run)s and {ALIVE}
      returning id, user_id, stop_requested_at, started_at, reserved_tokens
    ),
    dead as (
      update runs set
        input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s, ttft_ms = %(ttft_ms)s
      where user_id = %(user)s and id = %(run)s and ({DEAD} or kept_event is not null)
        and input_tokens is null
      returning user_id, started_at, reserved_tokens
    ),
    gone as (
      select %(user)s as user_id, to_timestamp(%(made_s)s::float8) as started_at,
        %(reserved)s::int as reserved_tokens
      where not exists (select from runs where user_id = %(user)s and id = %(run)s)
    ),
    spent as (
      insert into usage_days (user_id, day, tokens)
      select user_id, (started_at at time zone 'UTC')::date, %(tokens)s - reserved_tokens
      from (select user_id, started_at, reserved_tokens from run
            union all select * from dead union all select * from gone) as ended
      where %(tokens)s <> reserved_tokens
      on conflict (user_id, day) do update set tokens = usage_days.tokens + excluded.tokens
    ),
"""  # noqa: S608
_APPEND: Final = """
    appended as (
      insert into run_events (run_id, user_id, first_event, last_event, frames)
      select id, user_id, %(first)s, %(last)s, %(frames)s::text[] from run where %(frames)s <> '{}'
      on conflict (run_id, first_event) do update
      set last_event = excluded.last_event, frames = excluded.frames
      where excluded.last_event > run_events.last_event
    )
    select stop_requested_at is not null as stop_requested from run
"""
_SETTLE: Final[LiteralString] = f"""
    with settled as (
      update runs set {BURY}, kept_event = %(first)s - 1
      where user_id = %(user)s and id = %(run)s and {DEAD}
      returning id, user_id, thread_id
    ),
    saved as (
      insert into thread_items (thread_id, id, user_id, type, created_at, data)
      select settled.thread_id, item.id, settled.user_id, item.type, item.created_at,
             item.data::json
      from settled,
        unnest(%(ids)s::text[], %(types)s::text[], %(times)s::timestamptz[], %(items)s::text[])
          with ordinality as item (id, type, created_at, data, n)
      order by item.n
      on conflict (thread_id, id) do update set type = excluded.type, data = excluded.data
      where thread_items.user_id = excluded.user_id and thread_items.id = any(%(changed)s::text[])
    ),
    told as (
      insert into run_events (run_id, user_id, first_event, last_event, frames)
      select id, user_id, %(first)s, %(last)s, %(frames)s::text[] from settled
      where %(frames)s <> '{{}}'
    )
    select id from settled
"""  # noqa: S608
_BEAT: Final = _EXTEND + _APPEND
_FINISH: Final = _END + _APPEND
_STOP: Final[LiteralString] = f"""
    update runs set stop_requested_at = coalesce(stop_requested_at, now())
    where user_id = %(user)s and thread_id = %(thread)s and {ALIVE}
    returning id
"""  # noqa: S608
_THREAD: Final = "select id from threads where user_id = %(user)s and id = %(thread)s"
_VIEW: Final[LiteralString] = f"""
    select id as run_id, thread_id, user_item_id, started_at, ended_at, error, locale, kept_event,
      stop_requested_at is not null as stop_requested, {STATUS} as status, {DEAD} as unsettled,
      coalesce((select max(last_event) from run_events
                where run_events.user_id = %(user)s and run_id = runs.id), 0) as last_event
    from runs
"""  # noqa: S608
_CURRENT: Final = (
    _VIEW
    + """
    where user_id = %(user)s and thread_id = %(thread)s order by started_at desc, id desc limit 1
"""
)
_RUN: Final = _VIEW + "where user_id = %(user)s and id = %(run)s"
_EXISTS: Final = "select id from runs where user_id = %(user)s and id = %(run)s"
_EVENTS: Final = """
    select first_event, frames from run_events
    where user_id = %(user)s and run_id = %(run)s and last_event > least(%(after)s, (
      select kept_event from runs where user_id = %(user)s and id = %(run)s))
    order by first_event
"""


class Runs:
    """The runs of each caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(
        self,
        caller: Caller,
        run_id: str,
        lease_s: float,
        frames: Sequence[str | bytes] = (),
        first: int = 1,
    ) -> BeatResult:
        """Renew the lease for `lease_s` from now and save the frames numbered from `first` on.

        Saving a batch again under the same `first` adds what the first saving did not have.
        """
        params = {"user": caller.user_id, "run": run_id, "lease_s": lease_s}
        statement = Statement(_BEAT, params | _batch(frames, first))
        [rows] = await self._database.run(caller.user_id, statement, tag="beat_run")
        return BeatResult(bool(rows) and rows[0]["stop_requested"], bool(rows))

    async def finish(
        self,
        caller: Caller,
        run_id: str,
        status: EndStatus,
        *,
        error: dict[str, Any] | None = None,
        usage: RunUsage = NO_USAGE,
        reserved_tokens: int = 0,
        frames: Sequence[str | bytes] = (),
        first: int = 1,
    ) -> bool:
        """End a run with its last frames. False when it had ended already, died, or is gone with
        its thread. Its tokens count all the same, in place of those that were reserved:
        `reserved_tokens` says how many, for a run that is gone.
        """
        made = made_ms(run_id)
        params = {
            "user": caller.user_id,
            "run": run_id,
            "status": status,
            "error": Json(error) if error is not None else None,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "tokens": usage.input_tokens + usage.output_tokens,
            "reserved": reserved_tokens,
            "made_s": time.time() if made is None else made / 1000,
            "ttft_ms": usage.ttft_ms,
        }
        statement = Statement(_FINISH, params | _batch(frames, first))
        [rows] = await self._database.run(caller.user_id, statement, tag="finish_run")
        return bool(rows)

    async def settle(
        self,
        caller: Caller,
        run_id: str,
        *,
        new: Sequence[ThreadItem] = (),
        changed: Sequence[ThreadItem] = (),
        frames: Sequence[str] = (),
        first: int = 1,
        whole: bool = False,
    ) -> bool:
        """Write down that a run died, with the items that it left, new ones and ones that are there
        and have changed, and its last frames, numbered from `first` on; or that it had completed,
        when what it left is `whole`. False, with nothing written, when it is not dead, or is not
        there any more, or somebody was faster."""
        params = {
            "user": caller.user_id,
            "run": run_id,
            "status": "completed" if whole else "failed",
            "error": None if whole else Json(DIED),
            "changed": [item.id for item in changed],
            **item_columns([*new, *changed]),
            **_batch(frames, first),
        }
        try:
            [rows] = await self._database.run(
                caller.user_id, Statement(_SETTLE, params), tag="settle_run"
            )
        except psycopg.errors.ForeignKeyViolation:
            return False  # its thread is being deleted
        return bool(rows)

    async def request_stop(self, caller: Caller, thread_id: str) -> str | None:
        """Ask the thread's run to stop. Gives its id, or None when nothing is running.

        Raises `RowNotFound` when the thread is not there or not the caller's.
        """
        rows = await self._of_thread(caller, thread_id, Statement(_STOP, _key(caller, thread_id)))
        return str(rows[0]["id"]) if rows else None

    async def current(self, caller: Caller, thread_id: str) -> RunView | None:
        """Give the thread's latest run, running or not, or None when there never was one.

        Raises `RowNotFound` when the thread is not there or not the caller's.
        """
        statement = Statement(_CURRENT, _key(caller, thread_id))
        rows = await self._of_thread(caller, thread_id, statement)
        return RunView(**rows[0]) if rows else None

    async def exists(self, caller: Caller, run_id: str) -> bool:
        """Tell whether a run is still there: it goes with its thread."""
        statement = Statement(_EXISTS, {"user": caller.user_id, "run": run_id})
        [rows] = await self._database.run(caller.user_id, statement, tag="run_exists")
        return bool(rows)

    async def view(self, caller: Caller, run_id: str) -> RunView:
        """Give a run as it is, without its frames. Raises `RowNotFound`."""
        params = {"user": caller.user_id, "run": run_id}
        [rows] = await self._database.run(caller.user_id, Statement(_RUN, params), tag="view_run")
        if not rows:
            raise RowNotFound
        return RunView(**rows[0])

    async def events(self, caller: Caller, run_id: str, after: int = 0) -> RunEvents:
        """Give the saved frames numbered above `after`, and after one that was lost
        (`RunView.lost_after`) those that the run was settled with. Raises `RowNotFound`."""
        params = {"user": caller.user_id, "run": run_id, "after": after}
        runs, batches = await self._database.run(
            caller.user_id, Statement(_RUN, params), Statement(_EVENTS, params), tag="run_events"
        )
        if not runs:
            raise RowNotFound
        numbered = (
            (number, frame)
            for batch in batches
            for number, frame in enumerate(batch["frames"], batch["first_event"])
        )
        run = RunView(**runs[0])
        if run.kept_event is not None:
            after = min(after, run.kept_event)
        return RunEvents(run, tuple(pair for pair in numbered if pair[0] > after))

    async def _of_thread(self, caller: Caller, thread_id: str, statement: Statement) -> Rows:
        exists = Statement(_THREAD, _key(caller, thread_id))
        rows, found = await self._database.run(caller.user_id, statement, exists, tag="thread_run")
        if not found:
            raise RowNotFound
        return rows


def _key(caller: Caller, thread_id: str) -> dict[str, str]:
    return {"user": caller.user_id, "thread": thread_id}


def _batch(frames: Sequence[str | bytes], first: int) -> dict[str, Any]:
    texts = [frame.decode() if isinstance(frame, bytes) else frame for frame in frames]
    return {"first": first, "last": first + len(texts) - 1, "frames": texts}
