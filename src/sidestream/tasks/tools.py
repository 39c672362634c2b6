"""The seven tools: what a model reads about each, what it may pass, and what it gets back.

Each tool is the model of its arguments, which doubles as its input schema; the docstring is the
description that the model reads. In every tool `null` means the same as leaving the argument out,
because some models must name every argument; an empty string clears notes or a due time. The owner
is never an argument.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from mcp_types import Tool, ToolAnnotations
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    WithJsonSchema,
)

from sidestream.problems import Invalid
from sidestream.tasks.repository import TaskRepository
from sidestream.tasks.task import (
    Cursor,
    DueAt,
    Limit,
    Notes,
    TaskChanges,
    TaskDraft,
    TaskFilter,
    TaskPage,
    Title,
    Words,
    parse_due_at,
)

DEFAULT_LIMIT: Final = 20


@dataclass(frozen=True, slots=True)
class ToolCall:
    """For whom a tool runs, and the key under which a repetition of this call is recognised."""

    user_id: str
    idempotency_key: str | None = None


class Arguments(BaseModel, ABC):
    """What a tool takes, and what it does with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    async def run(self, tasks: TaskRepository, call: ToolCall) -> dict[str, Any]:
        """Give the structured result. Raises `Problem`."""


_Id = Annotated[str, Field(description="The task's id, as another tool gave it: tsk_...")]
_Completed = Annotated[
    StrictBool | None,
    Field(description="true: only completed tasks; false: only open ones; left out: both."),
]
_Limit = Annotated[Limit, BeforeValidator(lambda value: DEFAULT_LIMIT if value is None else value)]
_After = Annotated[
    Cursor | None, Field(description="The `after` of the page before, to get the next page.")
]
_NewDueAt = Annotated[
    DueAt | None,
    Field(
        description="When it is due: an ISO 8601 date or date-time with an offset, such as "
        "2026-12-24T18:00:00+05:00. Without an offset it is UTC."
    ),
]
_ClearableDueAt = Annotated[
    datetime | Literal[""] | None,
    PlainValidator(lambda value: value if value in ("", None) else parse_due_at(value)),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
    Field(
        description="The new due time: an ISO 8601 date or date-time with an offset; without an "
        "offset it is UTC. An empty string removes it."
    ),
]


class AddTask(Arguments):
    """Create a task on the user's list and get it back with its id. Call it once for each task.
    Keep the title in the user's own language and words."""

    title: Annotated[Title, Field(description="What is to be done, in a few words.")]
    notes: Annotated[Notes | None, Field(description="Details, if the user gave any.")] = None
    due_at: _NewDueAt = None

    async def run(self, tasks: TaskRepository, call: ToolCall) -> dict[str, Any]:
        draft = TaskDraft(self.title, self.notes or "", self.due_at)
        return (await tasks.add(call.user_id, draft, call.idempotency_key)).document()


class ListTasks(Arguments):
    """List the user's tasks, newest first, a page at a time. Use search_tasks to find a task by
    its words."""

    completed: _Completed = None
    limit: Annotated[_Limit, Field(description="How many to give at most.")] = DEFAULT_LIMIT
    after: _After = None

    async def run(self, tasks: TaskRepository, call: ToolCall) -> dict[str, Any]:
        wanted = TaskFilter(self.completed, after=self.after, limit=self.limit)
        return _page(await tasks.list(call.user_id, wanted))


class GetTask(Arguments):
    """Get one task with all its details."""

    task_id: _Id

    async def run(self, tasks: TaskRepository, call: ToolCall) -> dict[str, Any]:
        return (await tasks.get(call.user_id, self.task_id)).document()


class UpdateTask(Arguments):
    """Change a task's title, notes or due time and get it back as it is now. What is left out
    stays as it is. To mark a task as done, use complete_task."""

    task_id: _Id
    title: Annotated[Title | None, Field(description="The new title.")] = None
    notes: Annotated[
        Notes | None, Field(description="The new notes. An empty string removes them.")
    ] = None
    due_at: _ClearableDueAt = None

    async def run(self, tasks: TaskRepository, call: ToolCall) -> dict[str, Any]:
        changes = TaskChanges(
            title=self.title,
            notes=self.notes,
            due_at=self.due_at or None,
            clear_due_at=self.due_at == "",
        )
        if changes == TaskChanges():
            raise Invalid("Give at least one of title, notes and due_at.")
        return (await tasks.update(call.user_id, self.task_id, changes)).document()


