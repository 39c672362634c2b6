"""The store as a run in progress writes to it.

A run writes when its answer is half way out, so a write waits out a short outage of the database
instead of breaking the answer. And a run that lost its lease writes nothing: what it left may have
been settled, and its thread may already belong to another one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from chatkit.errors import CustomStreamError
from chatkit.store import NotFoundError
from chatkit.types import ThreadItem

from sidestream.caller import Caller
from sidestream.chat.context import EndReason, RunContext
from sidestream.chat.failures import TOO_LARGE, UNSAVED, Failure
from sidestream.chat.runs.ended import TAKEN_AWAY
from sidestream.i18n import text
from sidestream.problems import DatabaseUnavailable, TooLarge
from sidestream.store.database import Database
from sidestream.store.sizes import SIZES, Sizes
from sidestream.store.threads import PostgresStore, Settle

PATIENCE: Final = 2 / 3
"""How long a run waits for the database to write, as a share of its lease."""
PAUSE_S: Final = 0.5
"""How long it waits before it tries again."""


class LeasedStore(PostgresStore):
    """`PostgresStore`, whose item writes in a run wait up to `patience_s` for the database.

    They raise `CustomStreamError`, of which ChatKit makes an error event.
    """

    def __init__(
        self, database: Database, sizes: Sizes = SIZES, *, patience_s: float, settle: Settle
    ) -> None:
        super().__init__(database, sizes, settle=settle)
        self.patience_s = patience_s

    def writer(self, context: Caller) -> str | None:
        return context.run_id if isinstance(context, RunContext) else None

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Caller) -> None:
        save = super().add_thread_item
        await self._write(thread_id, context, lambda: save(thread_id, item, context))

    async def save_item(self, thread_id: str, item: ThreadItem, context: Caller) -> None:
        save = super().save_item
        await self._write(thread_id, context, lambda: save(thread_id, item, context))

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Caller) -> None:
        delete = super().delete_thread_item
        await self._write(thread_id, context, lambda: delete(thread_id, item_id, context))

    async def delete_items(
        self, thread_id: str, context: Caller, *, after: str, through: str
    ) -> None:
        delete = super().delete_items
        await self._write(
            thread_id, context, lambda: delete(thread_id, context, after=after, through=through)
        )

    async def _write(
        self, thread_id: str, context: Caller, write: Callable[[], Awaitable[None]]
    ) -> None:
        if not isinstance(context, RunContext):
            await write()
            return
        run = context.run
        patient_until = time.monotonic() + self.patience_s
        while True:
            try:
                await write()
            except NotFoundError:
                run.control.end(await self._taken_away(thread_id, context))
            except TooLarge as problem:
                raise _stream_error(context, TOO_LARGE) from problem
            except DatabaseUnavailable as problem:
                if time.monotonic() > patient_until:
                    raise _stream_error(context, UNSAVED) from problem
            else:
                return
            if run.control.reason in TAKEN_AWAY:
                raise _stream_error(context, TAKEN_AWAY[run.control.reason])
            await asyncio.sleep(PAUSE_S)

    async def _taken_away(self, thread_id: str, context: Caller) -> EndReason:
        """Why a run may not write: its lease ran out, or its thread is gone."""
        try:
            await self.load_thread(thread_id, context)
        except NotFoundError:
            return EndReason.DELETED
        return EndReason.LOST


def _stream_error(context: RunContext, failure: Failure) -> CustomStreamError:
    context.run.failure = failure.code
    return CustomStreamError(text(context.locale, failure.message), allow_retry=failure.retryable)
