"""The tool trace: each tool call, as a person sees it, in a workflow item that stays.

ChatKit's server SDK shows nothing of tool calls. Here every call is a task of one workflow item:
announced when the model names the tool, completed with its result, saved before the answer's text.
Each event carries a copy and an explicit index, so that parallel and identical calls stay apart. A
hidden item after the workflow keeps the calls themselves: next run, the model reads them as the
function calls they were, not as words of the user.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from chatkit.icons import IconName
from chatkit.types import (
    ClientEffectEvent,
    CustomSummary,
    CustomTask,
    HiddenContextItem,
    Task,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    Workflow,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)

from sidestream.chat.context import ToolRecord
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.i18n import DEFAULT_LOCALE, Plural, _, locales, text
from sidestream.store.ids import new_id

TOOL_CALLS_KIND: Final = "tool_calls"

_FAILED: Final = _("{title}: did not work")
_HELD: Final = _("{title}: waits")
_UNFINISHED: Final = _("{title}: stopped")
_TOOLS: Final = Plural("Used 1 tool", "Used {count} tools")
_ICON_RUNNING: Final[IconName] = "bolt"
_ICON_DONE: Final[IconName] = "check-circle"
_ICON_HELD: Final[IconName] = "clock"
_ICON_FAILED: Final[IconName] = "info"

_MAX_DETAIL_CHARS: Final = 200


class ToolTrace:
    """The trace of one group of tool calls: what happened between two pieces of the answer."""

    def __init__(
        self,
        registry: ToolRegistry,
        thread_id: str,
        locale: str,
        origins: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        """`origins` gives what the calls of a model came with, once its response has ended."""
        self._registry = registry
        self._origins = origins
        self._thread_id = thread_id
        self._locale = locale
        self._item: WorkflowItem | None = None
        self._tasks: list[CustomTask] = []
        self._names: dict[str, str] = {}
        self._carried: dict[str, str] = {}
        self._index: dict[str, int] = {}
        self._records: list[ToolRecord] = []
        self._finished: set[str] = set()
        self._held: list[tuple[CustomTask, ToolRecord]] = []
        self._announced: list[tuple[WorkflowItem, dict[int, ToolRecord]]] = []

    def started(self, call_id: str, name: str) -> Iterator[ThreadStreamEvent]:
        """A model named a tool. An id that comes again after its call ended is another call."""
        if call_id in self._index and call_id not in self._finished:
            return
        self._finished.discard(call_id)
        task = CustomTask(title=self._title(name), icon=_ICON_RUNNING, status_indicator="loading")
        self._index[call_id] = len(self._tasks)
        self._names[call_id] = name
        self._tasks.append(task)
        if self._item is None:
            self._item = WorkflowItem(
                id=new_id("wf"),
                thread_id=self._thread_id,
                created_at=datetime.now(UTC),
                workflow=Workflow(type="custom", tasks=[], expanded=True),
            )
            yield ThreadItemAddedEvent(item=self._snapshot(expanded=True))
        else:
            update = WorkflowTaskAdded(
                task_index=self._index[call_id], task=task.model_copy(deep=True)
            )
            yield ThreadItemUpdatedEvent(item_id=self._item.id, update=update)

    def finished(self, record: ToolRecord) -> Iterator[ThreadStreamEvent]:
        """A tool call ended, well or badly. Saying so twice changes nothing."""
        if record.call_id in self._finished:
            return
        yield from self.started(record.call_id, record.name)
        self._finished.add(record.call_id)
        task = self._row(record)
        yield from self._complete(record.call_id, task)
        self._records.append(record)
        if record.waits:
            self._held.append((task, record))
        yield from self._effect(record)

    def carried_out(self, record: ToolRecord) -> Iterator[ThreadStreamEvent]:
        """A call that was held took place, or failed: the line that announced it says so."""
        yield from self._retell({record.deed: self._row(record)})
        yield ThreadItemDoneEvent(item=memory(self._thread_id, [record]))
        yield from self._effect(record)

    def given_up(self) -> Iterator[ThreadStreamEvent]:
        """The calls that are held will not take place: the lines that announced them say so."""
        held = [record for _item, rows in self._announced for record in rows.values()]
        yield from self._retell({record.deed: self._stopped(record.name) for record in held})

    def _retell(self, lines: Mapping[str, CustomTask]) -> Iterator[ThreadStreamEvent]:
        """Replace the lines that announced some deeds."""
        for item, rows in self._announced:
            fresh = {at: lines[record.deed] for at, record in rows.items() if record.deed in lines}
            if fresh:
                tasks = [fresh.get(at, task) for at, task in enumerate(item.workflow.tasks)]
                item.workflow = item.workflow.model_copy(update={"tasks": tasks})
                yield ThreadItemReplacedEvent(item=item.model_copy(deep=True))

    def go_on(self) -> Iterator[ThreadStreamEvent]:
        """Words are over: the calls that were named before them are announced again."""
        carried, self._carried = self._carried, {}
        for call_id, name in carried.items():
            yield from self.started(call_id, name)

    def close(self, *, over: bool = True) -> Iterator[ThreadStreamEvent]:
        """The group is over: save it, with the calls for the model's memory behind it.

        A call that has not ended was stopped when the run is `over`, and else belongs to the next
        group: a model may speak between naming a tool and its call. `go_on` announces it again.
        """
        if self._item is None:
            return
        unfinished = [call_id for call_id in self._names if call_id not in self._finished]
        if over:
            for call_id in unfinished:
                yield from self._complete(call_id, self._stopped(self._names[call_id]))
        else:
            self._carried = {call_id: self._names[call_id] for call_id in unfinished}
            later = {self._index[call_id] for call_id in unfinished}
            self._tasks = [task for at, task in enumerate(self._tasks) if at not in later]
        if self._tasks:
            item = self._snapshot(expanded=False)
            held = {id(task): record for task, record in self._held}
            rows = {n: held[id(task)] for n, task in enumerate(self._tasks) if id(task) in held}
            if rows:
                self._announced.append((item.model_copy(deep=True), rows))
            yield ThreadItemDoneEvent(item=item)
        else:
            yield ThreadItemRemovedEvent(item_id=self._item.id)
        if self._records:
            yield ThreadItemDoneEvent(item=memory(self._thread_id, self._records, self._origins))
        self._item = None
        self._tasks, self._names, self._index, self._records = [], {}, {}, []
        self._held = []

    def _complete(self, call_id: str, task: CustomTask) -> Iterator[ThreadStreamEvent]:
        assert self._item is not None
        index = self._index[call_id]
        self._tasks[index] = task
        update = WorkflowTaskUpdated(task_index=index, task=task.model_copy(deep=True))
        yield ThreadItemUpdatedEvent(item_id=self._item.id, update=update)

    def _stopped(self, name: str) -> CustomTask:
        """The line of a call that does not take place."""
        title = text(self._locale, _UNFINISHED, title=self._title(name))
        return _ended(title, _ICON_FAILED)

    def _row(self, record: ToolRecord) -> CustomTask:
        """The line of a call that ended."""
        title, icon = self._title(record.name), _ICON_DONE
        if record.failed:
            title, icon = text(self._locale, _FAILED, title=title), _ICON_FAILED
        elif record.waits:
            title, icon = text(self._locale, _HELD, title=title), _ICON_HELD
        return _ended(title, icon, self._detail(record))

    def _effect(self, record: ToolRecord) -> Iterator[ThreadStreamEvent]:
        if not (record.failed or record.waits or self._registry.policy(record.name).reads):
            name = self._registry.changed_event(record.name)
            yield ClientEffectEvent(name=name, data={"tool": record.name})

    def _snapshot(self, *, expanded: bool) -> WorkflowItem:
        assert self._item is not None
        summary = None if expanded else _summary(self._locale, len(self._tasks))
        workflow = Workflow(
            type="custom",
            tasks=[task.model_copy(deep=True) for task in self._tasks],
            summary=summary,
            expanded=expanded,
        )
        return self._item.model_copy(update={"workflow": workflow})

    def _title(self, name: str) -> str:
        return text(self._locale, self._registry.policy(name).title)

    def _detail(self, record: ToolRecord) -> str | None:
        if record.failed:
            said = record.result if isinstance(record.result, str) else record.output
            return self._failure(said)
        found = record.result.get("data") if isinstance(record.result, dict) else None
        if isinstance(found, list):
            return self._registry.counted(record.name).text(self._locale, len(found))
        if rows := self._registry.rows(record):
            return _clip(rows[0].title)
        if isinstance(record.result, str) and not record.result.startswith(("{", "[")):
            return _clip(record.result.partition("\n")[0]) or None
        wanted = (value for value in record.arguments.values() if isinstance(value, str) and value)
        return next((_clip(value) for value in wanted), None)

    def _failure(self, output: str) -> str | None:
        """What a person may read of a failed call: its first line. The others are for the model."""
        sentence = output.partition("\n")[0]
        words = text(self._locale, sentence)
        unknown = words == sentence and self._locale != DEFAULT_LOCALE
        return None if unknown else _clip(words)


def memory(
    thread_id: str,
    records: Sequence[ToolRecord],
    origins: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> HiddenContextItem:
    """Make the hidden item from which the model will remember these calls, and what they came
    with."""
    calls = [
        {
            "call_id": record.call_id,
            "name": record.name,
            "arguments": json.dumps(record.arguments, ensure_ascii=False),
            "output": record.output,
            **({"ours": True} if record.ours else {}),
            **origins.get(record.call_id, {}),
        }
        for record in records
    ]
    return HiddenContextItem(
        id=new_id("hid"),
        thread_id=thread_id,
        created_at=datetime.now(UTC),
        content={"kind": TOOL_CALLS_KIND, "calls": calls},
    )


def remembered(item: ThreadItem) -> Iterator[str]:
    """Give the ids of the calls that the model will remember from an item."""
    content = item.content if isinstance(item, HiddenContextItem) else None
    if isinstance(content, dict) and content.get("kind") == TOOL_CALLS_KIND:
        yield from (call["call_id"] for call in content["calls"])


def under_way(item: WorkflowItem) -> list[str]:
    """Give the titles of the calls in a trace that have no end."""
    tasks = item.workflow.tasks
    return [str(task.title) for task in tasks if task.status_indicator == "loading"]


def waits(item: WorkflowItem) -> bool:
    """Tell whether a trace has calls that wait for the end of their run, or for an answer."""
    return any(map(_waits, item.workflow.tasks))


def _waits(task: Task) -> bool:
    return isinstance(task, CustomTask) and task.icon == _ICON_HELD


def broken_off(item: WorkflowItem, locale: str, *, given_up: bool) -> bool:
    """End a trace whose run is gone: calls that have no end were stopped, and those that wait as
    well where they are `given_up`. Tells whether any was. The line of a call that waits keeps its
    language."""
    tasks, stopped = item.workflow.tasks, False
    for index, task in enumerate(tasks):
        line: str | None = None
        if task.status_indicator == "loading":
            line = text(locale, _UNFINISHED, title=str(task.title))
        elif given_up and _waits(task):
            line = _no_longer_waiting(str(task.title))
        if line is not None:
            tasks[index] = _ended(line, _ICON_FAILED)
            stopped = True
    if item.workflow.expanded:
        item.workflow.summary = _summary(locale, len(tasks))
        item.workflow.expanded = False
    return stopped


def _no_longer_waiting(line: str) -> str:
    for locale in locales():
        before, _gap, after = text(locale, _HELD, title="\0").partition("\0")
        if line.startswith(before) and line.endswith(after):
            title = line[len(before) : len(line) - len(after)]
            return text(locale, _UNFINISHED, title=title)
    return line


def _summary(locale: str, count: int) -> CustomSummary:
    return CustomSummary(title=_TOOLS.text(locale, count), icon=_ICON_RUNNING)


def _ended(title: str, icon: IconName, content: str | None = None) -> CustomTask:
    return CustomTask(title=title, icon=icon, content=content, status_indicator="complete")


def _clip(words: str) -> str:
    return words if len(words) <= _MAX_DETAIL_CHARS else words[: _MAX_DETAIL_CHARS - 1] + "…"
