"""What the conversation so far tells about tasks: which are known, and which list was shown last.

History may come without its function calls (ChatKit keeps messages), so the list that was shown is
read from the numbered lines of the assistant's own text, and ids are added where calls reveal
them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sidestream.local.model.conversation import Exchange, Message, is_speech
from sidestream.local.model.text import fold
from sidestream.tasks.scripted.language import Kind
from sidestream.tasks.scripted.results import Result, Task, read_result
from sidestream.tasks.scripted.understand import LANGUAGES

DONE_MARK = " ✓"
DETAIL_MARK = " · "
_LINE = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
_QUOTE = re.compile(r"“([^”]+)”")
_CHANGING = ("add_task", "update_task", "complete_task", "delete_task")
_LISTING = ("list_tasks", "search_tasks")
_WHICH = {
    language.phrases[f"which_{kind}"]: kind
    for language in LANGUAGES
    for kind in (Kind.SHOW, Kind.UPDATE, Kind.COMPLETE, Kind.REOPEN, Kind.DELETE)
}
_QUOTES_SPEECH = tuple(
    language.phrases[phrase].split("“")[0] + "“"
    for language in LANGUAGES
    for phrase in ("ask_first", "ask_last", "ask_said", "unknown")
)
_ADD_WHAT = {language.phrases["add_what"] for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of the list last shown; `rank` counts the lines above it with the same title."""

    title: str
    rank: int
    task: Task | None


@dataclass(frozen=True, slots=True)
class Change:
    """A call that changed a task, and the task as its tool gave it. `completed` is what it set."""

    tool: str
    task: Task
    completed: bool = True


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier runs left behind."""

    shown: tuple[Shown, ...]
    mentioned: str | None
    last_answer: str
    known: tuple[Task, ...]
    changes: tuple[Change, ...] = ()
    """What was changed after the last message that changed anything."""

    @property
    def asked_which(self) -> Kind | None:
        """What the assistant would do to a task, if it just asked which one."""
        return _WHICH.get(self.last_answer.rsplit("\n", 1)[-1].strip())

    @property
    def asked_name(self) -> bool:
        """Whether the assistant just asked what a new task should be called."""
        return self.last_answer.rsplit("\n", 1)[-1].strip() in _ADD_WHAT

    def known_as(self, title: str) -> list[Task]:
        """The known tasks of that title."""
        return [task for task in self.known if fold(task.title) == fold(title)]


def remember(items: Iterable[Message | Exchange]) -> Memory:
    """Reads the items before the user's last message."""
    known: dict[str | int, Task] = {}
    titles: list[str] | None = None
    listed: tuple[Task, ...] = ()
    mentioned: str | None = None
    last_answer = ""
    changes: list[Change] = []
    is_new = True
    for item in items:
        if isinstance(item, Exchange):
            result = read_result(item.output)
            _learn(known, item, result)
            if (change := _change(item, result)) is not None:
                changes = [change] if is_new else [*changes, change]
                is_new = False
            if item.request.name in _LISTING and result.error is None:
                listed = result.tasks
            continue
        if item.role == "user":
            last_answer = ""
            is_new = is_new or is_speech(item)
            continue
        last_answer = item.text
        lines = [_plain(line[2]) for line in _LINE.finditer(item.text)]
        titles = lines or titles
        if item.text.startswith(_QUOTES_SPEECH):
            continue
        named = lines if len(lines) == 1 else _QUOTE.findall(item.text)
        mentioned = named[-1] if named else mentioned
    if titles is None:
        titles = [task.title for task in listed]
    return Memory(
        _shown(titles, known), mentioned, last_answer, tuple(known.values()), tuple(changes)
    )


def _learn(known: dict[str | int, Task], exchange: Exchange, result: Result) -> None:
    deletes = exchange.request.name == "delete_task"
    if deletes and result.error is None and not result.held:
        for value in exchange.request.arguments.values():
            known.pop(value, None)
    elif not deletes:
        known.update({task.id: replace(task, completed=None) for task in result.tasks})


def _change(exchange: Exchange, result: Result) -> Change | None:
    request = exchange.request
    if request.name not in _CHANGING or result.task is None or result.held:
        return None
    completed = request.arguments.get("completed", True) is True
    return Change(request.name, result.task, completed)


def _shown(titles: list[str], known: dict[str | int, Task]) -> tuple[Shown, ...]:
    """The lines with the tasks they stand for; a title that two tasks share stands for neither."""
    shown: list[Shown] = []
    for position, title in enumerate(titles):
        tasks = [task for task in known.values() if one_line(task.title) == title]
        alone = titles.count(title) == 1 and len(tasks) == 1
        rank = titles[:position].count(title)
        shown.append(Shown(title, rank, tasks[0] if alone else None))
    return tuple(shown)


def one_line(title: str) -> str:
    """A title as it is shown in a list."""
    return " ".join(title.splitlines()).strip()


def _plain(line: str) -> str:
    return line.rstrip().split(DETAIL_MARK)[0].removesuffix(DONE_MARK)
