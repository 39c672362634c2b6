"""Steps that begin a run, and may meet a fault: messages, retries, widgets and answers.

Each is judged before the next one. `Walker` takes them all; what people do besides is in `visits`.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from chatkit.types import (
    StructuredInputItem,
    StructuredInputMultipleChoice,
    SyncCustomActionResponse,
    UserMessageItem,
    WidgetItem,
)

from sidestream.local.model.conversation import ToolRequest
from tests.chat.client import Document, add_request, create_request, thread_request
from tests.chat.steps import action_request, row_action, rows_shown
from tests.chat.walk import words
from tests.chat.walk.cloud import Cloud
from tests.chat.walk.desk import requests_in
from tests.chat.walk.faults import FAULTS
from tests.chat.walk.hearing import Heard
from tests.chat.walk.oracle import Judged, Oracle
from tests.chat.walk.person import Person, text_of
from tests.chat.walk.plan import Act, Fault
from tests.chat.walk.scene import Scene, conduct
from tests.tickets import SHOW

_ACTIONS: Final = {
    "ticket.urgent": "update_ticket",
    "ticket.close": "close_ticket",
    "ticket.delete": "delete_ticket",
}
_CALLING: Final = frozenset({Fault.TOOLS_AWAY, Fault.TOOLS_CUT, Fault.TOOLS_KILL})
_MAX_THREADS: Final = 5


@dataclass(slots=True)
class Stage:
    """Where a chapter is played, and what has been done of it: the acts, with those that had to
    come first, and what is to be told of them."""

    cloud: Cloud
    oracle: Oracle
    random: Random
    people: tuple[Person, Person]
    taken: list[Act] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)

    def note(self, act: Act, person: Person, about: object = "") -> None:
        """Note that a person begins a step."""
        self.taken.append(act)
        self.trail.append(f"{person.name}: {act} {str(about)!r}")

    def scene(self, person: Person, request: Document, *, speaks: bool, calls: bool) -> Scene:
        """A request that is about to be sent."""
        return Scene(self.cloud, self.random, person.client, request, Heard(), speaks, calls)


type Doing = Callable[[Stage, Person, Fault | None], Coroutine[Any, Any, bool]]
"""Takes a step. Gives whether the fault has happened that it was to meet."""


async def say(stage: Stage, person: Person, fault: Fault | None, text: str = "") -> bool:
    """Send a message, in a new thread or in one that is there."""
    ids = list(person.desk.tickets)
    calls = True if fault in _CALLING else None
    text = text or words.message(stage.random, ids, calls=calls)
    stage.note(Act.SAY, person, text)
    thread_id = person.thread(stage.random)
    if thread_id is None or (len(person.screens) < _MAX_THREADS and stage.random.random() < 0.25):
        request = create_request(text)
        said = [text]
    else:
        request = add_request(thread_id, text)
        said = [*person.said[thread_id], text]
    wanted = requests_in(text)
    scene = stage.scene(person, request, speaks=True, calls=bool(wanted))
    return await _play(stage, person, scene, fault, Judged(wanted, (said,)))


async def retry(stage: Stage, person: Person, fault: Fault | None) -> bool:
    """Have a message answered again. What came after it goes when the new answer is there."""
    while (message := person.item(stage.random, UserMessageItem)) is None:
        await say(stage, person, None)
    text, thread_id = text_of(message), message.thread_id
    stage.note(Act.RETRY, person, text)
    items = person.screens[thread_id].items
    later = items[[item.id for item in items].index(message.id) + 1 :]
    said = person.said[thread_id]
    kept = said[: len(said) - sum(isinstance(item, UserMessageItem) for item in later)]
    request = thread_request("threads.retry_after_item", thread_id, item_id=message.id)
    wanted = requests_in(text)
    scene = stage.scene(person, request, speaks=True, calls=bool(wanted))
    judged = Judged(wanted, (kept, said), frozenset(item.id for item in later))
    return await _play(stage, person, scene, fault, judged)


async def widget(stage: Stage, person: Person, fault: Fault | None) -> bool:
    """Press a button of a card."""
    shown, subject = await _row(stage, person)
    kind = stage.random.choice(list(_ACTIONS))
    stage.note(Act.WIDGET, person, kind)
    try:
        action = row_action(shown, subject, kind)
    except ValueError:  # a ticket that is closed has no such button
        action = row_action(shown, subject, kind := "ticket.delete")
    wanted = [ToolRequest(_ACTIONS[kind], {"priority": "", **action["payload"]})]
    thread_id = shown.thread_id
    judged = Judged(wanted, (person.said[thread_id],), frozenset({shown.id}))
    if fault is None and kind != "ticket.close" and stage.random.random() < 0.3:
        return await _at_once(stage, person, shown, action, judged)
    request = action_request(thread_id, shown.id, action)
    scene = stage.scene(person, request, speaks=False, calls=True)
    return await _play(stage, person, scene, fault, judged)


async def answer(stage: Stage, person: Person, fault: Fault | None) -> bool:
    """Answer a question, or skip it."""
    while (asked := person.item(stage.random, StructuredInputItem, status="pending")) is None:
        await say(stage, person, None, words.question(stage.random, await _tickets(stage, person)))
    thread_id = asked.thread_id
    given, agreed = _given(stage.random, asked, agree=fault in _CALLING)
    stage.note(Act.ANSWER, person, given)
    wanted = person.held.get(asked.id, []) if agreed else []
    request = thread_request(
        "threads.add_structured_input", thread_id, item_id=asked.id, input=given
    )
    scene = stage.scene(person, request, speaks=True, calls=agreed)
    items = person.screens[thread_id].items
    touched = frozenset(item.id for item in items if item.type != "user_message")
    judged = Judged(wanted, (person.said[thread_id],), touched)
    return await _play(stage, person, scene, fault, judged)


async def _play(
    stage: Stage, person: Person, scene: Scene, fault: Fault | None, judged: Judged
) -> bool:
    await conduct(scene, FAULTS[fault] if fault else None)
    await stage.oracle.settle(person, scene, fault if scene.struck else None, judged)
    return scene.struck


async def _at_once(
    stage: Stage, person: Person, shown: WidgetItem, action: Document, judged: Judged
) -> bool:
    """Press a button whose answer is no stream."""
    request = action_request(shown.thread_id, shown.id, action, sync=True)
    done = await person.client.send(request)
    assert done.status == 200, done.body
    fresh = SyncCustomActionResponse.model_validate_json(done.body).updated_item
    assert fresh is not None
    person.replace(fresh)
    await stage.oracle.check_thread(person, shown.thread_id)
    await stage.oracle.check_desk(person, stage.cloud.system, judged.wanted)
    return False


async def _tickets(stage: Stage, person: Person) -> list[str]:
    """The ids of a person's tickets, of which there are two at least."""
    while len(person.desk.tickets) < 2:
        await say(stage, person, None, words.two_tickets())
    return list(person.desk.tickets)


async def _row(stage: Stage, person: Person) -> tuple[WidgetItem, str]:
    """A card that a person sees, and the subject of one of its rows."""
    while True:
        shown = person.item(stage.random, WidgetItem)
        if shown is not None and (rows := rows_shown(shown)):
            return shown, stage.random.choice(rows)[0]
        await _tickets(stage, person)
        await say(stage, person, None, SHOW)


def _given(random: Random, asked: StructuredInputItem, *, agree: bool) -> tuple[Document, bool]:
    """An answer, and whether anything may be done after it."""
    if not agree and random.random() < 0.25:
        return {"status": "skipped", "answers": {}}, False
    answers: Document = {}
    agreed = True
    for part in asked.inputs:
        value = "It is settled."
        if isinstance(part, StructuredInputMultipleChoice):
            value = part.options[0 if agree else random.randrange(len(part.options))].value
            agreed = value != part.options[-1].value
        answers[part.id] = {"values": [value]}
    return {"status": "answered", "answers": answers}, agreed
