"""A conversation on the terminal: words as they come, tool calls with their status."""

import sys
import time
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from sidestream.cli.events import Event

_MARKS: Final = {"info": ("!", "yellow"), "clock": ("·", "dim")}
"""How a call is marked that failed or was stopped, and one that waits."""


class Transcript:
    """Prints the events of one answer.

    Afterwards `ttft_ms` is the time from its creation to the first word (None when there was
    none), `failed` says whether the answer ended in an error, and `question` is the structured
    input item that waits for an answer, if any.
    """

    def __init__(self, console: Console) -> None:
        self.ttft_ms: float | None = None
        self.failed = False
        self.question: dict[str, Any] | None = None
        self._console = console
        self._started = time.perf_counter()
        self._streamed: set[str] = set()
        self._told: set[str] = set()
        self._mid_line = False

    def show(self, events: Iterable[Event]) -> None:
        """Print everything, until the answer ends."""
        for event in events:
            self._show(event)
        self._end_line()

    def _show(self, event: Event) -> None:
        match event:
            case {"type": "thread.item.updated", "item_id": item_id, "update": update}:
                self._update(item_id, update)
            case {
                "type": "thread.item.added" | "thread.item.replaced" as kind,
                "item": {"type": "workflow", "workflow": workflow},
            }:
                self._workflow(workflow, is_new=kind == "thread.item.added")
            case {"type": "thread.item.done", "item": item}:
                self._done(item)
            case {"type": "thread.item.replaced", "item": {"type": "assistant_message"} as item}:
                self._incomplete(item)
            case {"type": "progress_update", "text": text}:
                self._line(text, "dim")
            case {"type": "notice", "message": message}:
                self._line(message, "yellow")
            case {"type": "error"}:
                self.failed = True
                self._line(event.get("message") or "The answer failed.", "bold red")

    def _update(self, item_id: str, update: dict[str, Any]) -> None:
        match update:
            case {"type": "assistant_message.content_part.text_delta", "delta": delta}:
                self._streamed.add(item_id)
                self._words(delta)
            case {"type": "workflow.task.added" | "workflow.task.updated", "task": task}:
                self._task(task)

    def _workflow(self, workflow: dict[str, Any], *, is_new: bool) -> None:
        """Show the lines of a tool trace, those that changed when it is not new."""
        for task in workflow.get("tasks", []):
            if is_new or _words_of(task) not in self._told:
                self._task(task)

    def _done(self, item: dict[str, Any]) -> None:
        match item:
            case {"type": "assistant_message", "id": item_id, "content": content}:
                if item_id not in self._streamed:
                    self._words("".join(part.get("text", "") for part in content))
                self._end_line()
                self._incomplete(item)
            case {"type": "structured_input"}:
                self.question = item
            case {"type": "widget", "copy_text": str(text)}:
                self._line(text, "")

    def _incomplete(self, message: dict[str, Any]) -> None:
        """Tell how an answer ended early, where its message says so."""
        for part in message["content"]:
            for annotation in part.get("annotations", []):
                match annotation:
                    case {"source": {"id": "incomplete", "title": title}}:
                        self._line(title, "dim")

    def _task(self, task: dict[str, Any]) -> None:
        words = _words_of(task)
        self._told.add(words)
        if task.get("status_indicator") == "loading":
            self._line(f"… {words}", "dim")
        else:
            mark, style = _MARKS.get(str(task.get("icon")), ("✓", "green"))
            self._line(f"{mark} {words}", style)

    def _words(self, words: str) -> None:
        if self.ttft_ms is None:
            self.ttft_ms = (time.perf_counter() - self._started) * 1000
        shown = printable(words)
        # Rich would hold a line back to wrap it.
        self._console.file.write(shown)
        self._console.file.flush()
        self._mid_line = not shown.endswith("\n")

    def _line(self, text: str, style: str) -> None:
        self._end_line()
        self._console.print(Text(printable(text), style=style), soft_wrap=True)

    def _end_line(self) -> None:
        if self._mid_line:
            self._console.file.write("\n")
            self._mid_line = False


def _words_of(task: dict[str, Any]) -> str:
    return ": ".join(filter(None, (task.get("title"), task.get("content"))))


def printable(text: str) -> str:
    """Text without what could steer a terminal; direction marks of Urdu stay."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


def is_interactive() -> bool:
    """Whether a person types the input."""
    return sys.stdin.isatty()
