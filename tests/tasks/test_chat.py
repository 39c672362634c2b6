"""The tasks on the whole platform, in people's own words. What the platform does with any domain is
tested on another one, in `tests/chat`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import httpx2
import pytest
from chatkit.types import (
    ClientEffectEvent,
    StructuredInputItem,
    ThreadItemReplacedEvent,
    WidgetItem,
)

from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from sidestream.time_zone import time_zone
from tests.chat.client import Answer, Client, Document
from tests.chat.steps import (
    action_request,
    answer_request,
    asked,
    lines,
    the_question,
    the_widget,
)

type MakePerson = Callable[[str], Client]


@pytest.fixture
async def person(system: LocalSystem) -> AsyncIterator[MakePerson]:
    """People whom no other test knows, each with a language."""
    clients: list[Client] = []

    def make(language: str) -> Client:
        clients.append(Client(system.chat.url, system.token(new_id("user")), language=language))
        return clients[-1]

    yield make
    await asyncio.gather(*(client.http.aclose() for client in clients))


async def listed(system: LocalSystem, client: Client) -> list[Document]:
    """A person's tasks by REST."""
    headers = {"authorization": f"Bearer {client.token}"}
    async with httpx2.AsyncClient(base_url=system.tools.url, headers=headers) as http:
        answer = await http.get(f"/api/{client.user_id}/tasks")
    tasks: list[Document] = answer.json()["data"]
    return tasks


async def tasks_of(system: LocalSystem, client: Client) -> dict[str, bool]:
    """Whether each of a person's tasks is done, by title."""
    return {task["title"]: task["completed"] for task in await listed(system, client)}


def effects(answer: Answer) -> set[str]:
    return {frame.name for frame in answer.frames if isinstance(frame, ClientEffectEvent)}


def actions(item: WidgetItem) -> dict[str, dict[str, Document]]:
    """What each row of a card can do, by its title and the action's type."""
    found: dict[str, dict[str, Document]] = {}
    for row in item.widget.model_dump(mode="json", exclude_none=True)["children"]:
        parts = {part["type"]: part for part in row["children"]}
        if "Checkbox" in parts:
            tick, button = parts["Checkbox"]["onChangeAction"], parts["Button"]["onClickAction"]
            assert parts["Text"]["lineThrough"] is parts["Checkbox"]["defaultChecked"]
            found[parts["Text"]["value"]] = {
                action["type"]: {key: action[key] for key in ("type", "payload")}
                for action in (tick, button)
            }
    return found


@pytest.mark.parametrize(
    ("zone", "utc_hour"),
    [("Asia/Karachi", 12), ("America/New_York", 22), ("Pacific/Kiritimati", 3), ("Nowhere", 17)],
)
async def test_tomorrow_is_the_persons(
    system: LocalSystem, person: MakePerson, zone: str, utc_hour: int
) -> None:
    alice = person("en")
    alice.http.headers["x-sidestream-time-zone"] = zone
    clock = time_zone(zone)
    before = datetime.now(clock).date()
    answer = await alice.create("remind me to call mom tomorrow")
    await alice.add(answer.thread_id, "کل دودھ لانا شامل کرو")
    await alice.add(answer.thread_id, "add a task called meeting, due 2026-12-24 at 5pm")
    days = {f"{day + timedelta(1)}" for day in (before, datetime.now(clock).date())}
    dues = {task["title"]: task["due_at"] for task in await listed(system, alice)}
    assert {dues["call mom"], dues["دودھ لانا"]} <= days
    assert dues["meeting"] == f"2026-12-24T{utc_hour:02}:00:00Z"


async def test_a_conversation(system: LocalSystem, person: MakePerson) -> None:
    alice = person("en")
    added = await alice.create("Add milk, eggs and bread")
    thread = added.thread_id
    assert lines(added) == [("Add a task", title) for title in ("milk", "eggs", "bread")]
    assert effects(added) == {"tasks.changed"}
    done = await alice.add(thread, "Mark the milk task as complete")
    assert "milk" in done.text
    assert await tasks_of(system, alice) == {"milk": True, "eggs": False, "bread": False}
    gone = await alice.add(thread, "Delete the eggs")
    assert gone.text == "Deleted “eggs”."
    assert gone.done(StructuredInputItem) == []
    assert await tasks_of(system, alice) == {"milk": True, "bread": False}


async def test_a_list_is_a_card_whose_actions_last(system: LocalSystem, person: MakePerson) -> None:
    alice = person("en")
    await alice.create("Add milk and bread")
    listed = await alice.create("Show my tasks")
    card = the_widget(listed)
    assert lines(listed) == [("Look at the list", "2 tasks")]
    assert sorted((card.copy_text or "").splitlines()) == ["☐ bread", "☐ milk"]
    tick = actions(card)["milk"]["task.complete"]
    ticked = await alice.send(action_request(card.thread_id, card.id, tick))
    assert effects(ticked) == {"tasks.changed"}
    assert await tasks_of(system, alice) == {"milk": True, "bread": False}
    [event] = [frame for frame in ticked.frames if isinstance(frame, ThreadItemReplacedEvent)]
    assert isinstance(event.item, WidgetItem)
    again = actions(event.item)
    untick = action_request(card.thread_id, card.id, again["milk"]["task.complete"])
    await alice.send(untick)
    assert await tasks_of(system, alice) == {"milk": False, "bread": False}
    delete = action_request(card.thread_id, card.id, again["bread"]["task.delete"])
    await alice.send(delete)
    assert await tasks_of(system, alice) == {"milk": False}


async def test_several_deletions_ask_first(system: LocalSystem, person: MakePerson) -> None:
    alice = person("en")
    await alice.create("Add milk, eggs and bread")
    question = the_question(await alice.create("Delete all tasks"))
    words, options = asked(question)
    assert words.startswith("Delete these 3 tasks? ")
    assert len(await tasks_of(system, alice)) == 3
    done = await alice.send(answer_request(question, options[:1]))
    assert "Deleted “milk”." in done.text
    assert await tasks_of(system, alice) == {}


async def test_words_that_match_several_ask_which(system: LocalSystem, person: MakePerson) -> None:
    alice = person("en")
    await alice.create("Add buy milk; add sell milk")
    question = the_question(await alice.create("Delete the milk task"))
    words, options = asked(question)
    assert words == "More than one task matches. Which of them should be deleted?"
    await alice.send(answer_request(question, ["sell milk"]))
    assert options[-1] == "None of them"
    assert await tasks_of(system, alice) == {"buy milk": False}


async def test_in_urdu(system: LocalSystem, person: MakePerson) -> None:
    sana = person("ur-PK")
    added = await sana.create("دودھ لانا شامل کرو")
    assert lines(added) == [("کام شامل کریں", "دودھ لانا")]
    await sana.create("ڈاکٹر شامل کرو")
    assert "حذف کریں" in the_widget(await sana.create("میرے کام دکھاؤ")).model_dump_json()
    question = the_question(await sana.create("سارے کام حذف کرو"))
    words, options = asked(question)
    assert words.startswith("کیا یہ 2 کام حذف کر دیے جائیں؟")
    await sana.send(answer_request(question, options[:1]))
    assert await tasks_of(system, sana) == {}
