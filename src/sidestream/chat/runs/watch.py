"""Watches: one look at a run for all who follow it in this process.

A watch tells only when there is something to read, and each follower reads it by itself. It looks
often while events come, and less and less often in a silence.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sidestream.caller import Caller
from sidestream.store.run_view import RunView
from sidestream.store.runs import Runs

_SHORTEST_S: Final = 0.4
_LONGEST_S: Final = 2.5
_GROWTH: Final = 1.5


class Watch:
    """Looks at one run until nobody waits for it any more."""

    def __init__(self, runs: Runs, caller: Caller, run_id: str) -> None:
        self.followers = 0
        self._runs = runs
        self._caller = caller
        self._run_id = run_id
        self._looked = asyncio.Condition()
        self._seen: RunView | None = None
        self._error: Exception | None = None
        self._looking = asyncio.create_task(self._look(), name=f"watch {run_id}")

    async def news(self, run: RunView) -> None:
        """Wait until there is more of a running run than it was when it was read. Raises what the
        next look raises."""
        async with self._looked:
            while not self._is_newer(run):
                await self._looked.wait()
                if self._error is not None:
                    raise self._error

    async def close(self) -> None:
        """Look no more."""
        self._looking.cancel()
        await asyncio.gather(self._looking, return_exceptions=True)

    def _is_newer(self, run: RunView) -> bool:
        seen = self._seen
        return seen is not None and (seen.last_event > run.last_event or seen.status != "running")

    async def _look(self) -> None:
        pause_s = _SHORTEST_S
        while True:
            await asyncio.sleep(pause_s)
            before, self._error = self._seen, None
            try:
                self._seen = await self._runs.view(self._caller, self._run_id)
            except Exception as error:
                # Whoever waits raises it.
                self._error = error
            pause_s = _SHORTEST_S if self._seen != before else min(pause_s * _GROWTH, _LONGEST_S)
            async with self._looked:
                self._looked.notify_all()


class Watches:
    """The watches of this process."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._watches: dict[tuple[str, str], Watch] = {}

    @asynccontextmanager
    async def of(self, caller: Caller, run_id: str) -> AsyncIterator[Watch]:
        """Give the watch of a run, which is there as long as somebody has it."""
        key = (caller.user_id, run_id)
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = Watch(self._runs, caller, run_id)
        watch.followers += 1
        try:
            yield watch
        finally:
            watch.followers -= 1
            if not watch.followers:
                del self._watches[key]
                await watch.close()
