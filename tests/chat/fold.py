"""Folding: what a client that only listens has on its screen.

`fold` takes the frames of a stream, in order, over what was there before, as ChatKit's client does:
every event type and every update type. It is a pure function of its arguments.
"""

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientEffectEvent,
    ErrorEvent,
    GeneratedImageItem,
    GeneratedImageUpdated,
    NoticeEvent,
    ProgressUpdateEvent,
    StreamOptionsEvent,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdate,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    ThreadUpdatedEvent,
    WidgetComponentUpdated,
    WidgetItem,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)
from pydantic import TypeAdapter

from sidestream.chat.server import ITEMS_REMOVED

_WIDGET: TypeAdapter[WidgetItem] = TypeAdapter(WidgetItem)


class FoldError(AssertionError):
    """An event that makes no sense after the ones before it."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A thread as a client shows it: its title, its items in order, and which are unfinished."""

    thread_id: str | None = None
    title: str | None = None
    status: str = "active"
    items: tuple[ThreadItem, ...] = ()
    unfinished: frozenset[str] = frozenset()
    errors: tuple[ErrorEvent, ...] = ()
    notices: tuple[NoticeEvent, ...] = ()
    effects: tuple[ClientEffectEvent, ...] = ()
    progress: str | None = None
    allow_cancel: bool | None = None

    def texts(self) -> list[str]:
        """The items as JSON, to be compared."""
        return [comparable(item) for item in self.items]


def comparable(item: ThreadItem) -> str:
    """An item as JSON, without what is made anew with every reading: addresses that expire."""
    document = item.model_dump(mode="json", exclude_none=True, exclude={"created_at"})
    for attachment in document.get("attachments", []):
        attachment.pop("preview_url", None)
    return json.dumps({**document, "created_at": item.created_at.isoformat()}, sort_keys=True)


def fold(frames: Iterable[ThreadStreamEvent], before: Screen = Screen()) -> Screen:
    """Give the screen after some frames. Raises `FoldError` for frames that do not fit."""
    state = _State.of(before)
    for frame in frames:
        state.take(frame)
    return state.screen()


@dataclass(slots=True)
class _State:
    screen_before: Screen
    items: dict[str, ThreadItem]
    unfinished: set[str]
    changes: dict[str, Any] = field(default_factory=dict)
    errors: list[ErrorEvent] = field(default_factory=list)
    notices: list[NoticeEvent] = field(default_factory=list)
    effects: list[ClientEffectEvent] = field(default_factory=list)

    @classmethod
    def of(cls, before: Screen) -> "_State":
        items = {item.id: copy.deepcopy(item) for item in before.items}
        return cls(before, items, set(before.unfinished))

    def screen(self) -> Screen:
        before = self.screen_before
        values = {
            name: self.changes.get(name, getattr(before, name))
            for name in ("thread_id", "title", "status", "progress", "allow_cancel")
        }
        return Screen(
            **values,
            items=tuple(self.items.values()),
            unfinished=frozenset(self.unfinished),
            errors=(*before.errors, *self.errors),
            notices=(*before.notices, *self.notices),
            effects=(*before.effects, *self.effects),
        )

    def take(self, frame: ThreadStreamEvent) -> None:  # noqa: C901 - one case for each event
        match frame:
            case ThreadCreatedEvent() | ThreadUpdatedEvent():
                self._thread(frame)
            case ThreadItemAddedEvent():
                self._add(frame.item)
            case ThreadItemDoneEvent():
                self._put(frame.item)
            case ThreadItemReplacedEvent():
                if frame.item.id not in self.items:
                    raise FoldError(f"{frame.item.id} is replaced before it is there")
                self._put(frame.item)
            case ThreadItemRemovedEvent():
                self.items.pop(frame.item_id, None)
                self.unfinished.discard(frame.item_id)
            case ThreadItemUpdatedEvent():
                if frame.item_id not in self.items:
                    raise FoldError(f"{frame.item_id} is updated before it is there")
                self.items[frame.item_id] = updated(self.items[frame.item_id], frame.update)
            case StreamOptionsEvent():
                self.changes["allow_cancel"] = frame.stream_options.allow_cancel
            case ProgressUpdateEvent():
                self.changes["progress"] = frame.text
            case ErrorEvent():
                self.errors.append(frame)
            case NoticeEvent():
                self.notices.append(frame)
            case ClientEffectEvent():
                self.effects.append(frame)
                if frame.name == ITEMS_REMOVED:
                    self._remove_between(**frame.data)

    def _remove_between(self, after: str, before: str | None) -> None:
        ids = list(self.items)
        end = ids.index(before) if before else len(ids)
        for item_id in ids[ids.index(after) + 1 : end]:
            del self.items[item_id]
            self.unfinished.discard(item_id)

    def _thread(self, frame: ThreadCreatedEvent | ThreadUpdatedEvent) -> None:
        known = self.changes.get("thread_id", self.screen_before.thread_id)
        if isinstance(frame, ThreadCreatedEvent) == (known is not None):
            raise FoldError(f"{frame.type} comes at the wrong time")
        if known not in (None, frame.thread.id):
            raise FoldError("the stream is about another thread")
        self.changes |= {
            "thread_id": frame.thread.id,
            "title": frame.thread.title,
            "status": frame.thread.status.type,
        }

    def _add(self, item: ThreadItem) -> None:
        if item.id in self.items:
            raise FoldError(f"{item.id} is added twice")
        self.unfinished.add(item.id)
        self.items[item.id] = copy.deepcopy(item)

    def _put(self, item: ThreadItem) -> None:
        """In its place when it is there, else at the end."""
        known = self.changes.get("thread_id", self.screen_before.thread_id)
        if known is not None and item.thread_id != known:
            raise FoldError(f"{item.id} belongs to another thread")
        self.unfinished.discard(item.id)
        self.items[item.id] = copy.deepcopy(item)


