"""The task list as a ChatKit widget: a tick and a delete for each task.

A widget is built from `task_list.widget`. Its rows carry, in their actions, all that is needed to
build it again, so an action changes the one row it is about and the whole widget is saved in its
new state (`ThreadItemReplacedEvent`; mere updates would be gone after a reload).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from chatkit.actions import Action
from chatkit.types import WidgetItem
from chatkit.widgets import DynamicWidgetRoot, WidgetTemplate
from pydantic import BaseModel, ValidationError

from sidestream.chat.context import ToolRecord
from sidestream.i18n import _, text
from sidestream.problems import Invalid
from sidestream.store.ids import new_id

ACTIONS: Final = frozenset({"task.complete", "task.delete"})
LISTING_TOOLS: Final = frozenset({"list_tasks", "search_tasks"})

_TICK: Final = _("Done")
_DELETE: Final = _("Delete")
_EMPTY: Final = _("Nothing is left here.")
_MAX_ROWS: Final = 30

_TEMPLATE: Final = WidgetTemplate.from_file(str(Path(__file__).with_name("task_list.widget")))


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task as the widget shows it."""

    id: str
    title: str
    completed: bool


@dataclass(frozen=True, slots=True)
class RowAction:
    """What a person did to a row: the tool call it stands for, and the row as they saw it."""

    tool: str
    arguments: dict[str, Any]
    row: TaskRow


class RowPayload(BaseModel):
    """What a row's actions carry."""

    task_id: str
    title: str
    completed: bool


def rows_of(output: str) -> list[TaskRow]:
    """Read the tasks out of a tool's JSON output: one task, or a list's `data`."""
    try:
        document = json.loads(output)
    except ValueError:
        return []
    if not isinstance(document, dict):
        return []
    found = document.get("data") if isinstance(document.get("data"), list) else [document]
    return [
        TaskRow(str(task["id"]), str(task["title"]), bool(task.get("completed")))
        for task in found or []
        if isinstance(task, dict) and "id" in task and "title" in task
    ]


def listing(records: Iterable[ToolRecord]) -> list[TaskRow]:
    """Give the rows of the last list that was asked for, if the turn was about listing."""
    rows: list[TaskRow] = []
    for record in records:
        if record.failed or record.name not in LISTING_TOOLS:
            return []
        rows = rows_of(record.output)
    return rows[:_MAX_ROWS]


def build(rows: Sequence[TaskRow], locale: str) -> DynamicWidgetRoot:
    """Build the widget of some tasks."""
    return _TEMPLATE.build(
        {
            "tasks": rows,
            "tick_label": text(locale, _TICK),
            "delete_label": text(locale, _DELETE),
            "empty_label": text(locale, _EMPTY),
        }
    )


def widget_item(rows: Sequence[TaskRow], thread_id: str, locale: str) -> WidgetItem:
    """Make the thread item that shows some tasks."""
    return WidgetItem(
        id=new_id("wgt"),
        thread_id=thread_id,
        created_at=datetime.now(UTC),
        widget=build(rows, locale),
        copy_text="\n".join(f"{'☑' if row.completed else '☐'} {row.title}" for row in rows),
    )


def rebuilt(item: WidgetItem, changes: dict[str, TaskRow | None], locale: str) -> WidgetItem:
    """Give a widget item with some rows changed, or removed where the change is None."""
    rows = [changes.get(row.id, row) for row in shown(item)]
    kept = [row for row in rows if row is not None]
    fresh = widget_item(kept, item.thread_id, locale)
    return fresh.model_copy(update={"id": item.id, "created_at": item.created_at})


def shown(item: WidgetItem) -> list[TaskRow]:
    """Read the rows that a widget item shows back out of its actions."""
    rows: dict[str, TaskRow] = {}
    for payload in _payloads(item.widget.model_dump(mode="json", exclude_none=True)):
        rows[payload.task_id] = TaskRow(payload.task_id, payload.title, payload.completed)
    return list(rows.values())


def row_action(action: Action[str, Any]) -> RowAction:
    """Read an action of a row. Raises `Invalid` for any other action."""
    try:
        payload = RowPayload.model_validate(action.payload)
    except ValidationError:
        raise Invalid("The action's payload is not that of a task's row.") from None
    row = TaskRow(payload.task_id, payload.title, payload.completed)
    match action.type:
        case "task.complete":
            arguments = {"task_id": row.id, "completed": not row.completed}
            return RowAction("complete_task", arguments, row)
        case "task.delete":
            return RowAction("delete_task", {"task_id": row.id}, row)
        case _:
            raise Invalid("There is no such action.")


def _payloads(node: Any) -> Iterator[RowPayload]:
    if isinstance(node, dict):
        if node.get("type") in ACTIONS:
            try:
                yield RowPayload.model_validate(node.get("payload"))
            except ValidationError:
                return
        for inner in node.values():
            yield from _payloads(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _payloads(inner)
