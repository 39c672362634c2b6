"""Finds the tasks that are meant: by name, by number in the list last shown, as "it", or all."""

import re
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime

from sidestream.local.model.conversation import ToolRequest
from sidestream.local.model.text import fold
from sidestream.tasks.scripted.language import Intent, Kind, Language
from sidestream.tasks.scripted.memory import Memory, Shown, one_line
from sidestream.tasks.scripted.results import Result, Task
from sidestream.tasks.scripted.toolbox import Toolbox

type Calls[T] = Generator[tuple[ToolRequest, ...], list[Result], T]
type Plan = Calls[str]

_INFINITIVE = re.compile("ن[اےی]$")
MAX_QUERY_CHARS = 200
_MAX_PAGES = 4
_MAX_CHOICES = 9
_WANTED_STATE = {Kind.COMPLETE: False, Kind.REOPEN: True}


@dataclass(frozen=True, slots=True)
class Scene:
    """What an action may look at besides its intent."""

    language: Language
    tools: Toolbox
    memory: Memory
    now: datetime
    has_cards: bool = False
    """Whether the instructions say that deletions are confirmed on a card."""

    def say(self, phrase: str, **values: object) -> str:
        """A phrase in the language of the conversation."""
        return self.language.say(phrase, **values)


class Unclear(Exception):
    """No task, or no single one, is meant; `said` is what to tell the user."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def find(intent: Intent, scene: Scene) -> Calls[list[Task]]:
    """The tasks that are meant. Raises Unclear with an explanation or a question."""
    target = intent.target
    if target.everything:
        wanted = target.completed
        if wanted is None:
            wanted = _WANTED_STATE.get(intent.kind)
        tasks, _ = yield from list_all(scene, wanted)
        if not tasks:
            raise Unclear(scene.say("nothing_to_do"))
        return tasks
    if target.several:
        if not scene.memory.shown:
            raise Unclear(scene.say("which_it"))
        numbers = tuple(range(1, len(scene.memory.shown) + 1))
        return (yield from _by_number(numbers, scene))
    if target.numbers:
        return (yield from _by_number(target.numbers, scene))
    name = scene.memory.mentioned if target.pronoun else target.name
    if not name:
        raise Unclear(scene.say("which_it"))
    if target.pronoun and len(known := scene.memory.known_as(name)) == 1:
        return known
    return (yield from _by_name(name, intent, scene))


def list_all(scene: Scene, completed: bool | None) -> Calls[tuple[list[Task], bool]]:
    """Every task of that state over the first few pages, and whether there are more."""
    tools = scene.tools
    if not tools.offers("list_tasks"):
        raise Unclear(scene.say("no_tool"))
    limit = tools.largest_page("list_tasks")
    tasks: list[Task] = []
    after: str | int | None = None
    for _ in range(_MAX_PAGES):
        request = tools.request("list_tasks", completed=completed, limit=limit, after=after)
        (result,) = yield (request,)
        if result.error is not None:
            raise Unclear(scene.say("failed_list", error=result.error))
        tasks.extend(result.tasks)
        after = result.after
        if after is None or not tools.offers("list_tasks", "after"):
            break
    if completed is not None:
        tasks = [task for task in tasks if task.completed is completed]
    return tasks, after is not None


def _by_number(numbers: tuple[int, ...], scene: Scene) -> Calls[list[Task]]:
    shown = scene.memory.shown
    if not shown or max(numbers) > len(shown):
        tasks, _ = yield from list_all(scene, None)
        shown = tuple(Shown(task.title, 0, task) for task in tasks)
    found: list[Task] = []
    for number in numbers:
        position = len(shown) - 1 if number == -1 else number - 1
        if not 0 <= position < len(shown):
            raise Unclear(scene.say("no_number", number=max(number, 1)))
        line = shown[position]
        if line.task is not None:
            found.append(line.task)
        else:
            matches = yield from _matches(line.title, scene)
            same = [task for task in matches if one_line(task.title) == line.title] or matches
            if not same:
                raise Unclear(scene.say("not_found", query=line.title))
            found.append(same[min(line.rank, len(same) - 1)])
    return found


def _by_name(name: str, intent: Intent, scene: Scene) -> Calls[list[Task]]:
    matches = yield from _matches(name, scene)
    if not matches:
        parts = [part for part in scene.language.conjunction.split(name) if part.strip()]
        if len(parts) < 2:
            raise Unclear(scene.say("not_found", query=name))
        found: list[Task] = []
        for part in parts:
            found.extend((yield from _by_name(part, intent, scene)))
        return found
    if intent.kind is Kind.DELETE and scene.has_cards:
        return [task for task in matches if fold(task.title) == fold(name)] or matches
    return [_single(matches, name, intent, scene)]


def _matches(name: str, scene: Scene) -> Calls[list[Task]]:
    """What a search finds; when it finds nothing, whatever in the list shares the words."""
    if scene.tools.offers("search_tasks"):
        (result,) = yield (scene.tools.request("search_tasks", query=name[:MAX_QUERY_CHARS]),)
        if result.error is not None:
            raise Unclear(scene.say("failed_list", error=result.error))
        if result.tasks:
            return list(result.tasks)
        if not scene.tools.offers("list_tasks"):
            return []
    tasks, _ = yield from list_all(scene, None)
    stems = _stems(name)
    return [task for task in tasks if stems and stems <= _stems(task.title)]


def _stems(text: str) -> set[str]:
    """The words without their endings, so that "grocery" finds "groceries"."""
    words = "".join(c if c.isalnum() else " " for c in fold(text)).split()
    short = (word[:5] if len(word) > 5 else word.removesuffix("s") for word in words)
    return {_INFINITIVE.sub("ن", word) for word in short}


def _single(matches: list[Task], name: str, intent: Intent, scene: Scene) -> Task:
    same = [task for task in matches if fold(task.title) == fold(name)]
    matches = same or matches
    wanted = _WANTED_STATE.get(intent.kind)
    fitting = [task for task in matches if task.completed is wanted]
    if wanted is not None and fitting:
        matches = fitting
    if len(matches) == 1:
        return matches[0]
    heading = scene.say("which_many", count=len(matches), query=name)
    titles = (one_line(task.title) for task in matches[:_MAX_CHOICES])
    lines = [f"{n}. {title}" for n, title in enumerate(titles, 1)]
    raise Unclear("\n".join([heading, *lines, scene.say(f"which_{intent.kind}")]))
