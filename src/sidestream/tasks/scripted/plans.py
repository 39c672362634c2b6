"""What looks at the whole list or back in time: a plan for the day, and taking a change back."""

from datetime import datetime

from sidestream.local.model.conversation import ToolRequest
from sidestream.tasks.scripted.language import Intent
from sidestream.tasks.scripted.lookup import Plan, Scene, Unclear, list_all
from sidestream.tasks.scripted.memory import DETAIL_MARK, Change, one_line
from sidestream.tasks.scripted.results import Task

_DAY_CHARS = len("2026-12-31")


def plan(_: Intent, scene: Scene) -> Plan:
    """The open tasks in the order of their due dates, those without one last."""
    try:
        tasks, more = yield from list_all(scene, False)
    except Unclear as unclear:
        return unclear.said
    if not tasks:
        return scene.say("plan_0")
    tasks.sort(key=lambda task: (task.due_at is None, task.due_at or ""))
    heading = scene.say("plan_1" if len(tasks) == 1 else "plan_n", count=len(tasks))
    lines = [f"{number}. {_line(scene, task)}" for number, task in enumerate(tasks, 1)]
    if more:
        lines.append(scene.say("list_more"))
    start = scene.say("plan_start", title=one_line(tasks[0].title))
    # A blank line ends a list in Markdown.
    return "\n".join([heading, *lines, "", start])


def _line(scene: Scene, task: Task) -> str:
    line = one_line(task.title)
    if not task.due_at:
        return line
    due, today = task.due_at[:_DAY_CHARS], _today(scene.now)
    phrase = "today" if due == today else "overdue" if due < today else "due"
    return line + DETAIL_MARK + scene.say(phrase, due=due)


def _today(now: datetime) -> str:
    return now.date().isoformat()


def undo(_: Intent, scene: Scene) -> Plan:
    """Take back what the last answer with any changes in it changed."""
    changes = scene.memory.changes
    if not changes:
        return scene.say("undo_nothing")
    requests = [_inverse(change, scene) for change in changes]
    results = yield tuple(request for request in requests if request is not None)
    said = []
    for change, request in zip(changes, requests, strict=True):
        title = change.task.title
        result = results.pop(0) if request is not None else None
        if result is not None and result.error is not None:
            said.append(scene.say("failed_undo", title=title, error=result.error))
        else:
            said.append(scene.say(_phrase(change), title=title))
    return "\n".join(said)


def _inverse(change: Change, scene: Scene) -> ToolRequest | None:
    task = change.task
    match change.tool:
        case "add_task" if scene.tools.offers("delete_task"):
            return scene.tools.request("delete_task", task_id=task.id)
        case "delete_task" if scene.tools.offers("add_task"):
            return scene.tools.request(
                "add_task", title=task.title, notes=task.notes, due_at=task.due_at
            )
        case "complete_task" if scene.tools.offers("complete_task"):
            completed = not change.completed
            return scene.tools.request("complete_task", task_id=task.id, completed=completed)
    return None


def _phrase(change: Change) -> str:
    match change.tool:
        case "add_task":
            return "undone_add"
        case "delete_task":
            return "undone_delete"
        case "complete_task":
            return "reopened" if change.completed else "completed"
    return "undone_update"
