"""Every query on tasks, and the only place that has one.

Each method takes the owner first and can reach that owner's rows alone: the predicate is in the
statement, and row-level security stands behind it. Each method is one round trip. Ids begin with
their time, so the order of the ids is the order of making, and the id of a task that was deleted
meanwhile still serves as a cursor.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any, Final, LiteralString

from sidestream.problems import KeyReused, NotFound
from sidestream.store.database import Database, Statement
from sidestream.store.ids import new_id
from sidestream.tasks.task import (
    Due,
    Task,
    TaskChanges,
    TaskDraft,
    TaskFilter,
    TaskPage,
    is_task_id,
)
from sidestream.tool_server.fields import like_pattern

_NOON: Final = time(12, tzinfo=UTC)

# A day also has a `due_at`, its noon in UTC, for releases that know no days: they show it on that
# day in almost every zone. One of them may have changed it since, and then it is a moment.
_COLUMNS: Final[LiteralString] = """
    id, title, notes, completed, due_at, created_at, updated_at,
    case when due_at = (due_on + time '12:00') at time zone 'UTC' then due_on end as due_on
"""

_INSERT: Final[LiteralString] = """
    insert into tasks (user_id, id, title, notes, due_at, due_on, idempotency_key, request_hash)
    values (%(user_id)s, %(id)s, %(title)s, %(notes)s, %(due_at)s, %(due_on)s, %(key)s,
      %(request_hash)s)
    on conflict do nothing
"""

# Finds the row just made, the one an earlier request with this key made, or the one this very
# statement made before its connection broke and it was sent again.
_INSERTED: Final[LiteralString] = f"""
    select {_COLUMNS}, request_hash from tasks
    where user_id = %(user_id)s and (id = %(id)s or idempotency_key = %(key)s)
"""  # noqa: S608

_GET: Final[LiteralString] = f"""
    select {_COLUMNS} from tasks where user_id = %(user_id)s and id = %(id)s
"""  # noqa: S608

_LIST: Final[LiteralString] = f"""
    select {_COLUMNS} from tasks
    where user_id = %(user_id)s
      and (%(completed)s::boolean is null or completed = %(completed)s::boolean)
      and (%(after)s::text is null or id < %(after)s::text)
    order by id desc limit %(rows)s
"""  # noqa: S608

_SEARCH: Final[LiteralString] = f"""
    select {_COLUMNS}
    from search_tasks(%(user_id)s, %(words)s::text[], %(patterns)s::text[],
        %(completed)s::boolean, %(after)s::text, %(rows)s) as found (found_id),
      lateral (
        select * from tasks where user_id = %(user_id)s and id = found_id offset 0
      ) as task
    order by id desc
"""  # noqa: S608

_UPDATE: Final[LiteralString] = f"""
    update tasks set
      title = coalesce(%(title)s::text, title),
      notes = coalesce(%(notes)s::text, notes),
      completed = coalesce(%(completed)s::boolean, completed),
      due_at = case when %(clear_due_at)s then null
               else coalesce(%(due_at)s::timestamptz, due_at) end,
      due_on = case when %(clear_due_at)s or %(due_at)s::timestamptz is not null
               then %(due_on)s::date else due_on end,
      updated_at = now()
    where user_id = %(user_id)s and id = %(id)s
    returning {_COLUMNS}
"""  # noqa: S608

_DELETE: Final[LiteralString] = f"""
    delete from tasks where user_id = %(user_id)s and id = %(id)s returning {_COLUMNS}
"""  # noqa: S608


class TaskRepository:
    """The tasks in Postgres. Raises `DatabaseUnavailable` when it cannot be reached."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user_id: str, draft: TaskDraft, key: str | None = None) -> Task:
        """Make a task; a repetition with the same `key` gives the task that the first one made.

        Raises `KeyReused` when the key was used with another draft.
        """
        request_hash = _hash(draft)
        params = {
            "user_id": user_id,
            "id": new_id("tsk"),
            "title": draft.title,
            "notes": draft.notes,
            **_due_params(draft.due_at),
            "key": key,
            "request_hash": request_hash,
        }
        _, rows = await self._database.run(
            user_id, Statement(_INSERT, params), Statement(_INSERTED, params), tag="tasks.add"
        )
        row = rows[0]
        if key is not None and bytes(row.pop("request_hash")) != request_hash:
            raise KeyReused
        return _task(row)

    async def get(self, user_id: str, task_id: str) -> Task:
        """Give one task. Raises `NotFound`."""
        return await self._one("tasks.get", _GET, {"user_id": user_id, "id": task_id})

    async def list(self, user_id: str, wanted: TaskFilter) -> TaskPage:
        """Give one page of tasks, newest first."""
        params = {
            "user_id": user_id,
            "completed": wanted.completed,
            "after": wanted.after,
            "words": [unicodedata.normalize("NFC", word) for word in wanted.words],
            "patterns": [like_pattern(word) for word in wanted.words],
            "rows": wanted.limit + 1,
        }
        statement = Statement(_SEARCH if wanted.words else _LIST, params)
        [rows] = await self._database.run(user_id, statement, tag="tasks.list")
        return _page(rows, wanted.limit)

    async def update(self, user_id: str, task_id: str, changes: TaskChanges) -> Task:
        """Change a task and give it as it is now. Raises `NotFound`."""
        params = {
            "user_id": user_id,
            "id": task_id,
            "title": changes.title,
            "notes": changes.notes,
            "completed": changes.completed,
            **_due_params(changes.due_at),
            "clear_due_at": changes.clear_due_at,
        }
        return await self._one("tasks.update", _UPDATE, params)

    async def delete(self, user_id: str, task_id: str) -> Task:
        """Delete a task and give it as it was. Raises `NotFound`."""
        return await self._one("tasks.delete", _DELETE, {"user_id": user_id, "id": task_id})

    async def _one(self, tag: str, sql: LiteralString, params: Mapping[str, Any]) -> Task:
        if not is_task_id(params["id"]):
            raise NotFound("There is no such task.")
        (rows,) = await self._database.run(params["user_id"], Statement(sql, params), tag=tag)
        if not rows:
            raise NotFound("There is no such task.")
        return _task(rows[0])


def _task(row: Mapping[str, Any]) -> Task:
    return Task(
        id=row["id"],
        title=row["title"],
        notes=row["notes"],
        completed=row["completed"],
        due_at=row["due_on"] or row["due_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _due_params(due: Due | None) -> dict[str, Due | None]:
    if due is None or isinstance(due, datetime):
        return {"due_at": due, "due_on": None}
    return {"due_at": datetime.combine(due, _NOON), "due_on": due}


def _page(rows: Sequence[Mapping[str, Any]], limit: int) -> TaskPage:
    tasks = tuple(_task(row) for row in rows[:limit])
    return TaskPage(tasks, after=tasks[-1].id if len(rows) > limit else None)


def _hash(draft: TaskDraft) -> bytes:
    due_at = draft.due_at.isoformat() if draft.due_at else None
    return hashlib.sha256(json.dumps([draft.title, draft.notes, due_at]).encode()).digest()
