"""Waiting for something to become true, with a generous bound."""

import asyncio
from collections.abc import Awaitable, Callable

_PAUSE_S = 0.05


async def until[T](look: Callable[[], Awaitable[T]], *, within_s: float = 20) -> T:
    """Look again and again until something true is seen, and give that."""
    async with asyncio.timeout(within_s):
        while not (seen := await look()):  # noqa: ASYNC110 - what is looked at is elsewhere
            await asyncio.sleep(_PAUSE_S)
    return seen