class CompleteTask(Arguments):
    """Mark a task as done, or as open again with completed=false, and get it back as it is now."""

    task_id: _Id
    completed: Annotated[
        bool,
        BeforeValidator(lambda value: True if value is None else value),
        Field(strict=True, description="false opens the task again."),
    ] = True

    async def run(self, tasks: TaskRepository, call: ToolCall) -> dict[str, Any]:
        changes = TaskChanges(completed=self.completed)
        return (await tasks.update(call.user_id, self.task_id, changes)).document()


class DeleteTask(Arguments):
    """Delete a task for good and get it back as it was. There is no undo: be sure that this is the
    task the user means."""

    task_id: _Id

    async def run(self, tasks: TaskRepository, call: ToolCall) -> dict[str, Any]:
        task = await tasks.delete(call.user_id, self.task_id)
        return {**task.document(), "deleted": True}


class SearchTasks(Arguments):
    """Find the user's tasks whose title or notes contain every word of the query, in any order
    and any case, newest first. Parts of words match too."""

    query: Annotated[Words, Field(description="The words to look for.")]
    completed: _Completed = None
    limit: Annotated[_Limit, Field(description="How many to give at most.")] = DEFAULT_LIMIT
    after: _After = None

    async def run(self, tasks: TaskRepository, call: ToolCall) -> dict[str, Any]:
        words = tuple(self.query.split())
        wanted = TaskFilter(self.completed, words, after=self.after, limit=self.limit)
        return _page(await tasks.list(call.user_id, wanted))


def _page(page: TaskPage) -> dict[str, Any]:
    return {
        "data": [task.document() for task in page.tasks],
        "has_more": page.after is not None,
        "after": page.after,
    }


_READ = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ADD = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
_TOGGLE = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_OVERWRITE = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)

_TIME = {"type": "string", "format": "date-time"}
_TASK: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "title": {"type": "string"},
        "notes": {"type": "string"},
        "completed": {"type": "boolean"},
        "due_at": {"anyOf": [_TIME, {"type": "null"}]},
        "created_at": _TIME,
        "updated_at": _TIME,
    },
    "required": ["id", "title", "notes", "completed", "due_at", "created_at", "updated_at"],
}
_DELETED: dict[str, Any] = {
    "type": "object",
    "properties": {**_TASK["properties"], "deleted": {"type": "boolean"}},
    "required": [*_TASK["required"], "deleted"],
}
_TASKS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "data": {"type": "array", "items": _TASK},
        "has_more": {"type": "boolean"},
        "after": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["data", "has_more", "after"],
}


def _tool(
    name: str,
    title: str,
    arguments: type[Arguments],
    annotations: ToolAnnotations,
    output: dict[str, Any],
) -> Tool:
    return Tool(
        name=name,
        title=title,
        description=" ".join((arguments.__doc__ or "").split()),
        input_schema=_tidy(arguments.model_json_schema()),
        output_schema=output,
        annotations=annotations,
    )


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Take away what pydantic adds and a model does not need: titles and the class's docstring."""
    schema.pop("description", None)
    schema.pop("title", None)
    for field in schema["properties"].values():
        field.pop("title", None)
        if field.get("default", ...) is None:
            del field["default"]
    return schema


ARGUMENTS: Final[dict[str, type[Arguments]]] = {
    "add_task": AddTask,
    "list_tasks": ListTasks,
    "get_task": GetTask,
    "update_task": UpdateTask,
    "complete_task": CompleteTask,
    "delete_task": DeleteTask,
    "search_tasks": SearchTasks,
}

TOOLS: Final[tuple[Tool, ...]] = (
    _tool("add_task", "Add a task", AddTask, _ADD, _TASK),
    _tool("list_tasks", "List tasks", ListTasks, _READ, _TASKS),
    _tool("get_task", "Get a task", GetTask, _READ, _TASK),
    _tool("update_task", "Update a task", UpdateTask, _OVERWRITE, _TASK),
    _tool("complete_task", "Complete a task", CompleteTask, _TOGGLE, _TASK),
    _tool("delete_task", "Delete a task", DeleteTask, _OVERWRITE, _DELETED),
    _tool("search_tasks", "Search tasks", SearchTasks, _READ, _TASKS),
)
