"""Confirmation: a deletion that may be more than was meant asks first.

No task is deleted while the model is at work. A deletion that it asks for is held until its run
ends: only then is it known whether there are more, whichever way the model goes about it (all in
one step, one per step, words in between). One that is alone is then carried out. Several, or one
whose task came out of a search that matched several, become a question (ChatKit's structured
input), and a hidden item before it remembers which answers stand for which deletions. The answer
opens a new turn, which deletes what was chosen and lets the agent carry on.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agents import RunContextWrapper
from agents.agent import ToolsToFinalOutputResult
from agents.tool import FunctionToolResult
from chatkit.types import (
    HiddenContextItem,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputMultipleChoiceOption,
    ThreadItem,
    UserMessageItem,
)

from sidestream.chat.context import ToolRecord, TurnContext, TurnState
from sidestream.chat.widgets import rows_of
from sidestream.i18n import _, text
from sidestream.store.ids import new_id

DELETE_TOOL: Final = "delete_task"
PENDING_KIND: Final = "pending_deletions"
HELD_STATUS: Final = "held"
MAX_QUERY_CHARS: Final = 200

_HELD_NOTE: Final = (
    "The task is deleted when your answer ends: speak of it as done. If more than one is to be"
    " deleted, ask for the others now and say nothing: the person is asked first."
)
_QUESTION_ID: Final = "delete"
_ASK_ONE: Final = _("Delete this task? {titles}")
_ASK_ALL: Final = _("Delete these {count} tasks? {titles}")
_ASK_WHICH: Final = _("More than one task matches. Which of them should be deleted?")
_YES: Final = _("Delete them")
_NO: Final = _("Keep them")
_NONE: Final = _("None of them")
_MAX_TITLES: Final = 10
_SHORT: Final = 2
_FILLERS: Final = frozenset({"and", "for", "the"})


@dataclass(frozen=True, slots=True)
class Question:
    """A question about deletions: what to show, and what each answer stands for."""

    item: StructuredInputItem
    memory: HiddenContextItem


def held_output(task: str) -> str:
    """Give the output of a deletion that is held, with the task (JSON) as it is."""
    document = {**json.loads(task), "status": HELD_STATUS, "deleted": False}
    return json.dumps(document, ensure_ascii=False)


def told(record: ToolRecord) -> str:
    """Give what the model is told of a call, now: later turns do not need the advice."""
    if not record.held:
        return record.output
    return json.dumps({**json.loads(record.output), "note": _HELD_NOTE}, ensure_ascii=False)


def without_held(turn: TurnState, output: str) -> str:
    """Give a list's JSON as it will be: a model that looks again does not find what it deleted."""
    gone = held(turn)
    document = json.loads(output) if gone else None
    if not isinstance(document, dict) or not isinstance(document.get("data"), list):
        return output
    document["data"] = [task for task in document["data"] if task.get("id") not in gone]
    return json.dumps(document, ensure_ascii=False)


def held(turn: TurnState) -> list[str]:
    """Give the ids of the tasks whose deletion is held."""
    ids = (str(record.arguments["task_id"]) for record in turn.records if record.held)
    return list(dict.fromkeys(ids))


def asks(turn: TurnState) -> bool:
    """Tell whether the deletions that are held need an answer of the person."""
    ids = held(turn)
    return len(ids) > 1 or (bool(ids) and turn.confirmed) or _ambiguous(turn)


def unsearched(turn: TurnState) -> str | None:
    """Give the words by which the person named the one task whose deletion is held, if no search of
    the turn has looked for it: the model may know it from a list, or from earlier.

    Fillers and the shortest words name nothing when there are others.
    """
    task_id = held(turn)[0]
    rows = [
        row
        for record in turn.records
        if record.name == "search_tasks" and not record.failed
        for row in rows_of(record.output)
    ]
    said = [item for item in turn.history if isinstance(item, UserMessageItem)]
    if not said or any(row.id == task_id for row in rows):
        return None
    spoken = set(_words("".join(part.text for part in said[-1].content)))
    titles = (row.title for r in turn.records if r.held for row in rows_of(r.output))
    shared = [word for title in titles for word in _words(title) if word in spoken]
    naming = [word for word in shared if len(word) > _SHORT and word not in _FILLERS]
    return " ".join(naming or shared) or None


