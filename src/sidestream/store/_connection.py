"""A connection whose pipeline sends nothing after its Sync.

Psycopg ends a pipeline with Sync and then asks for a Flush. When that Flush reaches PgBouncer after
the transaction is over, PgBouncer takes it for the start of another one and keeps a server
connection for this client until its next transaction: in transaction mode, idle clients then use
up the pool. The Sync makes the server answer by itself, so the Flush is not needed.

This rests on private parts of psycopg 3.3 (`_pipeline_base.py`); a test reads the bytes sent.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection, AsyncPipeline
from psycopg.abc import PQGen
from psycopg.rows import DictRow


class _Pipeline(AsyncPipeline):
    def _exit_gen(self) -> PQGen[None]:
        try:
            self._enqueue_sync()
            yield from self._communicate_gen()
        finally:
            yield from self._fetch_gen(flush=False)


class Connection(AsyncConnection[DictRow]):
    """An `AsyncConnection` with such a pipeline, which cannot be nested."""

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
