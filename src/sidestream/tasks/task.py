"""The task, and the rules for what a person or a model may write into one.

The annotated types here (`Title`, `Notes`, `DueAt`, ...) are the only place that says what is
valid; the MCP tools and the REST bodies are both built of them, so the two can never differ.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from sidestream.tool_server.fields import Storable, Visible, check_cursor, zulu

MAX_TITLE_CHARS: Final = 500
MAX_NOTES_CHARS: Final = 5_000

_FIRST_YEAR, _LAST_YEAR = 1900, 9998


@dataclass(frozen=True, slots=True)
class Task:
    """One task of one person. All times are aware and in UTC."""

    id: str
    title: str
    notes: str
    completed: bool
    due_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def document(self) -> dict[str, Any]:
        """Give the task as JSON: times are ISO 8601 with `Z`, `due_at` may be null."""
        return {
            "id": self.id,
            "title": self.title,
            "notes": self.notes,
            "completed": self.completed,
            "due_at": zulu(self.due_at) if self.due_at else None,
            "created_at": zulu(self.created_at),
            "updated_at": zulu(self.updated_at),
        }


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """What a new task is made of."""

    title: str
    notes: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskChanges:
    """What to change in a task. `None` leaves a field as it is; `clear_due_at` takes the due time
    away."""

    title: str | None = None
    notes: str | None = None
    completed: bool | None = None
    due_at: datetime | None = None
    clear_due_at: bool = False


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks to list, newest first. `words` must all occur in the title or the notes;
    `after` is the id of the last task of the page before."""

    completed: bool | None = None
    words: tuple[str, ...] = ()
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One page of tasks; `after` leads to the next one and is None on the last."""

    tasks: tuple[Task, ...]
    after: str | None


def parse_due_at(value: Any) -> datetime:
    """Read an ISO 8601 date or date-time. Without an offset it is taken as UTC.

    Raises `ValueError` with a sentence for people.
    """
    if not isinstance(value, str):
        raise ValueError(_DUE_AT_HINT)
    try:
        moment = datetime.fromisoformat(value.strip())
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        utc = aware.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(_DUE_AT_HINT) from None
    if not _FIRST_YEAR <= utc.year <= _LAST_YEAR:
        raise ValueError(f"must be between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return utc


def is_task_id(value: str) -> bool:
    """Say whether a text has the form of a task's id."""
    return _ID.fullmatch(value) is not None


_ID = re.compile(r"tsk_[0-9a-f]{32}")
_DUE_AT_HINT = "must be an ISO 8601 date or date-time, such as 2026-12-24T18:00:00Z"

# The constraints stand next to `str`: further out, pydantic measures a text before it is stripped.
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE_CHARS),
    Storable,
    Visible,
]
Notes = Annotated[str, StringConstraints(max_length=MAX_NOTES_CHARS), Storable]
DueAt = Annotated[
    datetime,
    BeforeValidator(parse_due_at),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Cursor = Annotated[str, check_cursor(is_task_id)]
