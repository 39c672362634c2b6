"""A connection whose pipeline sends nothing after its Sync, and whose attempts are noted.

Psycopg ends a pipeline with Sync and then asks for a Flush. When that Flush reaches PgBouncer after
the transaction is over, PgBouncer takes it for the start of another one and keeps a server
connection for this client until its next transaction: in transaction mode, idle clients then use
up the pool. The Sync makes the server answer by itself, so the Flush is not needed.

This rests on private parts of psycopg 3.3 (`_pipeline_base.py`); a test reads the bytes sent.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, AsyncPipeline
from psycopg.abc import PQGen
from psycopg.rows import DictRow

from ..reasons import Reason
from ..secret import Secret
from .attempts import Attempts
from .encryption import encrypted
from .failures import reason_of


class _Pipeline(AsyncPipeline):
    def _exit_gen(self) -> PQGen[None]:
        try:
            self._enqueue_sync()
            yield from self._communicate_gen()
        finally:
            yield from self._fetch_gen(flush=False)


class Connection(AsyncConnection[DictRow]):
    """An `AsyncConnection` with such a pipeline, which cannot be nested."""

    _give_up: Callable[[], None] | None = None

    @classmethod
    async def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, url: Secret, attempts: Attempts, **options: Any
    ) -> Self:
        """Connect, when `attempts` allows it, and note there what came of it.

        When the password in `conninfo` is refused, with another `url` if there is one.
        """
        attempts.admit()
        while True:
            began = time.monotonic()
            try:
                connection = await cls._let_in(conninfo, url, **options)
            except psycopg.Error as error:
                attempts.failed(error)
                raise
            attempts.succeeded()
            if began >= attempts.left_at:
                return connection
            await connection.close()  # it may lead to the server that was left meanwhile

    @classmethod
    async def _let_in(cls, conninfo: str, url: Secret, **options: Any) -> Self:
        try:
            return await super().connect(encrypted(conninfo), **options)
        except psycopg.OperationalError as error:
            if reason_of(error) is not Reason.AUTHENTICATION:
                raise
            refusal = error
        for other in await url.others((conninfo,)):
            with suppress(psycopg.OperationalError):
                return await super().connect(encrypted(other), **options)
        raise refusal

    @asynccontextmanager
    async def pipeline(self) -> AsyncIterator[AsyncPipeline]:
        async with self.lock:
            self._check_connection_ok()
            pipeline = self._pipeline = _Pipeline(self)
        try:
            async with pipeline:
                yield pipeline
        finally:
            async with self.lock:
                self._pipeline = None

    def give_up(self) -> None:
        """Wait no longer for an answer: who does so now meets `TimeoutError`."""
        if self._give_up is not None:
            self._give_up()

    @asynccontextmanager
    async def answered_within(self, seconds: float) -> AsyncIterator[None]:
        """Give up on a peer that has gone silent, as a half-open socket does: `TimeoutError`.

        The connection is dropped before the wait is cancelled: psycopg would otherwise ask that
        silent peer to cancel the query, and wait for its word on it.
        """

        def drop() -> None:
            self.pgconn.finish()
            timeout.reschedule(0)

        self._give_up = drop
        dropping = asyncio.get_running_loop().call_later(seconds, drop)
        try:
            async with asyncio.timeout(None) as timeout:
                yield
        finally:
            self._give_up = None
            dropping.cancel()
