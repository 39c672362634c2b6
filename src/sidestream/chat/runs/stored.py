"""A run that is followed from the store: one that runs elsewhere, or has ended."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final

from sidestream.caller import Caller
from sidestream.chat.context import ToolRecord
from sidestream.chat.failures import DELETED, LOST_END, error_event
from sidestream.chat.protocol.frames import Frame, LeftOff, encode, unpack
from sidestream.chat.runs.salvage import Salvage
from sidestream.chat.runs.watch import Watch, Watches
from sidestream.problems import DatabaseUnavailable, Problem
from sidestream.store.codec import RowNotFound
from sidestream.store.followers import Followers
from sidestream.store.run_view import RunEvents

FOLLOW_S: Final = 60.0
"""How long a follower has its place. Then its stream leaves off, and it may ask again: whoever has
gone, which is not always told, keeps a place no longer."""
_MISSES: Final = 3
_SAID_OTHERWISE: Final = frozenset({"thread.created", "error"})
"""Events for one who saw more than was kept: the first was among what it saw, and it is told more
than the second says."""


class StoredRuns:
    """Follows runs, each user's in at most `max_followers` places at once; 0 means no limit."""

    def __init__(
        self, salvage: Salvage, watches: Watches, followers: Followers, max_followers: int
    ) -> None:
        self._salvage = salvage
        self._watches = watches
        self._followers = followers
        self._max_followers = max_followers

    async def join(
        self,
        caller: Caller,
        page: RunEvents,
        after: int,
        until: float | None,
        *,
        takes_place: bool,
    ) -> AsyncGenerator[Frame | ToolRecord]:
        """Take a place, and give what follows a page (see `StoredRun.follow`). A run that has ended
        needs none. Raises `RateLimited`, `RowNotFound`."""
        stored = StoredRun(self._salvage, self._watches, caller)
        if page.run.status != "running" or not (takes_place and self._max_followers):
            return stored.follow(page, after, until)
        ends_at = time.monotonic() + FOLLOW_S
        place = await self._followers.join(
            caller, page.run.run_id, most=self._max_followers, lease_s=FOLLOW_S
        )
        entries = stored.follow(page, after, min(until or ends_at, ends_at))
        return self._in_place(caller, place, entries)

    async def _in_place(
        self, caller: Caller, place: str, entries: AsyncGenerator[Frame | ToolRecord]
    ) -> AsyncGenerator[Frame | ToolRecord]:
        try:
            async with aclosing(entries):
                async for entry in entries:
                    yield entry
        finally:
            with suppress(Problem):  # it ends by itself
                await self._followers.leave(caller, place)


class StoredRun:
    """Reads the frames of runs as one caller."""

    def __init__(self, salvage: Salvage, watches: Watches, caller: Caller) -> None:
        self._salvage = salvage
        self._watches = watches
        self._caller = caller

    async def follow(
        self, page: RunEvents, after: int, until: float | None
    ) -> AsyncGenerator[Frame | ToolRecord]:
        """Give what a page has, then what comes, until the run ends. The numbers rise by one: who
        saw more than was kept gets what the run was settled with under the numbers after that.

        Raises `LeftOff` when the time is up (`until`, by `time.monotonic`) or the database stays
        away.
        """
        last = after
        try:
            async for entry in self._entries(page, after, until):
                yield entry
                if isinstance(entry, Frame):
                    last = entry.number
        except RowNotFound:
            # The run was there when the first page was read.
            yield Frame(last + 1, encode(error_event(DELETED, self._caller.locale)))
        except DatabaseUnavailable:
            raise LeftOff from None

    async def _entries(
        self, page: RunEvents, after: int, until: float | None
    ) -> AsyncGenerator[Frame | ToolRecord]:
        async with self._watches.of(self._caller, page.run.run_id) as watch:
            while True:
                lost = page.run.died and page.run.lost_after(after)
                for number, stored in page.frames:
                    payload, records = unpack(stored)
                    if lost and json.loads(payload)["type"] in _SAID_OTHERWISE:
                        continue
                    for record in records:
                        yield record
                    after = max(number, after + 1)
                    yield Frame(after, payload)
                if page.run.status != "running":
                    break
                page = await self._next_page(watch, page, after, until)
        if lost:
            yield Frame(after + 1, encode(error_event(LOST_END, self._caller.locale)))

    async def _next_page(
        self, watch: Watch, page: RunEvents, after: int, until: float | None
    ) -> RunEvents:
        """Wait for more than a page has, and give the events after one. Raises `LeftOff` when the
        time is up, `DatabaseUnavailable` when the database stays away."""
        for miss in range(1, _MISSES + 1):
            try:
                async with asyncio.timeout(None if until is None else until - time.monotonic()):
                    await watch.news(page.run)
                return await self._salvage.events(self._caller, page.run.run_id, after)
            except TimeoutError:
                raise LeftOff from None
            except DatabaseUnavailable:
                if miss == _MISSES:
                    raise
        raise AssertionError
