"""The task, and the rules for what a person or a model may write into one.

The annotated types here (`Title`, `Notes`, `DueAt`, ...) are the only place that says what is
valid; the MCP tools and the REST bodies are both built of them, so the two can never differ.

A task is due on a day or at a moment. A day has no time zone: it is the same day wherever it is
looked at.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import PlainValidator, StringConstraints, ValidationInfo, WithJsonSchema

from sidestream.i18n import _
from sidestream.time_zone import UTC_ZONE
from sidestream.tool_server.fields import Storable, Visible, check_cursor, stamp, zone_of

MAX_TITLE_CHARS: Final = 500
MAX_NOTES_CHARS: Final = 5_000

_FIRST_YEAR, _LAST_YEAR = 1900, 9998

type Due = date | datetime
"""A day, or a moment: a `datetime` is a moment, and aware."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of one person. All times are aware and in UTC."""

    id: str
    title: str
    notes: str
    completed: bool
    due_at: Due | None
    created_at: datetime
    updated_at: datetime

    def document(self, zone: ZoneInfo = UTC_ZONE) -> dict[str, Any]:
        """Give the task as JSON, with times as a zone has them (RFC 3339). `due_at` is a day
        (`2026-12-24`), a time, or null."""
        return {
            "id": self.id,
            "title": self.title,
            "notes": self.notes,
            "completed": self.completed,
            "due_at": _due_text(self.due_at, zone),
            "created_at": stamp(self.created_at, zone),
            "updated_at": stamp(self.updated_at, zone),
        }


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """What a new task is made of."""

    title: str
    notes: str = ""
    due_at: Due | None = None


@dataclass(frozen=True, slots=True)
class TaskChanges:
    """What to change in a task. `None` leaves a field as it is; `clear_due_at` takes the due time
    away."""

    title: str | None = None
    notes: str | None = None
    completed: bool | None = None
    due_at: Due | None = None
    clear_due_at: bool = False


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks to list, newest first. `words` must all occur in the title or the first 2,000
    characters of the notes; `after` is the id of the last task of the page before."""

    completed: bool | None = None
    words: tuple[str, ...] = ()
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One page of tasks; `after` leads to the next one and is None on the last."""

    tasks: tuple[Task, ...]
    after: str | None


def parse_due_at(value: Any, info: ValidationInfo) -> Due:
    """Read an ISO 8601 date or date-time. One without an offset is the moment at which clocks in
    the person's zone show it: where they skip it, they are past it by as much, and where they show
    it twice, it is the first time (PEP 495).

    Raises `ValueError` with a sentence for people.
    """
    if not isinstance(value, str):
        raise ValueError(_DUE_AT_HINT)
    due = _day_or_moment(value.strip(), zone_of(info))
    if not _FIRST_YEAR <= due.year <= _LAST_YEAR:
        raise ValueError(_("must be between the years 1900 and 9998"))
    return due


def _day_or_moment(text: str, zone: ZoneInfo) -> Due:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(_DUE_AT_HINT) from None


def _due_text(due: Due | None, zone: ZoneInfo) -> str | None:
    if isinstance(due, datetime):
        return stamp(due, zone)
    return due.isoformat() if due else None


def is_task_id(value: str) -> bool:
    """Say whether a text has the form of a task's id."""
    return _ID.fullmatch(value) is not None


_ID = re.compile(r"tsk_[0-9a-f]{32}")
_DUE_AT_HINT = _(
    "must be an ISO 8601 date or date-time, such as 2026-12-24 or 2026-12-24T18:00:00Z"
)

# The constraints stand next to `str`: further out, pydantic measures a text before it is stripped.
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE_CHARS),
    Storable,
    Visible,
]
Notes = Annotated[str, StringConstraints(max_length=MAX_NOTES_CHARS), Storable]
DAY_OR_TIME: Final[dict[str, Any]] = {
    "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
}
DueAt = Annotated[Due, PlainValidator(parse_due_at), WithJsonSchema(DAY_OR_TIME)]
Cursor = Annotated[str, check_cursor(is_task_id)]
