"""Attempts to connect: what came of the last one, and when the next may be made.

A database that sleeps or restarts is waited for. One that refuses us (a password that was replaced,
a name that is not there) will refuse the next attempt as well: then whoever waits for a connection
is told at once, and for a while, longer each time, nobody tries. Connections that are open stay.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import psycopg

from ..reasons import Reason
from .failures import REFUSALS, reason_of

_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 10.0


class Refused(Exception):
    """The database refuses to let us in."""


class Attempts:
    """The attempts of one pool. `connected` tells whether it has a connection that is open."""

    def __init__(self, connected: Callable[[], bool]) -> None:
        self.reason: Reason | None = None
        """Why the last one failed; None when it did not."""
        self.left_at = 0.0
        """When all connections were last given up: what was begun before is as old."""
        self._connected = connected
        self._refusal: psycopg.Error | None = None
        self._pause_s = 0.0
        self._not_before = 0.0
        self._waiting: set[asyncio.Timeout] = set()

    def admit(self) -> None:
        """Let one be made. Raises the last refusal while the pause after it lasts."""
        if self._refusal is not None and time.monotonic() < self._not_before:
            raise type(self._refusal)(*self._refusal.args)

    def leave(self) -> None:
        """Note that all connections are given up."""
        self.left_at = time.monotonic()

    def succeeded(self) -> None:
        """Note that we are let in."""
        self.reason = self._refusal = None
        self._pause_s = 0.0

    def failed(self, error: psycopg.Error) -> None:
        """Note a failure, and after a refusal tell those who wait."""
        self.reason = reason_of(error)
        if self.reason not in REFUSALS:
            self._refusal, self._pause_s = None, 0.0
            return
        self._refusal = error
        self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2 or _FIRST_PAUSE_S)
        self._not_before = time.monotonic() + self._pause_s
        if not self._connected():
            now = asyncio.get_running_loop().time()
            for timeout in self._waiting:
                timeout.reschedule(now)

    @asynccontextmanager
    async def heeded(self) -> AsyncIterator[None]:
        """Wait for a connection, and raise `Refused` as soon as there is none to wait for."""
        if not self._connected():
            try:
                self.admit()
            except psycopg.Error as error:
                raise Refused from error
        try:
            async with asyncio.timeout(None) as timeout:
                self._waiting.add(timeout)
                try:
                    yield
                finally:
                    self._waiting.discard(timeout)
        except TimeoutError as error:
            raise Refused from error
