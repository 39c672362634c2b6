"""What the saved frames of a run tell: what was being written when it died, and what had ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ErrorEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)
from pydantic import TypeAdapter, ValidationError

from sidestream.chat.context import ToolRecord
from sidestream.chat.protocol.frames import unpack


@dataclass(slots=True)
class Told:
    """What the frames of a run tell."""

    open: dict[str, ThreadItem] = field(default_factory=dict)
    """Items that were announced and have no end."""
    final: set[str] = field(default_factory=set)
    records: dict[str, ToolRecord] = field(default_factory=dict)
    last: ThreadItem | None = None
    """The item that the last frame ended."""
    failed: bool = False
    """Whether the run has said itself that it broke off."""


def read(frames: Sequence[tuple[int, str]]) -> Told:
    """Read saved frames, each with its number; those of a newer release tell nothing."""
    told = Told()
    for _number, stored in frames:
        payload, records = unpack(stored)
        told.records |= {record.call_id: record for record in records}
        try:
            event = _event_adapter().validate_json(payload)
        except ValidationError:
            told.last = None
            continue  # of a newer release
        told.last = event.item if isinstance(event, ThreadItemDoneEvent) else None
        match event:
            case ThreadItemAddedEvent():
                told.open[event.item.id] = event.item
            case ThreadItemUpdatedEvent() if event.item_id in told.open:
                _update(told.open[event.item_id], event)
            case ThreadItemDoneEvent() | ThreadItemReplacedEvent():
                told.open.pop(event.item.id, None)
                told.final.add(event.item.id)
            case ThreadItemRemovedEvent():
                told.open.pop(event.item_id, None)
            case ErrorEvent():
                told.failed = True
    return told


def _update(item: ThreadItem, event: ThreadItemUpdatedEvent) -> None:
    update = event.update
    match item, update:
        case (
            AssistantMessageItem(),
            AssistantMessageContentPartAdded() | AssistantMessageContentPartDone(),
        ):
            _put(item.content, update.content_index, update.content)
        case AssistantMessageItem(), AssistantMessageContentPartTextDelta():
            _put(item.content, update.content_index, AssistantMessageContent(text=""), new=True)
            item.content[update.content_index].text += update.delta
        case AssistantMessageItem(), AssistantMessageContentPartAnnotationAdded():
            item.content[update.content_index].annotations.append(update.annotation)
        case WorkflowItem(), WorkflowTaskAdded() | WorkflowTaskUpdated():
            _put(item.workflow.tasks, update.task_index, update.task)


def _put[T](values: list[T], index: int, value: T, *, new: bool = False) -> None:
    """Put a value at an index, or at the end; a `new` one at the end alone."""
    if index >= len(values):
        values.append(value)
    elif not new:
        values[index] = value


@cache
def _event_adapter() -> TypeAdapter[ThreadStreamEvent]:
    return TypeAdapter(ThreadStreamEvent)
