"""Confirmation: a deletion that may be more than was meant asks first.

A deletion waits when the model asks for more than one in a turn, or when the task it names came out
of a search that matched several. Nothing is deleted then: the run ends with a question (ChatKit's
structured input), and a hidden item before it remembers which answers stand for which deletions.
The answer opens a new turn, which deletes what was chosen and lets the agent carry on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from agents import Agent, ModelResponse, RunContextWrapper, RunHooks
from agents.agent import ToolsToFinalOutputResult
from agents.tool import FunctionToolResult
from chatkit.types import (
    HiddenContextItem,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputMultipleChoiceOption,
    ThreadItem,
)
from openai.types.responses import ResponseFunctionToolCall

from sidestream.chat.context import TurnContext, TurnState
from sidestream.chat.widgets import LISTING_TOOLS, TaskRow, rows_of
from sidestream.i18n import _, text
from sidestream.store.ids import new_id

DELETE_TOOL: Final = "delete_task"
PENDING_KIND: Final = "pending_deletions"
WAITING_OUTPUT: Final = '{"status": "needs_confirmation", "deleted": false}'

_QUESTION_ID: Final = "delete"
_ASK_ONE: Final = _("Delete this task? {titles}")
_ASK_ALL: Final = _("Delete these {count} tasks? {titles}")
_ASK_WHICH: Final = _("More than one task matches. Which of them should be deleted?")
_YES: Final = _("Delete them")
_NO: Final = _("Keep them")
_NONE: Final = _("None of them")
_MAX_TITLES: Final = 10


@dataclass(frozen=True, slots=True)
class Question:
    """A question about deletions: what to show, and what each answer stands for."""

    item: StructuredInputItem
    memory: HiddenContextItem


class DeletionCounter(RunHooks[TurnContext]):
    """Counts the deletions of each response of the model before its tools run."""

    async def on_llm_end(
        self,
        context: RunContextWrapper[TurnContext],
        _agent: Agent[TurnContext],
        response: ModelResponse,
    ) -> None:
        """Called by the Agents SDK when the model has answered, ahead of its tool calls."""
        context.context.turn.deletions += sum(
            isinstance(item, ResponseFunctionToolCall) and item.name == DELETE_TOOL
            for item in response.output
        )


def waits(turn: TurnState, name: str, arguments: dict[str, Any]) -> bool:
    """Tell whether a tool call has to wait for an answer."""
    if name != DELETE_TOOL:
        return False
    return turn.deletions > 1 or str(arguments.get("task_id")) in _ambiguous(turn)


def end_if_waiting(
    context: RunContextWrapper[TurnContext], _results: list[FunctionToolResult]
) -> ToolsToFinalOutputResult:
    """End the agent's run when a deletion waits (the agent's `tool_use_behavior`)."""
    waiting = any(record.waiting for record in context.context.turn.records)
    return ToolsToFinalOutputResult(is_final_output=waiting, final_output="" if waiting else None)


def question(turn: TurnState, known: dict[str, str], thread_id: str, locale: str) -> Question:
    """Ask about the deletions that wait. `known` gives titles by task id."""
    records = [record for record in turn.records if record.waiting]
    wanted = list(dict.fromkeys(str(record.arguments.get("task_id")) for record in records))
    matches = _ambiguous(turn)
    which = any(task_id in matches for task_id in wanted)
    if which:
        words = text(locale, _ASK_WHICH)
        choices = _choices_of_each([*matches, *wanted], known, none=text(locale, _NONE))
    else:
        shown = [f"“{known.get(task_id, task_id)}”" for task_id in wanted[:_MAX_TITLES]]
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
    picked = [choices[value] for value in values if value in choices]
    if not all(picked):
        return []
    return list(dict.fromkeys(task_id for ids in picked for task_id in ids))


def _ambiguous(turn: TurnState) -> dict[str, TaskRow]:
    """The tasks of the turn's searches that matched more than one, by id."""
    found: dict[str, TaskRow] = {}
    for record in turn.records:
        if record.name == "search_tasks" and not record.failed:
            rows = rows_of(record.output)
            if len(rows) > 1:
                found.update({row.id: row for row in rows})
    return found


def _choices_of_each(
    task_ids: Sequence[str], known: dict[str, str], *, none: str
) -> dict[str, list[str]]:
    choices: dict[str, list[str]] = {}
    for task_id in dict.fromkeys(task_ids):
        title = known.get(task_id, task_id)
        value, number = title, 2
        while value in choices or value == none:
            value, number = f"{title} ({number})", number + 1
        choices[value] = [task_id]
    return {**choices, none: []}


def titles(history: Sequence[ThreadItem], turn: TurnState) -> dict[str, str]:
    """Give the titles of the tasks that the conversation has seen, by id."""
    known: dict[str, str] = {}
    for item in history:
        content = item.content if isinstance(item, HiddenContextItem) else None
        if isinstance(content, dict):
            for call in content.get("calls", []):
                known.update({row.id: row.title for row in rows_of(call["output"])})
    for record in turn.records:
        if record.name in LISTING_TOOLS or not record.failed:
            known.update({row.id: row.title for row in rows_of(record.output)})
    return known
