"""Between ChatKit's models and rows: JSON both ways, naive UTC times, and the error for no row.

A row holds what the stream says of a thing, in the same words, and beside them only what is ours
alone, an attachment's `metadata`. ChatKit compares times with its own naive
`datetime.now()`, so models keep naive UTC; JSON has the same moment with its zone.

While two releases overlap, the older one meets rows that the newer one wrote. One that it cannot
read becomes a placeholder (`Newer`), which may be deleted and is never written.
"""

import json
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from chatkit.store import NotFoundError
from chatkit.types import (
    Attachment,
    FileAttachment,
    HiddenContextItem,
    LockedStatus,
    Thread,
    ThreadItem,
    ThreadMetadata,
    ThreadStatus,
)
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from ..problems import Conflict, Invalid, NotFound, TooLarge

_logger = logging.getLogger(__name__)
_items: Final[TypeAdapter[ThreadItem]] = TypeAdapter(ThreadItem)
_attachments: Final[TypeAdapter[Attachment]] = TypeAdapter(Attachment)
_NUL_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class Newer(BaseModel):
    """Stands for a row that a newer release wrote and this one cannot read."""


class NewerItem(HiddenContextItem, Newer):
    """An item that clients and the model are not shown: its `content` is of no kind."""


class NewerThread(ThreadMetadata, Newer):
    """A thread that takes no messages, by its title."""

    status: ThreadStatus = LockedStatus()


class NewerAttachment(FileAttachment, Newer):
    """A file of which no more than its id is known."""


class RowNotFound(NotFound, NotFoundError):
    """Not there, or not the caller's: ours to turn into a 404 and ChatKit's to catch."""


def naive_utc(moment: datetime) -> datetime:
    """Give a moment as naive UTC. A naive one is taken to be UTC already: functions run so."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def aware_utc(moment: datetime) -> datetime:
    """Give a moment with its zone, UTC, as `timestamptz` columns take it."""
    return naive_utc(moment).replace(tzinfo=UTC)


def settled(item: ThreadItem) -> ThreadItem:
    """Give an item as it is read back from its JSON: a widget that was built from a template gets
    the defaults that its components have, an action's `handler` say."""
    dated = item.model_copy(update={"created_at": aware_utc(item.created_at)})
    return _items.validate_json(_dump(dated))


def item_json(item: ThreadItem, max_bytes: int | None = None) -> str:
    """Give all of an item as JSON. Raises `Invalid` for text that Postgres cannot hold, `TooLarge`
    for more than `max_bytes`, `Conflict` for a placeholder."""
    text = _json(item if isinstance(item, Newer) else settled(item))
    if max_bytes is not None and len(text.encode()) > max_bytes:
        raise TooLarge("All of a message may have {count} bytes at most.", count=max_bytes)
    return text


def item_columns(items: Sequence[ThreadItem], max_bytes: int | None = None) -> dict[str, list[Any]]:
    """Give items as columns, for a statement that writes several: `ids`, `types`, `times`, `items`.
    Raises as `item_json` does."""
    return {
        "ids": [item.id for item in items],
        "types": [item.type for item in items],
        "times": [aware_utc(item.created_at) for item in items],
        "items": [item_json(item, max_bytes) for item in items],
    }


def item_from(row: dict[str, Any]) -> ThreadItem:
    """Read an item back from a row whose `data` is its JSON text, or a `NewerItem`."""
    try:
        return _with_naive_time(_items.validate_json(row["data"]))
    except ValidationError:
        known = _known(row, "id", "thread_id", "created_at")
        return _with_naive_time(NewerItem(**known, type="hidden_context_item", content={}))


def thread_json(thread: ThreadMetadata) -> str:
    """Give a thread's metadata as JSON; ChatKit also hands over a `Thread`, whose items are left
    out. Raises `Invalid` for text that Postgres cannot hold, `Conflict` for a placeholder."""
    dated = thread.model_copy(update={"created_at": aware_utc(thread.created_at)})
    return _json(dated, exclude={"items"} if isinstance(thread, Thread) else None)


def thread_from(row: dict[str, Any]) -> ThreadMetadata:
    """Read a thread back from a row whose `data` is its JSON text, or a `NewerThread`."""
    try:
        return _with_naive_time(ThreadMetadata.model_validate_json(row["data"]))
    except ValidationError:
        return _with_naive_time(NewerThread(**_known(row, "id", "title", "created_at")))


def attachment_json(attachment: Attachment) -> str:
    """Give all of an attachment as JSON. Raises `Invalid` for text that Postgres cannot hold,
    `Conflict` for a placeholder."""
    return _json(attachment)


def attachment_from(row: dict[str, Any]) -> Attachment:
    """Read an attachment back from a row whose `data` is its JSON text, or a `NewerAttachment`."""
    try:
        return _attachments.validate_json(row["data"])
    except ValidationError:
        return NewerAttachment(
            **_known(row, "id"), type="file", name="", mime_type="application/octet-stream"
        )


def _known(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """What every release agrees on, of a row that this one cannot read."""
    _logger.warning("a row of a newer release is left as it is")
    data = json.loads(row["data"])
    return {name: data.get(name) for name in names}


def _with_naive_time[T: (ThreadItem, ThreadMetadata)](model: T) -> T:
    model.created_at = naive_utc(model.created_at)
    return model


def _json(model: BaseModel, exclude: set[str] | None = None) -> str:
    if isinstance(model, Newer):
        raise Conflict("This was written by a newer release and cannot be changed by this one.")
    text = _dump(model, exclude)
    if "\\u0000" in text and _NUL_ESCAPE.search(text):
        raise Invalid("The text contains a NUL character.")
    return text


def _dump(model: BaseModel, exclude: set[str] | None = None) -> str:
    try:
        return model.model_dump_json(by_alias=True, exclude_none=True, exclude=exclude)
    except PydanticSerializationError as error:
        raise Invalid("The text contains half of a surrogate pair.") from error
