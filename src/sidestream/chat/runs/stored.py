"""A run that is followed from the store: one that runs elsewhere, or has ended."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from chatkit.types import ThreadStreamEvent

from sidestream.caller import Caller
from sidestream.chat.context import ToolRecord
from sidestream.chat.failures import LOST, error_event
from sidestream.chat.protocol.frames import Frame, encode, unpack
from sidestream.problems import DatabaseUnavailable
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
        """Give what a page has, then what comes, until the run ends or the time is up (`until`, by
        `time.monotonic`)."""
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
                return
            fresh = await self._next_page(page.run.run_id, after)
            if fresh is None:
                return
            page = fresh
        if page.run.died:
            async for frame in self._last_word(page.run, after):
                yield frame

    async def _next_page(self, run_id: str, after: int) -> RunEvents | None:
        """The events after one, or None when the database stays away."""
        for _attempt in range(_MISSES):
            await asyncio.sleep(_POLL_S)
            try:
                return await self._runs.events(self._caller, run_id, after)
            except DatabaseUnavailable:
                continue
        return None

    async def _last_word(self, run: RunView, after: int) -> AsyncIterator[Frame]:
        """Say for a run that died what its own process had no chance to say: that it broke off, and
        before that, if nothing of it was saved, which thread and message it began with."""
        opening = [] if run.last_event else await self._opening(run, self._caller)
        events = [*opening, error_event(LOST, self._caller.locale)]
        numbered = list(enumerate(events, run.last_event + 1))
        if after > numbered[-1][0]:
            # Its client saw more than was saved.
            numbered = [(after + 1, events[-1])]
        for number, event in numbered:
            if number > after:
                yield Frame(number, encode(event))
