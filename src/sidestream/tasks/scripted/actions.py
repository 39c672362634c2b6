"""What is done about each kind of intent: the calls it takes, and the words about their results.

Each action is a generator: it yields calls, is sent their results, and returns what to say.
"""

from collections.abc import Callable, Mapping

from sidestream.local.model.conversation import ToolRequest
from sidestream.local.model.text import fold
from sidestream.tasks.scripted.dates import read_due
from sidestream.tasks.scripted.language import Intent, Kind
from sidestream.tasks.scripted.lookup import MAX_QUERY_CHARS, Plan, Scene, Unclear, find, list_all
from sidestream.tasks.scripted.memory import DETAIL_MARK, DONE_MARK, one_line
from sidestream.tasks.scripted.plans import plan, undo
from sidestream.tasks.scripted.results import Result, Task

__all__ = ["ACTIONS", "Plan", "Scene"]

type Action = Callable[[Intent, Scene], Plan]


def _add(intent: Intent, scene: Scene) -> Plan:
    if not intent.title:
        return scene.say("add_what")
    if not scene.tools.offers("add_task"):
        return scene.say("no_tool")
    due = read_due(fold(intent.due), scene.now) if intent.due else None
    request = scene.tools.request("add_task", title=intent.title, notes=intent.notes, due_at=due)
    (result,) = yield (request,)
    title = result.task.title if result.task else intent.title
    said = _trouble(scene, Kind.ADD, title, result)
    if said is not None:
        return said
    if due is not None:
        return scene.say("added_due", title=title, due=_day(due))
    return scene.say("added", title=title)


def _list(intent: Intent, scene: Scene) -> Plan:
    try:
        tasks, more = yield from list_all(scene, intent.completed)
    except Unclear as unclear:
        return unclear.said
    which = {None: "", True: "_completed", False: "_pending"}[intent.completed]
    lines = _lines(scene, "list", which, tasks, "")
    return "\n".join([*lines, scene.say("list_more")] if more else lines)


def _search(intent: Intent, scene: Scene) -> Plan:
    if not scene.tools.offers("search_tasks"):
        return scene.say("no_tool")
    (result,) = yield (scene.tools.request("search_tasks", query=intent.query[:MAX_QUERY_CHARS]),)
    if result.error is not None:
        return scene.say("failed_list", error=result.error)
    return "\n".join(_lines(scene, "found", "", list(result.tasks), intent.query))


def _show(intent: Intent, scene: Scene) -> Plan:
    try:
        tasks = yield from find(intent, scene)
    except Unclear as unclear:
        return unclear.said
    if scene.tools.offers("get_task", "task_id"):
        results = yield tuple(scene.tools.request("get_task", task_id=task.id) for task in tasks)
    else:
        results = [Result(tasks=(task,)) for task in tasks]
    said = []
    for task, result in zip(tasks, results, strict=True):
        trouble = _trouble(scene, Kind.SHOW, task.title, result)
        said.append(trouble or _details(scene, result.task or task))
    return "\n".join(said)


def _complete(intent: Intent, scene: Scene) -> Plan:
    def request(task: Task) -> ToolRequest | None:
        if scene.tools.offers("complete_task"):
            return scene.tools.request("complete_task", task_id=task.id, completed=True)
        if scene.tools.offers("update_task", "completed"):
            return scene.tools.request("update_task", task_id=task.id, completed=True)
        return None

    return (yield from _change(intent, scene, request, "completed", done=True))


def _reopen(intent: Intent, scene: Scene) -> Plan:
    def request(task: Task) -> ToolRequest | None:
        for tool in ("complete_task", "update_task"):
            if scene.tools.offers(tool, "completed"):
                return scene.tools.request(tool, task_id=task.id, completed=False)
        return None

    return (yield from _change(intent, scene, request, "reopened", done=False))


def _delete(intent: Intent, scene: Scene) -> Plan:
    def request(task: Task) -> ToolRequest | None:
        if scene.tools.offers("delete_task"):
            return scene.tools.request("delete_task", task_id=task.id)
        return None

    return (yield from _change(intent, scene, request, "deleted"))


def _update(intent: Intent, scene: Scene) -> Plan:
    due = read_due(fold(intent.due), scene.now) if intent.due else None
    if intent.due and due is None:
        return scene.say("bad_due", due=intent.due)

    def request(task: Task) -> ToolRequest | None:
        if not scene.tools.offers("update_task"):
            return None
        return scene.tools.request(
            "update_task",
            task_id=task.id,
            title=intent.title or None,
            notes=intent.notes,
            due_at=due,
        )

    if intent.title:
        return (yield from _change(intent, scene, request, "renamed", new=intent.title))
    if due is not None:
        return (yield from _change(intent, scene, request, "updated_due", due=_day(due)))
    return (yield from _change(intent, scene, request, "updated_notes"))


def _change(
    intent: Intent,
    scene: Scene,
    request: Callable[[Task], ToolRequest | None],
    phrase: str,
    done: bool | None = None,
    **words: str,
) -> Plan:
    """Finds the tasks, changes each with one call, all in parallel, and says what became of each.

    `done` is the state that the change leads to: a task already in it is not changed.
    """
    try:
        tasks = yield from find(intent, scene)
    except Unclear as unclear:
        return unclear.said
    said = [
        scene.say(f"{phrase}_already", title=task.title)
        for task in tasks
        if done is not None and task.completed is done
    ]
    tasks = [task for task in tasks if done is None or task.completed is not done]
    requests = [request(task) for task in tasks]
    if any(one is None for one in requests):
        return scene.say("no_tool")
    if not tasks:
        return "\n".join(said)
    results = yield tuple(one for one in requests if one is not None)
    for task, result in zip(tasks, results, strict=True):
        trouble = _trouble(scene, intent.kind, task.title, result)
        said.append(trouble or scene.say(phrase, title=task.title, **words))
    return "\n".join(said)


def _trouble(scene: Scene, kind: Kind, title: str, result: Result) -> str | None:
    if result.error is not None:
        return scene.say(f"failed_{kind}", title=title, error=result.error)
    return None


def _lines(scene: Scene, what: str, which: str, tasks: list[Task], query: str) -> list[str]:
    count = len(tasks) if len(tasks) < 2 else "n"
    heading = scene.say(f"{what}_{count}{which}", count=len(tasks), query=query)
    return [heading, *(f"{n}. {_line(scene, task)}" for n, task in enumerate(tasks, 1))]


def _line(scene: Scene, task: Task) -> str:
    line = one_line(task.title) + (DONE_MARK if task.completed else "")
    return line + (DETAIL_MARK + scene.say("due", due=_day(task.due_at)) if task.due_at else "")


def _details(scene: Scene, task: Task) -> str:
    status = scene.say("show_done" if task.completed else "show_open")
    said = [scene.say("show", title=task.title, status=status)]
    if task.due_at:
        said.append(scene.say("show_due", due=_day(task.due_at)))
    if task.notes:
        said.append(scene.say("show_notes", notes=task.notes))
    return " ".join(said)


def _day(due_at: str) -> str:
    return due_at[: len("2026-12-31")]


ACTIONS: Mapping[Kind, Action] = {
    Kind.ADD: _add,
    Kind.LIST: _list,
    Kind.SEARCH: _search,
    Kind.SHOW: _show,
    Kind.UPDATE: _update,
    Kind.COMPLETE: _complete,
    Kind.REOPEN: _reopen,
    Kind.DELETE: _delete,
    Kind.PLAN: plan,
    Kind.UNDO: undo,
}
