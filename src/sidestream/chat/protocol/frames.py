"""Frames: ChatKit events as they go over the wire.

A frame is the compact JSON of one event (`exclude_none`), sent as `data: <json>` and a blank line
(WHATWG HTML section 9.2.6). An item in it is what a later reader gets from its row, word for word
(`store.codec`). Times inside carry their zone: models keep naive UTC, as ChatKit's own code does,
and a browser would read that as local time.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from typing import Any, Final

from chatkit.types import (
    HiddenContextItem,
    Page,
    SDKHiddenContextItem,
    SyncCustomActionResponse,
    Thread,
    ThreadCreatedEvent,
    ThreadItemAddedEvent,
    ThreadItemBase,
    ThreadItemDoneEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadUpdatedEvent,
)
from pydantic import BaseModel

from sidestream.chat.context import ToolRecord
from sidestream.store.codec import settled
from sidestream.streaming.lines import one_line

HIDDEN: Final = (HiddenContextItem, SDKHiddenContextItem)
"""Items that no client ever sees."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a run: its number within the run, from 1, and its JSON."""

    number: int
    payload: str
    speaks: bool = False
    """Whether it carries words of the answer."""

    def sse(self) -> bytes:
        """Give the frame as a server-sent event, with its number as the event's id."""
        return f"id: {self.number}\ndata: {one_line(self.payload)}\n\n".encode()


class LeftOff(Exception):
    """The entries of a run end here, and the run may go on: whoever follows it may come again."""


def encode(value: BaseModel) -> str:
    """Give the wire JSON of an event or an answer."""
    if isinstance(value, ThreadItemAddedEvent | ThreadItemDoneEvent | ThreadItemReplacedEvent):
        value = value.model_copy(update={"item": settled(value.item)})
    for dated in _dated(value):
        if dated.created_at.tzinfo is None:
            dated.created_at = dated.created_at.replace(tzinfo=UTC)
    return value.model_dump_json(
        by_alias=True, exclude_none=True, context={"exclude_metadata": True}
    )


def pack(payload: str, records: Sequence[ToolRecord]) -> str:
    """Give the stored form of a frame: its JSON, and on further lines the tool calls that ended
    since the frame before, for a replay of the plain stream."""
    lines = [json.dumps(_stored(record), ensure_ascii=False) for record in records]
    return "\n".join([payload, *lines])


def _stored(record: ToolRecord) -> dict[str, Any]:
    """What the plain stream tells of a call. What its server wants is between it and the card."""
    told = replace(record, result=None, held=record.waits, needs=None)
    # A release before this one knows no `ours`; without it the words are taken for a tool's.
    return {name: value for name, value in asdict(told).items() if name not in ("needs", "ours")}


def unpack(stored: str) -> tuple[str, list[ToolRecord]]:
    """Read what `pack` gave."""
    payload, *lines = stored.split("\n")
    return payload, [ToolRecord(**json.loads(line)) for line in lines]


def _dated(value: Any) -> Iterable[ThreadItemBase | ThreadMetadata]:
    match value:
        case ThreadCreatedEvent() | ThreadUpdatedEvent():
            yield from _dated(value.thread)
        case Thread():
            yield value
            yield from _dated(value.items)
        case ThreadItemBase():
            yield value
        case Page():
            for row in value.data:
                yield from _dated(row)
        case SyncCustomActionResponse():
            yield from _dated(value.updated_item)
