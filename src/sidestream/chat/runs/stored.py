"""A run that is followed from the store: one that runs elsewhere, or has ended."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Final

from sidestream.caller import Caller
from sidestream.chat.context import ToolRecord
from sidestream.chat.failures import DELETED, LOST_END, error_event
from sidestream.chat.protocol.frames import Frame, LeftOff, encode, unpack
from sidestream.chat.runs.salvage import Salvage
from sidestream.problems import DatabaseUnavailable
from sidestream.store.codec import RowNotFound
from sidestream.store.run_view import RunEvents

_POLL_S: Final = 0.4
_MISSES: Final = 3
_SAID_OTHERWISE: Final = frozenset({"thread.created", "error"})
"""Events for one who saw more than was kept: the first was among what it saw, and it is told more
than the second says."""


class StoredRun:
    """Reads the frames of runs as one caller."""

    def __init__(self, salvage: Salvage, caller: Caller) -> None:
        self._salvage = salvage
        self._caller = caller

    async def follow(
        self, page: RunEvents, after: int, until: float | None
    ) -> AsyncIterator[Frame | ToolRecord]:
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
    ) -> AsyncIterator[Frame | ToolRecord]:
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
            if until is not None and time.monotonic() > until:
                raise LeftOff
            page = await self._next_page(page.run.run_id, after)
        if lost:
            yield Frame(after + 1, encode(error_event(LOST_END, self._caller.locale)))

    async def _next_page(self, run_id: str, after: int) -> RunEvents:
        """The events after one. Raises `DatabaseUnavailable` when the database stays away."""
        for miss in range(1, _MISSES + 1):
            await asyncio.sleep(_POLL_S)
            try:
                return await self._salvage.events(self._caller, run_id, after)
            except DatabaseUnavailable:
                if miss == _MISSES:
                    raise
        raise AssertionError
