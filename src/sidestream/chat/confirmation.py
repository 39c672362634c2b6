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
_ASK_ALL: Final = _("Delete these {count} tasks? {titles}")
_ASK_WHICH: Final = _("More than one task matches. Which of them should be deleted?")
_YES: Final = _("Delete them")
_NO: Final = _("Keep them")
_NONE: Final = _("None of them")


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
    wanted = [str(record.arguments.get("task_id")) for record in turn.records if record.waiting]
    if len(wanted) > 1:
        titles = ", ".join(f"“{known.get(task_id, task_id)}”" for task_id in wanted)
        words = text(locale, _ASK_ALL, count=len(wanted), titles=titles)
        choices = {text(locale, _YES): wanted, text(locale, _NO): []}
    else:
        words = text(locale, _ASK_WHICH)
        choices = _choices_of_each(_ambiguous(turn), known)
        choices[text(locale, _NONE)] = []
    item = StructuredInputItem(
        id=new_id("ask"),
        thread_id=thread_id,
        created_at=datetime.now(UTC),
        inputs=[
            StructuredInputMultipleChoice(
                id=_QUESTION_ID,
                question=words,
                multiple=len(wanted) == 1,
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


def chosen(answered: StructuredInputItem, history: Sequence[ThreadItem]) -> list[str]:
    """Give the ids of the tasks that an answer says to delete."""
    for item in reversed(history):
        content = item.content if isinstance(item, HiddenContextItem) else None
        if (
            isinstance(content, dict)
            and content.get("kind") == PENDING_KIND
            and content.get("item_id") == answered.id
        ):
            values = [
                value
                for question in answered.inputs
                if question.answer is not None
                for value in question.answer.values
            ]
            ids = [task_id for value in values for task_id in content["choices"].get(value, [])]
            return list(dict.fromkeys(ids))
    return []


def _ambiguous(turn: TurnState) -> dict[str, TaskRow]:
    """The tasks of the turn's searches that matched more than one, by id."""
    found: dict[str, TaskRow] = {}
    for record in turn.records:
        if record.name == "search_tasks" and not record.failed:
            rows = rows_of(record.output)
            if len(rows) > 1:
                found.update({row.id: row for row in rows})
    return found


def _choices_of_each(tasks: dict[str, TaskRow], known: dict[str, str]) -> dict[str, list[str]]:
    choices: dict[str, list[str]] = {}
    for task_id, row in tasks.items():
        title = row.title or known.get(task_id, task_id)
        value, number = title, 2
        while value in choices:
            value, number = f"{title} ({number})", number + 1
        choices[value] = [task_id]
    return choices


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