def updated(item: ThreadItem, update: ThreadItemUpdate) -> ThreadItem:
    """Give an item after an update of any type. Raises `FoldError` when it is not for such."""
    item = copy.deepcopy(item)
    match item, update:
        case (
            AssistantMessageItem(),
            AssistantMessageContentPartAdded()
            | AssistantMessageContentPartTextDelta()
            | AssistantMessageContentPartAnnotationAdded()
            | AssistantMessageContentPartDone(),
        ):
            _write(item.content, update)
        case WorkflowItem(), WorkflowTaskAdded():
            if update.task_index != len(item.workflow.tasks):
                raise FoldError("a task is added out of order")
            item.workflow.tasks.append(update.task)
        case WorkflowItem(), WorkflowTaskUpdated():
            item.workflow.tasks[_at(item.workflow.tasks, update.task_index)] = update.task
        case WidgetItem(), WidgetRootUpdated():
            item.widget = update.widget
        case WidgetItem(), WidgetComponentUpdated():
            component = update.component.model_dump(mode="json", exclude_none=True)
            item = _widget(item, update.component_id, lambda _node: component)
        case WidgetItem(), WidgetStreamingTextValueDelta():
            item = _widget(
                item,
                update.component_id,
                lambda node: {**node, "value": node.get("value", "") + update.delta},
            )
        case GeneratedImageItem(), GeneratedImageUpdated():
            item.image = update.image
        case _:
            raise FoldError(f"{update.type} is not for {item.type}")
    return item


def _write(
    content: list[AssistantMessageContent],
    update: AssistantMessageContentPartAdded
    | AssistantMessageContentPartTextDelta
    | AssistantMessageContentPartAnnotationAdded
    | AssistantMessageContentPartDone,
) -> None:
    match update:
        case AssistantMessageContentPartAdded():
            if update.content_index != len(content):
                raise FoldError("a part is added out of order")
            content.append(copy.deepcopy(update.content))
        case AssistantMessageContentPartTextDelta():
            content[_at(content, update.content_index)].text += update.delta
        case AssistantMessageContentPartAnnotationAdded():
            annotations = content[_at(content, update.content_index)].annotations
            if update.annotation_index != len(annotations):
                raise FoldError("an annotation is added out of order")
            annotations.append(update.annotation)
        case AssistantMessageContentPartDone():
            index = _at(content, update.content_index)
            if content[index].text != update.content.text:
                raise FoldError("the deltas of a part are not its text")
            content[index] = copy.deepcopy(update.content)


def _at(there: list[Any], index: int) -> int:
    if not 0 <= index < len(there):
        raise FoldError(f"there is no number {index}")
    return index


def _widget(item: WidgetItem, component_id: str, change: Any) -> WidgetItem:
    document = item.model_dump(mode="json", exclude_none=True)
    nodes = [node for node in _nodes(document["widget"]) if node.get("id") == component_id]
    if len(nodes) != 1:
        raise FoldError(f"the widget has no one component {component_id}")
    fresh = change(dict(nodes[0]))
    nodes[0].clear()
    nodes[0].update(fresh)
    return _WIDGET.validate_python(document)


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from _nodes(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _nodes(inner)
