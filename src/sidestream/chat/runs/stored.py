"""A run that is followed from the store: one that runs elsewhere, or has ended."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from chatkit.types import ThreadStreamEvent

from sidestream.caller import Caller
from sidestream.chat.context import ToolRecord
from sidestream.chat.failures import DELETED, LOST, LOST_END, error_event
from sidestream.chat.protocol.frames import Frame, LeftOff, encode, unpack
from sidestream.problems import DatabaseUnavailable
from sidestream.store.codec import RowNotFound
from sidestream.store.runs import RunEvents, Runs, RunView

_POLL_S: Final = 0.4
_MISSES: Final = 3

type Opening = Callable[[RunView, Caller], Awaitable[Sequence[ThreadStreamEvent]]]
"""Gives the events that a run began with."""


class StoredRun:
    """Reads the frames of runs as one caller."""

    def __init__(self, runs: Runs, opening: Opening, caller: Caller) -> None:
        self._runs = runs
        self._opening = opening
        self._caller = caller

    async def follow(
        self, page: RunEvents, after: int, until: float | None
    ) -> AsyncIterator[Frame | ToolRecord]:
        """Give what a page has, then what comes, until the run ends. The numbers rise by one.

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
    ) -> AsyncIterator[Frame | ToolRecord]:
        while True:
            for number, stored in page.frames:
                payload, records = unpack(stored)
                for record in records:
                    yield record
                yield Frame(number, payload)
                after = number
            if page.run.status != "running":
                break
            if until is not None and time.monotonic() > until:
                raise LeftOff
            page = await self._next_page(page.run.run_id, after)
        if page.run.died:
            for frame in await self._last_word(page.run, after):
                yield frame

    async def _next_page(self, run_id: str, after: int) -> RunEvents:
        """The events after one. Raises `DatabaseUnavailable` when the database stays away."""
        for miss in range(1, _MISSES + 1):
            await asyncio.sleep(_POLL_S)
            try:
                return await self._runs.events(self._caller, run_id, after)
            except DatabaseUnavailable:
                if miss == _MISSES:
                    raise
        raise AssertionError

    async def _last_word(self, run: RunView, after: int) -> list[Frame]:
        """Say for a run that died what its own process had no chance to say: that it broke off, and
        before that, if nothing of it was saved, which thread and message it began with.

        A client that saw more than that is told that it did.
        """
        opening = [] if run.last_event else await self._opening(run, self._caller)
        events = [*opening, error_event(LOST, self._caller.locale)]
        end = run.last_event + len(events)
        if after >= end:
            return [Frame(after + 1, encode(error_event(LOST_END, self._caller.locale)))]
        numbered = enumerate(events, run.last_event + 1)
        return [Frame(number, encode(event)) for number, event in numbered if number > after]
