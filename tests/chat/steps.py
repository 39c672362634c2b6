"""Steps that several tests of the chat take: tasks, widgets, questions and their answers."""

from collections.abc import Iterable

import httpx2
from chatkit.types import StructuredInputItem, StructuredInputMultipleChoice, WidgetItem

from sidestream.local.system import LocalSystem
from tests.chat.client import Answer, Client, Document, thread_request

QUESTION = "calls"


async def add_tasks(system: LocalSystem, person: Client, *titles: str) -> dict[str, str]:
    """Put tasks on a person's list, by REST. Gives their ids by title."""
    ids: dict[str, str] = {}
    async with httpx2.AsyncClient(base_url=system.tools.url) as http:
        for title in titles:
            answer = await http.post(
                f"/api/{person.user_id}/tasks",
                json={"title": title},
                headers={"authorization": f"Bearer {person.token}"},
            )
            assert answer.status_code == httpx2.codes.CREATED, answer.text
            ids[title] = answer.json()["id"]
    return ids


async def change_task(
    system: LocalSystem, person: Client, method: str, task_id: str, body: Document | None = None
) -> None:
    """Change or delete a task behind the chat's back, by REST."""
    async with httpx2.AsyncClient(base_url=system.tools.url) as http:
        answer = await http.request(
            method,
            f"/api/{person.user_id}/tasks/{task_id}",
            json=body,
            headers={"authorization": f"Bearer {person.token}"},
        )
    assert answer.is_success, answer.text


def the_widget(answer: Answer) -> WidgetItem:
    """The one widget that a run showed."""
    [widget] = answer.done(WidgetItem)
    return widget


def rows_shown(item: WidgetItem) -> list[tuple[str, bool]]:
    """The title and tick of each row of a task list."""
    document = item.widget.model_dump(mode="json", exclude_none=True)
    rows = [row["children"] for row in document["children"] if row["key"] != "empty"]
    found = []
    for row in rows:
        by_type = {child["type"]: child for child in row}
        ticked = by_type["Checkbox"]["defaultChecked"]
        assert by_type["Text"]["lineThrough"] is ticked
        found.append((by_type["Text"]["value"], ticked))
    return found


def row_action(item: WidgetItem, title: str, part: str) -> Document:
    """The action that a row of a task list carries: its "Checkbox" or its "Button"."""
    document = item.widget.model_dump(mode="json", exclude_none=True)
    for row in document["children"]:
        by_type = {child["type"]: child for child in row["children"]}
        if by_type["Text"]["value"] == title:
            name = "onChangeAction" if part == "Checkbox" else "onClickAction"
            action = by_type[part][name]
            return {"type": action["type"], "payload": action["payload"]}
    raise AssertionError(f"there is no row {title!r}")


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
