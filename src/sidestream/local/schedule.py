"""A schedule: something that is done again and again, as long as the system runs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

_QUIET_S: Final = 60.0
"""How long a system is left alone when it has started."""


class Schedule:
    """Does its work every so many seconds. What fails is done again the next time."""

    def __init__(self, work: Callable[[], Awaitable[object]], every_s: float) -> None:
        self._work = work
        self._every_s = every_s
        self._going: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin. The first time comes soon."""
        self._going = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """End, also in the middle of the work."""
        if self._going is not None:
            self._going.cancel()
            await asyncio.wait([self._going])

    async def _go_on(self) -> None:
        await asyncio.sleep(min(self._every_s, _QUIET_S))
        while True:
            await self._work()
            await asyncio.sleep(self._every_s)
