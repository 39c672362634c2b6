"""Feedback: what people thought of an answer, one word per item, the last word counts."""

from collections.abc import Sequence
from typing import Final

from chatkit.types import FeedbackKind

from ..caller import Caller
from .codec import RowNotFound
from .database import Database, Statement

_SAVE: Final = """
    with known as (
      select thread_id, id, user_id from thread_items
      where user_id = %(user)s and thread_id = %(thread)s and id = any(%(items)s::text[])
    ),
    saved as (
      insert into feedback (thread_id, item_id, user_id, kind)
      select thread_id, id, user_id, %(kind)s from known
      where (select count(*) from known) = %(count)s
      on conflict (thread_id, item_id) do update set kind = excluded.kind, created_at = now()
      where feedback.user_id = excluded.user_id
    )
    select count(*) as known from known
"""


class Feedback:
    """The feedback of each caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(
        self, caller: Caller, thread_id: str, item_ids: Sequence[str], kind: FeedbackKind
    ) -> None:
        """Save one kind for all of the items, or for none: raises `RowNotFound` when any of them,
        or the thread, is not there or not the caller's."""
        wanted = sorted(set(item_ids))
        params = {
            "user": caller.user_id,
            "thread": thread_id,
            "items": wanted,
            "count": len(wanted),
            "kind": kind,
        }
        statement = Statement(_SAVE, params)
        [[result]] = await self._database.run(caller.user_id, statement, tag="save_feedback")
        if not wanted or result["known"] != len(wanted):
            raise RowNotFound
