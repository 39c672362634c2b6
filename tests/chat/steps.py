"""Steps that several tests of the chat take: traces, widgets, questions and their answers."""

from collections.abc import Iterable, Sequence

from chatkit.types import (
    CustomTask,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    ThreadItem,
    WidgetItem,
    WorkflowItem,
)

from tests.chat.client import Answer, Document, thread_request

QUESTION = "calls"


def lines(answer: Answer) -> list[tuple[str | None, str | None]]:
    """The lines of a run's tool trace, as title and content."""
    return lines_in(answer.done(WorkflowItem))


def lines_in(items: Sequence[ThreadItem]) -> list[tuple[str | None, str | None]]:
    """The lines of the tool traces among some items, as title and content."""
    return [
        (task.title, task.content)
        for item in items
        if isinstance(item, WorkflowItem)
        for task in item.workflow.tasks
        if isinstance(task, CustomTask)
    ]


def the_widget(answer: Answer) -> WidgetItem:
    """The one widget that a run showed."""
    [widget] = answer.done(WidgetItem)
    return widget


def rows_shown(item: WidgetItem) -> list[tuple[str, bool]]:
    """The subject of each row of a list of tickets, and whether it is marked as urgent."""
    return [
        (_subject(row), any(child["type"] == "Badge" for child in row["children"]))
        for row in _rows(item)
    ]


def row_action(item: WidgetItem, subject: str, kind: str) -> Document:
    """The action of a type that the row of a ticket carries."""
    [row] = [row for row in _rows(item) if _subject(row) == subject]
    buttons = [child["onClickAction"] for child in row["children"] if child["type"] == "Button"]
    [action] = [action for action in buttons if action["type"] == kind]
    return {"type": action["type"], "payload": action["payload"]}


def _rows(item: WidgetItem) -> list[Document]:
    document = item.widget.model_dump(mode="json", exclude_none=True)
    return [row for row in document["children"] if row["key"] != "empty"]


def _subject(row: Document) -> str:
    [text] = [child for child in row["children"] if child["type"] == "Text"]
    return str(text["value"])


def action_request(
    thread_id: str, item_id: str | None, action: Document, *, sync: bool = False
) -> Document:
    """A widget's action, streamed or not."""
    kind = "threads.sync_custom_action" if sync else "threads.custom_action"
    params = {"action": action} | ({"item_id": item_id} if item_id else {})
    return thread_request(kind, thread_id, **params)


def the_question(answer: Answer) -> StructuredInputItem:
    """The one question that a run asked."""
    [question] = answer.done(StructuredInputItem)
    return question


def asked(question: StructuredInputItem) -> tuple[str, list[str]]:
    """A question's words and its options."""
    [part] = question.inputs
    assert isinstance(part, StructuredInputMultipleChoice)
    assert part.id == QUESTION
    return part.question, [option.value for option in part.options]


def answer_request(
    question: StructuredInputItem, values: Iterable[str], *, status: str = "answered"
) -> Document:
    """The answer to a question."""
    return thread_request(
        "threads.add_structured_input",
        question.thread_id,
        item_id=question.id,
        input={"status": status, "answers": {QUESTION: {"values": list(values)}}},
    )


def filled_in(
    card: StructuredInputItem, *given: str | Iterable[str], status: str = "answered"
) -> Document:
    """The answer to a card of several questions: for each, in order, a value or some."""
    answers = {
        question.id: {"values": [each] if isinstance(each, str) else list(each)}
        for question, each in zip(card.inputs, given, strict=False)
    }
    return thread_request(
        "threads.add_structured_input",
        card.thread_id,
        item_id=card.id,
        input={"status": status, "answers": answers},
    )
