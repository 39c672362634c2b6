"""How answers ended, by what their items say, and runs put back to a moment before that."""

from collections.abc import Sequence
from typing import Any

import psycopg
from chatkit.types import ThreadItem

from sidestream.chat.incomplete import reason_of


def endings(items: Sequence[ThreadItem]) -> list[str]:
    """Why answers among some items are not whole."""
    return [reason for item in items if (reason := reason_of(item))]


class Rewound:
    """A run that has ended, the first of its thread, which can be put back to when it had not."""

    def __init__(self, owner_url: str, run_id: str) -> None:
        self._url = owner_url
        self._run_id = run_id
        with psycopg.connect(owner_url) as owner:
            batches = owner.execute(
                "select frames from run_events where run_id = %s order by first_event", (run_id,)
            ).fetchall()
            self._frames = [frame for [batch] in batches for frame in batch]
            self._items = owner.execute(
                "select thread_id, seq, id, user_id, type, created_at, data::text"
                " from thread_items where thread_id = (select thread_id from runs where id = %s)"
                " order by seq",
                (run_id,),
            ).fetchall()

    def to(self, frames: int, items: int) -> None:
        """Have its process dead for two minutes, with its first `frames` saved, and the first
        `items` that are shown of its thread, with what is hidden between them."""
        rows: list[tuple[Any, ...]] = []
        shown = 0
        for row in self._items:
            if shown < items:
                rows.append(row)
            shown += not row[4].startswith("hidden")
        kept = self._frames[:frames]
        with psycopg.connect(self._url) as owner:
            owner.execute("delete from run_events where run_id = %s", (self._run_id,))
            if kept:
                owner.execute(
                    "insert into run_events (run_id, user_id, first_event, last_event, frames)"
                    " select id, user_id, 1, %s, %s from runs where id = %s",
                    (len(kept), kept, self._run_id),
                )
            owner.execute("delete from thread_items where thread_id = %s", (self._items[0][0],))
            for row in rows:
                owner.execute(
                    "insert into thread_items (thread_id, seq, id, user_id, type, created_at, data)"
                    " overriding system value values (%s, %s, %s, %s, %s, %s, %s)",
                    row,
                )
            owner.execute(
                "update runs set status = 'running', lease_expires_at = now() - interval '2 min',"
                " ended_at = null, error = null, input_tokens = null, kept_event = null"
                " where id = %s",
                (self._run_id,),
            )
