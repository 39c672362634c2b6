"""Between ChatKit's models and rows: JSON both ways, naive UTC times, and the error for no row.

ChatKit compares times with its own naive `datetime.now()`, so items keep naive UTC; a column beside
the JSON keeps the same moment with its zone, for SQL readers.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

from chatkit.store import NotFoundError
from chatkit.types import Attachment, Thread, ThreadItem, ThreadMetadata
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticSerializationError

from ..problems import Invalid, NotFound

_items: Final[TypeAdapter[ThreadItem]] = TypeAdapter(ThreadItem)
_attachments: Final[TypeAdapter[Attachment]] = TypeAdapter(Attachment)
_NUL_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class RowNotFound(NotFound, NotFoundError):
    """Not there, or not the caller's: ours to turn into a 404 and ChatKit's to catch."""


def naive_utc(moment: datetime) -> datetime:
    """Give a moment as naive UTC. A naive one is taken to be UTC already: functions run so."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def aware_utc(moment: datetime) -> datetime:
    """Give a moment with its zone, UTC, as `timestamptz` columns take it."""
    return naive_utc(moment).replace(tzinfo=UTC)


def item_json(item: ThreadItem) -> str:
    """Give all of an item as JSON. Raises `Invalid` for text that Postgres cannot hold."""
    return _json(item.model_copy(update={"created_at": naive_utc(item.created_at)}))


def item_from(row: dict[str, Any]) -> ThreadItem:
    """Read an item back from a row whose `data` is its JSON text."""
    return _items.validate_json(row["data"])


def thread_json(thread: ThreadMetadata) -> str:
    """Give a thread's metadata as JSON; ChatKit also hands over a `Thread`, whose items are left
    out. Raises `Invalid` for text that Postgres cannot hold."""
    thread = thread.model_copy(update={"created_at": naive_utc(thread.created_at)})
    return _json(thread, exclude={"items"} if isinstance(thread, Thread) else None)


def thread_from(row: dict[str, Any]) -> ThreadMetadata:
    """Read a thread back from a row whose `data` is its JSON text."""
    return ThreadMetadata.model_validate_json(row["data"])


def attachment_json(attachment: Attachment) -> str:
    """Give all of an attachment as JSON. Raises `Invalid` for text that Postgres cannot hold."""
    return _json(attachment)


def attachment_from(row: dict[str, Any]) -> Attachment:
    """Read an attachment back from a row whose `data` is its JSON text."""
    return _attachments.validate_json(row["data"])


def _json(model: BaseModel, exclude: set[str] | None = None) -> str:
    try:
        text = model.model_dump_json(exclude=exclude)
    except PydanticSerializationError as error:
        raise Invalid("The text contains half of a surrogate pair.") from error
    if "\\u0000" in text and _NUL_ESCAPE.search(text):
        raise Invalid("The text contains a NUL character.")
    return text