def _words(said: str) -> list[str]:
    return re.findall(r"\w+", said.casefold())


def end_if_asking(
    context: RunContextWrapper[TurnContext], results: list[FunctionToolResult]
) -> ToolsToFinalOutputResult:
    """End the agent's run when there is something to ask (the agent's `tool_use_behavior`).

    Not after a single deletion of several: a model that asks for one at a time may have more.
    """
    turn = context.context.turn
    deletions = sum(result.tool.name == DELETE_TOOL for result in results)
    ends = asks(turn) and (deletions != 1 or _ambiguous(turn))
    return ToolsToFinalOutputResult(is_final_output=ends, final_output="" if ends else None)


def question(turn: TurnState, thread_id: str, locale: str) -> Question:
    """Ask about the deletions that are held."""
    known = {row.id: row.title for record in turn.records for row in rows_of(record.output)}
    wanted = held(turn)
    which = _ambiguous(turn)
    if which:
        words = text(locale, _ASK_WHICH)
        choices = _choices_of_each([*_matches(turn), *wanted], known, none=text(locale, _NONE))
    else:
        shown = [f"“{known[task_id]}”" for task_id in wanted[:_MAX_TITLES]]
        titles = ", ".join(shown) + (" …" if len(wanted) > _MAX_TITLES else "")
        ask = _ASK_ONE if len(wanted) == 1 else _ASK_ALL
        words = text(locale, ask, count=len(wanted), titles=titles)
        choices = {text(locale, _YES): wanted, text(locale, _NO): []}
    item = StructuredInputItem(
        id=new_id("ask"),
        thread_id=thread_id,
        created_at=datetime.now(UTC),
        inputs=[
            StructuredInputMultipleChoice(
                id=_QUESTION_ID,
                question=words,
                multiple=which,
                options=[StructuredInputMultipleChoiceOption(value=value) for value in choices],
            )
        ],
    )
    memory = HiddenContextItem(
        id=new_id("hid"),
        thread_id=thread_id,
        created_at=datetime.now(UTC),
        content={"kind": PENDING_KIND, "item_id": item.id, "choices": choices},
    )
    return Question(item, memory)


def choices_of(
    answered: StructuredInputItem, history: Sequence[ThreadItem]
) -> dict[str, list[str]] | None:
    """Give what each answer to a question stands for: ids of tasks to delete. None when the history
    does not go back to the question."""
    for item in reversed(history):
        content = item.content if isinstance(item, HiddenContextItem) else None
        if (
            isinstance(content, dict)
            and content.get("kind") == PENDING_KIND
            and content.get("item_id") == answered.id
        ):
            return dict(content["choices"])
    return None


def chosen(answered: StructuredInputItem, choices: dict[str, list[str]]) -> list[str]:
    """Give the ids of the tasks that an answer says to delete.

    Words of the person's own delete nothing, nor do choices that contradict each other.
    """
    values = [
        value
        for question in answered.inputs
        if question.answer is not None
        for value in question.answer.values
    ]
    picked = [choices.get(value, []) for value in values]
    if not all(picked):
        return []
    return list(dict.fromkeys(task_id for ids in picked for task_id in ids))


def _ambiguous(turn: TurnState) -> bool:
    return bool(_matches(turn))


def _matches(turn: TurnState) -> list[str]:
    """The ids of the tasks of the turn's searches that matched more than one, be it on a page that
    the model did not ask for, and found one whose deletion is held."""
    found: list[str] = []
    for record in turn.records:
        if record.name == "search_tasks" and not record.failed:
            ids = [row.id for row in rows_of(record.output)]
            several = len(ids) > 1 or json.loads(record.output).get("has_more")
            if several and not set(ids).isdisjoint(held(turn)):
                found.extend(ids)
    return found


def _choices_of_each(
    task_ids: Sequence[str], known: dict[str, str], *, none: str
) -> dict[str, list[str]]:
    choices: dict[str, list[str]] = {}
    for task_id in dict.fromkeys(task_ids):
        title = known[task_id]
        value, number = title, 2
        while value in choices or value == none:
            value, number = f"{title} ({number})", number + 1
        choices[value] = [task_id]
    return {**choices, none: []}
