"""Every query on tickets. Each takes the owner first and reaches that owner's rows alone: the
predicate is in the statement, and row-level security stands behind it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any, Final, LiteralString

from examples.tickets.ticket import (
    Ticket,
    TicketChanges,
    TicketDraft,
    TicketFilter,
    TicketPage,
    is_ticket_id,
)
from sidestream.problems import KeyReused, NotFound
from sidestream.store.database import Database, Statement
from sidestream.store.ids import new_id
from sidestream.tool_server.fields import like_pattern

_COLUMNS: Final[LiteralString] = (
    "id, subject, body, status, priority, assignee, customer_email, close_reason,"
    " created_at, updated_at"
)

_INSERT: Final[LiteralString] = """
    insert into tickets (user_id, id, subject, body, priority, assignee, customer_email,
                         idempotency_key, request_hash)
    values (%(user_id)s, %(id)s, %(subject)s, %(body)s, %(priority)s, %(assignee)s,
            %(customer_email)s, %(key)s, %(request_hash)s)
    on conflict do nothing
"""

# The row just made, or the one that an earlier request with this key made.
_INSERTED: Final[LiteralString] = f"""
    select {_COLUMNS}, request_hash from tickets
    where user_id = %(user_id)s and (id = %(id)s or idempotency_key = %(key)s)
"""  # noqa: S608

_GET: Final[LiteralString] = f"""
    select {_COLUMNS} from tickets where user_id = %(user_id)s and id = %(id)s
"""  # noqa: S608

_LIST: Final[LiteralString] = f"""
    select {_COLUMNS} from tickets
    where user_id = %(user_id)s
      and (%(status)s::text is null or status = %(status)s::text)
      and (%(after)s::text is null or id < %(after)s::text)
      and normalize(concat_ws(E'\\n', subject, body, customer_email)) ilike all (%(patterns)s::text[])
    order by id desc
    limit %(rows)s
"""  # noqa: E501, S608

_UPDATE: Final[LiteralString] = f"""
    update tickets set
      subject = coalesce(%(subject)s::text, subject),
      body = coalesce(%(body)s::text, body),
      status = coalesce(%(status)s::text, status),
      priority = coalesce(%(priority)s::text, priority),
      assignee = coalesce(%(assignee)s::text, assignee),
      customer_email = coalesce(%(customer_email)s::text, customer_email),
      close_reason = case coalesce(%(status)s::text, status)
        when 'closed' then coalesce(%(close_reason)s::text, close_reason) else '' end,
      updated_at = now()
    where user_id = %(user_id)s and id = %(id)s
    returning {_COLUMNS}
"""  # noqa: S608

_DELETE: Final[LiteralString] = f"""
    delete from tickets where user_id = %(user_id)s and id = %(id)s returning {_COLUMNS}
"""  # noqa: S608


class TicketRepository:
    """The tickets in Postgres. Raises `DatabaseUnavailable` when it cannot be reached."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user_id: str, draft: TicketDraft, key: str | None = None) -> Ticket:
        """Make a ticket; a repetition with the same `key` gives the one that the first one made.

        Raises `KeyReused` when the key was used with another draft.
        """
        request_hash = hashlib.sha256(json.dumps(astuple(draft)).encode()).digest()
        params = {
            "user_id": user_id,
            "id": new_id("tck"),
            "subject": draft.subject,
            "body": draft.body,
            "priority": draft.priority,
            "assignee": draft.assignee,
            "customer_email": draft.customer_email,
            "key": key,
            "request_hash": request_hash,
        }
        _, rows = await self._database.run(
            user_id, Statement(_INSERT, params), Statement(_INSERTED, params), tag="tickets.add"
        )
        row = dict(rows[0])
        if bytes(row.pop("request_hash")) != request_hash:
            raise KeyReused
        return Ticket(**row)

    async def get(self, user_id: str, ticket_id: str) -> Ticket:
        """Give one ticket. Raises `NotFound`."""
        return await self._one("tickets.get", _GET, {"user_id": user_id, "id": ticket_id})

    async def list(self, user_id: str, wanted: TicketFilter) -> TicketPage:
        """Give one page of tickets, newest first."""
        params = {
            "user_id": user_id,
            "status": wanted.status,
            "after": wanted.after,
            "patterns": [like_pattern(word) for word in wanted.words],
            "rows": wanted.limit + 1,
        }
        (rows,) = await self._database.run(user_id, Statement(_LIST, params), tag="tickets.list")
        tickets = tuple(Ticket(**row) for row in rows[: wanted.limit])
        return TicketPage(tickets, after=tickets[-1].id if len(rows) > wanted.limit else None)

    async def update(self, user_id: str, ticket_id: str, changes: TicketChanges) -> Ticket:
        """Change a ticket and give it as it is now. Raises `NotFound`."""
        params = {
            "user_id": user_id,
            "id": ticket_id,
            "subject": changes.subject,
            "body": changes.body,
            "status": changes.status,
            "priority": changes.priority,
            "assignee": changes.assignee,
            "customer_email": changes.customer_email,
            "close_reason": changes.close_reason,
        }
        return await self._one("tickets.update", _UPDATE, params)

    async def delete(self, user_id: str, ticket_id: str) -> Ticket:
        """Delete a ticket and give it as it was. Raises `NotFound`."""
        return await self._one("tickets.delete", _DELETE, {"user_id": user_id, "id": ticket_id})

    async def _one(self, tag: str, sql: LiteralString, params: Mapping[str, Any]) -> Ticket:
        if not is_ticket_id(params["id"]):
            raise NotFound("There is no such ticket.")
        (rows,) = await self._database.run(params["user_id"], Statement(sql, params), tag=tag)
        if not rows:
            raise NotFound("There is no such ticket.")
        return Ticket(**rows[0])
