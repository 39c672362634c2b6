"""The wait for one of a pool's connections: in order, bounded, and told to whoever asks.

The pool serves its callers in the order in which they came. A caller waits on while the database
answers those before it, but not for longer than `longest_s`; where nothing has come from the
database for `silence_s`, nothing will come of the wait either.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from psycopg_pool import PoolTimeout

_logger = logging.getLogger(__name__)
_LONG_MS: Final = 1000


@dataclass(slots=True)
class Waits:
    """How often and how long the calls of a piece of work waited for a connection, together."""

    count: int = 0
    total_ms: float = 0.0


_measured: ContextVar[Waits | None] = ContextVar("measured", default=None)


@contextmanager
def measured_waits() -> Iterator[Waits]:
    """Measure the waits of the calls that begin inside."""
    waits = Waits()
    token = _measured.set(waits)
    try:
        yield waits
    finally:
        _measured.reset(token)


class Waiting:
    """The waits for the connections of one pool. Times are in seconds, of the loop's clock."""

    def __init__(self, *, silence_s: float, longest_s: float) -> None:
        self._silence_s = silence_s
        self._longest_s = longest_s
        self._heard_at = 0.0

    def heard(self) -> None:
        """Note that something came from the database."""
        self._heard_at = time.monotonic()

    @asynccontextmanager
    async def bounded(self, until: float) -> AsyncIterator[None]:
        """Wait inside for a connection, no longer than `until`. Raises `PoolTimeout`."""
        loop = asyncio.get_running_loop()
        began = time.monotonic()
        until = min(until, began + self._longest_s)
        looking: asyncio.TimerHandle

        def look() -> None:
            nonlocal looking
            last = min(until, max(began, self._heard_at) + self._silence_s)
            left = last - time.monotonic()
            if left > 0:
                looking = loop.call_later(left, look)
            else:
                timeout.reschedule(loop.time())

        looking = loop.call_later(min(self._silence_s, until - began), look)
        try:
            async with asyncio.timeout(None) as timeout:
                yield
        except TimeoutError as error:
            if not timeout.expired():
                raise
            raise PoolTimeout from error
        finally:
            looking.cancel()
            waited_ms = (time.monotonic() - began) * 1000
            if waits := _measured.get():
                waits.count += 1
                waits.total_ms += waited_ms
            if waited_ms > _LONG_MS:
                _logger.info("waited for a connection", extra={"waited_ms": round(waited_ms)})
