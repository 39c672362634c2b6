"""A task list in memory with the seven tools, for the model to work on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sidestream.local.model.conversation import Conversation, Exchange, Message, Tool, ToolRequest
from sidestream.local.model.policy import next_step
from sidestream.tasks.scripted import decide

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)  # a Friday
_STRING = {"type": "string"}
_MAYBE_STRING = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
_MAYBE_BOOLEAN = {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None}
_PAGE: dict[str, Mapping[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
    "after": _MAYBE_STRING,
}


def _schema(required: list[str], **properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


SCHEMAS: dict[str, dict[str, Any]] = {
    "add_task": _schema(["title"], title=_STRING, notes=_MAYBE_STRING, due_at=_MAYBE_STRING),
    "list_tasks": _schema([], completed=_MAYBE_BOOLEAN, **_PAGE),
    "get_task": _schema(["task_id"], task_id=_STRING),
    "update_task": _schema(
        ["task_id"],
        task_id=_STRING,
        title=_MAYBE_STRING,
        notes=_MAYBE_STRING,
        due_at=_MAYBE_STRING,
    ),
    "complete_task": _schema(
        ["task_id"], task_id=_STRING, completed={"type": "boolean", "default": True}
    ),
    "delete_task": _schema(["task_id"], task_id=_STRING),
    "search_tasks": _schema(["query"], query=_STRING, **_PAGE),
}
TOOLS = tuple(Tool(name, schema) for name, schema in SCHEMAS.items())


@dataclass
class TaskList:
    """The list and what was called on it; `broken` are tools that fail."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    broken: frozenset[str] = frozenset()
    added: int = 0

    @classmethod
    def of(cls, *titles: str, done: tuple[str, ...] = ()) -> "TaskList":
        tasks = cls()
        for title in (*titles, *done):
            tasks.add(title)["completed"] = title in done
        return tasks

    @property
    def titles(self) -> list[str]:
        return [task["title"] for task in self.tasks.values()]

    @property
    def done(self) -> list[str]:
        return [task["title"] for task in self.tasks.values() if task["completed"]]

    def add(self, title: str, **more: Any) -> dict[str, Any]:
        self.added += 1
        identity = f"task_{self.added}"
        task = {"id": identity, "title": title, "notes": None, "completed": False, "due_at": None}
        self.tasks[identity] = {**task, **more}
        return self.tasks[identity]

    def run(self, name: str, arguments: dict[str, Any]) -> str:
        """What the tool answers, as text."""
        self.calls.append((name, arguments))
        if name in self.broken:
            return json.dumps({"error": {"code": "unavailable", "message": "the database is away"}})
        result = self._run(name, arguments)
        return json.dumps(result, ensure_ascii=False)

    def _run(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        match name:
            case "add_task":
                return self.add(**{k: v for k, v in arguments.items() if v is not None})
            case "list_tasks":
                wanted = arguments.get("completed")
                found = [t for t in self.tasks.values() if wanted in (None, t["completed"])]
                return self._page(found, arguments)
            case "search_tasks":
                query = arguments["query"].casefold()
                found = [t for t in self.tasks.values() if query in t["title"].casefold()]
                return self._page(found, arguments)
        task = self.tasks.get(arguments["task_id"])
        if task is None:
            return {"error": "not_found", "detail": "There is no such task."}
        if name == "delete_task":
            del self.tasks[arguments["task_id"]]
        if name == "complete_task":
            task["completed"] = arguments.get("completed", True)
        if name == "update_task":
            task.update({k: v for k, v in arguments.items() if k != "task_id" and v is not None})
        return task

    def _page(self, found: list[dict[str, Any]], arguments: dict[str, Any]) -> dict[str, Any]:
        start = int(arguments.get("after") or 0)
        end = start + int(arguments.get("limit") or 20)
        return {"data": found[start:end], "has_more": end < len(found), "after": str(end)}


@dataclass
class Talk:
    """A conversation with the policy itself, without HTTP; `keeps_calls` as a store might."""

    tasks: TaskList = field(default_factory=TaskList)
    tools: tuple[Tool, ...] = TOOLS
    keeps_calls: bool = True
    parallel: bool = True
    items: list[Message | Exchange] = field(default_factory=list)
    steps: list[tuple[ToolRequest, ...]] = field(default_factory=list)

    def say(self, message: str) -> str:
        """Runs one run to its end and gives the answer."""
        items: list[Message | Exchange] = [*self.items, Message("user", message)]
        self.steps = []
        for _ in range(10):
            given = Conversation("You manage tasks.", tuple(items), self.tools, self.parallel)
            step = next_step(given, NOW, decide)
            if not step.calls:
                break
            self.steps.append(step.calls)
            items += [Exchange(c, self.tasks.run(c.name, dict(c.arguments))) for c in step.calls]
        else:
            raise AssertionError(f"no answer to {message!r}: {self.steps}")
        items.append(Message("assistant", step.text))
        kept = [item for item in items if self.keeps_calls or isinstance(item, Message)]
        self.items = kept
        return step.text
