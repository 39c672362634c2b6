"""Reads what a tool gave back: a task, a list of tasks, a deletion that is held, or an error.

Lenient on purpose: the JSON may stand bare, in MCP text content, or in a list of content parts.
Plain words that do not tell of a success are an error: MCP tools and the Agents SDK report one so.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LIST_KEYS = ("data", "tasks", "items", "results", "result")
_TASK_KEYS = ("task", "data", "result", "structuredContent")
_FAILURE = re.compile(
    r"\b(?:error|failed|failure|not found|exception|denied|invalid)\b", re.IGNORECASE
)
_SUCCESS = re.compile(
    r"\b(?:ok|done|success|successful|successfully|added|created|updated|completed|deleted|removed)\b",
    re.IGNORECASE,
)
_TELLING_CHARS = 80
_REASON_KEYS = ("detail", "message", "error", "title")


@dataclass(frozen=True, slots=True)
class Task:
    """A task as a tool reported it. `id` keeps the type it came with.

    `completed` is None for a task remembered from an earlier run: it may have changed since.
    """

    id: str | int
    title: str
    completed: bool | None = False
    due_at: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A tool's answer. `error` is the reason it failed; `after` is the cursor of the next page."""

    tasks: tuple[Task, ...] = ()
    error: str | None = None
    held: bool = False
    """Whether the change is still to be made."""
    after: str | int | None = None

    @property
    def task(self) -> Task | None:
        """The task of an answer that is about one."""
        return self.tasks[0] if self.tasks else None


def read_result(output: str) -> Result:
    """What the output of a function call says."""
    document = _decode(output)
    if isinstance(document, str):
        text = document.strip()
        told = text[:_TELLING_CHARS]
        failed = text and (_FAILURE.search(told) or not _SUCCESS.search(told))
        return Result(error=_short(text) if failed else None)
    if isinstance(document, list):
        return Result(tasks=_tasks(document))
    if not isinstance(document, Mapping):
        return Result()
    reason = _reason(document)
    if reason is not None:
        return Result(error=_short(reason))
    for key in _LIST_KEYS:
        if isinstance(document.get(key), list):
            after = document.get("after") if document.get("has_more", True) else None
            return Result(tasks=_tasks(document[key]), after=after)
    for inner in (document, *(document.get(key) for key in _TASK_KEYS)):
        if isinstance(inner, Mapping) and (task := _task(inner)):
            return Result(tasks=(task,), held=document.get("status") == "held")
    return Result()


def _decode(output: str) -> Any:
    """The document inside the output, out of any content parts around it."""
    try:
        document = json.loads(output)
    except ValueError:
        return output
    parts = document if isinstance(document, list) else [document]
    if isinstance(document, Mapping) and isinstance(document.get("content"), list):
        if document.get("isError"):
            return "error: " + "".join(str(part.get("text", "")) for part in document["content"])
        parts = document["content"]
    if parts and all(isinstance(part, Mapping) and "text" in part for part in parts):
        inner = [_decode(str(part["text"])) for part in parts]
        return inner[0] if len(inner) == 1 else inner
    return document


def _reason(document: Mapping[str, Any]) -> str | None:
    error = document.get("error")
    if isinstance(error, Mapping):
        return str(next((error[key] for key in _REASON_KEYS if error.get(key)), "error"))
    status = document.get("status")
    failed = isinstance(status, int) and not isinstance(status, bool) and status >= 400
    if error or failed or document.get("isError"):
        return str(next((document[key] for key in _REASON_KEYS if document.get(key)), "error"))
    return None


def _tasks(documents: list[Any]) -> tuple[Task, ...]:
    return tuple(
        task for one in documents if isinstance(one, Mapping) and (task := _task(one)) is not None
    )


def _task(document: Mapping[str, Any]) -> Task | None:
    identity, title = document.get("id", document.get("task_id")), document.get("title")
    if not isinstance(identity, str | int) or not isinstance(title, str):
        return None
    return Task(
        id=identity,
        title=title,
        completed=document.get("completed") is True,
        due_at=document.get("due_at"),
        notes=document.get("notes"),
    )


def _short(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= 300 else line[:299] + "…"
