"""The ChatKit `Store` on Postgres: all 14 methods, each within the caller's own rows.

Every statement names the user, and row-level security stands behind it. A row of another user is
met exactly as one that is not there: loads raise `RowNotFound`, deletes do nothing. Writes are
upserts that keep an item's place in its thread, because ChatKit saves some items twice and because
a call may be sent twice.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, LiteralString

import psycopg
from chatkit.store import Store, StoreItemType
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata

from ..caller import Caller
from ..problems import UnknownCursor
from . import codec, pages, usage
from .codec import RowNotFound
from .database import Database, Rows, Statement
from .ids import new_id
from .lease import DEAD, PERMIT, PERMITTED
from .removal import REMOVE_ITEM, REMOVE_ITEMS
from .sizes import SIZES, Sizes

type Settle = Callable[[Caller, str], Awaitable[object]]

MAX_PAGE: Final = 100

_THREADS: Final = "threads"

_PREFIXES: Final[dict[StoreItemType, str]] = {
    "thread": "thr",
    "message": "msg",
    "tool_call": "tc",
    "task": "tsk",
    "workflow": "wf",
    "attachment": "atc",
    "sdk_hidden_context": "shcx",
}

_THREAD: Final = """
    select data::text as data from threads where user_id = %(user)s and id = %(thread)s
"""
_SAVE_THREAD: Final = """
    insert into threads (id, user_id, created_at, data)
    values (%(thread)s, %(user)s, %(created_at)s, %(data)s)
    on conflict (id) do update set data = excluded.data, updated_at = now()
    where threads.user_id = excluded.user_id
    returning id
"""
_TOUCH_THREAD: Final[LiteralString] = f"""
    {PERMIT}
    update threads set updated_at = now()
    where user_id = %(user)s and id = %(thread)s and {PERMITTED}
"""  # noqa: S608
_DELETE_THREAD: Final = "delete from threads where user_id = %(user)s and id = %(thread)s"
_THREAD_CURSOR: Final = "select id from threads where user_id = %(user)s and id = %(after)s"
_ITEM: Final = """
    select data::text as data from thread_items
    where user_id = %(user)s and thread_id = %(thread)s and id = %(item)s
"""
_SAVE_ITEM: Final[LiteralString] = f"""
    {PERMIT}
    insert into thread_items (thread_id, id, user_id, type, created_at, data)
    select %(thread)s::text, %(item)s::text, %(user)s::text, %(type)s::text,
      %(created_at)s::timestamptz, %(data)s::json
    where {PERMITTED}
    on conflict (thread_id, id) do update set type = excluded.type, data = excluded.data
    where thread_items.user_id = excluded.user_id
    returning id
"""
_DEAD_RUN: Final[LiteralString] = f"""
    select id from runs where user_id = %(user)s and thread_id = %(thread)s and {DEAD}
"""  # noqa: S608
_ITEM_CURSOR: Final = """
    select id from thread_items
    where user_id = %(user)s and thread_id = %(thread)s and id = %(after)s
"""
_ATTACHMENT: Final = """
    select data::text as data from attachments where user_id = %(user)s and id = %(attachment)s
"""
_THREAD_ATTACHMENTS: Final = """
    select data::text as data from attachments
    where user_id = %(user)s and thread_id = %(thread)s order by created_at, id
"""
_SAVE_ATTACHMENT: Final = """
    insert into attachments (id, user_id, thread_id, data)
    values (%(attachment)s, %(user)s, %(thread)s, %(data)s)
    on conflict (id) do update set thread_id = excluded.thread_id, data = excluded.data
    where attachments.user_id = excluded.user_id
    returning id
"""
_DELETE_ATTACHMENT: Final = """
    delete from attachments where user_id = %(user)s and id = %(attachment)s
"""


class PostgresStore(Store[Caller]):
    """Threads, items and attachments of each caller.

    `limit` of a page is brought into 1..100; a page is shorter where its rows are large (`Sizes`),
    and its `after` leads on. A page starts where the one before ended: `after` is
    that one's, whatever became of its rows since. The id of a row serves as well while the row is
    there; anything else raises `UnknownCursor`. Threads come by last activity, items in the order
    in which they were first saved. Content that Postgres cannot hold raises `Invalid`, an item that
    is too large `TooLarge`.

    `settle` is called for a run that died, by its id, before the items of its thread are given.
    """

    def __init__(
        self, database: Database, sizes: Sizes = SIZES, *, settle: Settle | None = None
    ) -> None:
        self._database = database
        self._sizes = sizes
        self._settle = settle

    def writer(self, context: Caller) -> str | None:  # noqa: ARG002
        """Give the run that writes, whose items are only written while it is alive; None for a
        request that is no run."""
        return None

    def generate_thread_id(self, context: Caller) -> str:  # noqa: ARG002
        return new_id("thr")

    def generate_item_id(
        self,
        item_type: StoreItemType,
        thread: ThreadMetadata,  # noqa: ARG002
        context: Caller,  # noqa: ARG002
    ) -> str:
        return new_id(_PREFIXES[item_type])

    async def load_thread(self, thread_id: str, context: Caller) -> ThreadMetadata:
        row = await self._one(context, "load_thread", _THREAD, thread=thread_id)
        return codec.thread_from(row)

    async def save_thread(self, thread: ThreadMetadata, context: Caller) -> None:
        await self._one(
            context,
            "save_thread",
            _SAVE_THREAD,
            thread=thread.id,
            created_at=codec.aware_utc(thread.created_at),
            data=codec.thread_json(thread),
        )

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Caller
    ) -> Page[ThreadMetadata]:
        wanted = self._page_of(limit)
        seen = pages.seen(_THREADS, after)
        query = pages.of_threads(order, seen)
        statements = [_statement(context, query, **pages.after(seen), **wanted)]
        if seen and seen.place is None:
            statements.append(_statement(context, _THREAD_CURSOR, after=seen.id))
        rows, *known = await self._run(context, "load_threads", statements)
        if not all(known):
            raise UnknownCursor
        return pages.page(_THREADS, [codec.thread_from(row) for row in rows], rows)

    async def delete_thread(self, thread_id: str, context: Caller) -> None:
        statement = _statement(context, _DELETE_THREAD, thread=thread_id)
        await self._run(context, "delete_thread", [statement])

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Caller
    ) -> Page[ThreadItem]:
        seen = pages.seen(thread_id, after)
        query = pages.of_items(order, seen)
        page = {**pages.after(seen), **self._page_of(limit)}
        statements = [
            _statement(context, query, thread=thread_id, **page),
            _statement(context, _THREAD, thread=thread_id),
        ]
        if self._settle is not None:
            statements.append(_statement(context, _DEAD_RUN, thread=thread_id))
        if seen and seen.place is None:
            statements.append(_statement(context, _ITEM_CURSOR, thread=thread_id, after=seen.id))
        rows, found, *known = await self._run(context, "load_thread_items", statements)
        if self._settle is not None and (dead := known.pop(0)):
            await self._settle(context, str(dead[0]["id"]))
            rows, found, _, *known = await self._run(context, "load_thread_items", statements)
        _require(found)
        if not all(known):
            raise UnknownCursor
        return pages.page(thread_id, [codec.item_from(row) for row in rows], rows)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Caller) -> None:
        # In the order in which a run that begins takes its locks.
        statements = [
            _statement(context, _TOUCH_THREAD, thread=thread_id, run=self.writer(context)),
            self._saving(thread_id, item, context),
        ]
        _, saved = await self._run(context, "add_thread_item", statements)
        _require(saved)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Caller) -> None:
        statement = self._saving(thread_id, item, context)
        _require(*await self._run(context, "save_item", [statement]))

    async def load_item(self, thread_id: str, item_id: str, context: Caller) -> ThreadItem:
        row = await self._one(context, "load_item", _ITEM, thread=thread_id, item=item_id)
        return codec.item_from(row)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Caller) -> None:
        run = self.writer(context)
        statement = _statement(context, REMOVE_ITEM, thread=thread_id, item=item_id, run=run)
        await self._run(context, "delete_thread_item", [statement])

    async def delete_items(
        self, thread_id: str, context: Caller, *, after: str, through: str
    ) -> None:
        """Delete the items that come after one, up to another and with it: all of them or none.
        Nothing when either of the two is not there."""
        statement = _statement(
            context,
            REMOVE_ITEMS,
            run=self.writer(context),
            thread=thread_id,
            after=after,
            through=through,
        )
        await self._run(context, "delete_items", [statement])

    async def save_attachment(self, attachment: Attachment, context: Caller) -> None:
        await self._one(
            context,
            "save_attachment",
            _SAVE_ATTACHMENT,
            attachment=attachment.id,
            thread=attachment.thread_id,
            data=codec.attachment_json(attachment),
        )

    async def load_attachment(self, attachment_id: str, context: Caller) -> Attachment:
        row = await self._one(context, "load_attachment", _ATTACHMENT, attachment=attachment_id)
        return codec.attachment_from(row)

    async def load_thread_attachments(self, thread_id: str, context: Caller) -> list[Attachment]:
        """Give a thread's attachments, oldest first: whose files go when the thread goes."""
        statement = _statement(context, _THREAD_ATTACHMENTS, thread=thread_id)
        [rows] = await self._run(context, "load_thread_attachments", [statement])
        return [codec.attachment_from(row) for row in rows]

    async def delete_attachment(self, attachment_id: str, context: Caller) -> None:
        statement = _statement(context, _DELETE_ATTACHMENT, attachment=attachment_id)
        await self._run(context, "delete_attachment", [statement])

    async def count_request(
        self, context: Caller, *, requests_per_minute: int | None, tokens_per_day: int | None
    ) -> None:
        """Count a request that opens no run. Raises `RateLimited`. A limit of None is no limit."""
        await usage.count_request(
            self._database,
            context,
            requests_per_minute=requests_per_minute,
            tokens_per_day=tokens_per_day,
        )

    def _saving(self, thread_id: str, item: ThreadItem, context: Caller) -> Statement:
        return _statement(
            context,
            _SAVE_ITEM,
            run=self.writer(context),
            thread=thread_id,
            item=item.id,
            type=item.type,
            created_at=codec.aware_utc(item.created_at),
            data=codec.item_json(item, self._sizes.item_bytes),
        )

    def _page_of(self, limit: int) -> dict[str, int]:
        size = max(1, min(limit, MAX_PAGE))
        return {"size": size, "limit": size + 1, "page_bytes": self._sizes.page_bytes}

    async def _one(
        self, context: Caller, tag: str, query: LiteralString, **params: Any
    ) -> dict[str, Any]:
        [rows] = await self._run(context, tag, [_statement(context, query, **params)])
        _require(rows)
        return rows[0]

    async def _run(self, context: Caller, tag: str, statements: Sequence[Statement]) -> list[Rows]:
        try:
            return await self._database.run(context.user_id, *statements, tag=tag)
        except psycopg.errors.ForeignKeyViolation as error:
            raise RowNotFound from error
        except psycopg.errors.InsufficientPrivilege as error:
            # An upsert that met another user's row: row-level security shows it as no row at all.
            if "row-level security" in (error.diag.message_primary or ""):
                raise RowNotFound from error
            raise


def _statement(context: Caller, query: LiteralString, **params: Any) -> Statement:
    return Statement(query, {"user": context.user_id, **params})


def _require(*results: Rows) -> None:
    if not all(results):
        raise RowNotFound
