"""The task list as a widget: what it shows, and that its actions do what they say and last."""

import json

import httpx2
import pytest
from chatkit.types import (
    ClientEffectEvent,
    NoticeEvent,
    SyncCustomActionResponse,
    ThreadItemReplacedEvent,
    WidgetItem,
)
from pydantic import HttpUrl

from sidestream import i18n
from sidestream.chat.context import ToolRecord
from sidestream.chat.tools.cards import Cards
from sidestream.config import ChatSettings
from sidestream.i18n import text
from sidestream.local.aws import free_port
from sidestream.local.system import LocalSystem
from sidestream.tasks.pack import DOMAIN, TaskRow
from tests.chat.client import Answer, Client
from tests.chat.conftest import MakePerson, Rows, TaskList, under_uvicorn
from tests.chat.fold import Screen, comparable, fold
from tests.chat.steps import (
    action_request,
    add_tasks,
    change_task,
    row_action,
    rows_shown,
    the_widget,
)


def replaced(answer: Answer) -> WidgetItem:
    """The widget as an action left it."""
    assert answer.status == httpx2.codes.OK, answer.body
    [event] = [f for f in answer.frames if isinstance(f, ThreadItemReplacedEvent)]
    assert isinstance(event.item, WidgetItem)
    return event.item


def effects(answer: Answer) -> list[str]:
    return [f.name for f in answer.frames if isinstance(f, ClientEffectEvent)]


def notices(answer: Answer) -> list[str]:
    return [f.message for f in answer.frames if isinstance(f, NoticeEvent)]


async def shows(client: Client, thread_id: str, item_id: str) -> WidgetItem:
    """The widget as it is after a reload."""
    [item] = [item for item in await client.items(thread_id) if item.id == item_id]
    assert isinstance(item, WidgetItem)
    return item


async def test_listing_shows_a_tick_and_a_delete_for_each_task(
    system: LocalSystem, alice: Client
) -> None:
    ids = await add_tasks(system, alice, "milk", "dentist")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    assert sorted(rows_shown(widget)) == [("dentist", False), ("milk", False)]
    for title, task_id in ids.items():
        payload = {"task_id": task_id, "title": title, "completed": False}
        assert row_action(widget, title, "Checkbox") == {
            "type": "task.complete",
            "payload": payload,
        }
        assert row_action(widget, title, "Button") == {"type": "task.delete", "payload": payload}
    assert sorted((widget.copy_text or "").splitlines()) == ["☐ dentist", "☐ milk"]
    saved = await shows(alice, answer.thread_id, widget.id)
    assert comparable(saved) == comparable(widget)


async def test_other_turns_show_no_widget(system: LocalSystem, alice: Client) -> None:
    await add_tasks(system, alice, "milk")
    answer = await alice.create("mark milk as done")
    assert answer.done(WidgetItem) == []
    assert (await alice.create("hello")).done(WidgetItem) == []


async def test_an_empty_list_shows_no_widget(alice: Client) -> None:
    assert (await alice.create("show my tasks")).done(WidgetItem) == []


async def test_a_tick_completes_the_task_and_lasts(
    system: LocalSystem, alice: Client, task_list: TaskList
) -> None:
    await add_tasks(system, alice, "milk", "dentist")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    tick = row_action(widget, "milk", "Checkbox")
    done = await alice.send(action_request(answer.thread_id, widget.id, tick))
    assert sorted(rows_shown(replaced(done))) == [("dentist", False), ("milk", True)]
    assert effects(done) == ["tasks.changed"]
    assert notices(done) == []
    reloaded = await shows(alice, answer.thread_id, widget.id)
    assert comparable(reloaded) == comparable(replaced(done))
    assert {t["title"]: t["completed"] for t in await task_list(alice)} == {
        "milk": True,
        "dentist": False,
    }
    # The new row's tick takes it back.
    undo = row_action(reloaded, "milk", "Checkbox")
    undone = await alice.send(action_request(answer.thread_id, widget.id, undo))
    assert sorted(rows_shown(replaced(undone))) == [("dentist", False), ("milk", False)]
    assert not any(task["completed"] for task in await task_list(alice))


async def test_a_delete_takes_the_row_away_and_lasts(
    system: LocalSystem, alice: Client, task_list: TaskList
) -> None:
    await add_tasks(system, alice, "milk", "dentist")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    for title, left in (("milk", ["dentist"]), ("dentist", [])):
        delete = row_action(widget, title, "Button")
        done = await alice.send(action_request(answer.thread_id, widget.id, delete))
        assert [shown for shown, _ in rows_shown(replaced(done))] == left
        assert [task["title"] for task in await task_list(alice)] == left
    reloaded = await shows(alice, answer.thread_id, widget.id)
    assert rows_shown(reloaded) == []
    assert text("en", "Nothing is left here.") in reloaded.model_dump_json()


async def test_a_synchronous_action_does_the_same(
    system: LocalSystem, alice: Client, task_list: TaskList
) -> None:
    await add_tasks(system, alice, "milk", "dentist")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    tick = row_action(widget, "milk", "Checkbox")
    request = action_request(answer.thread_id, widget.id, tick, sync=True)
    done = await alice.send(request, idempotency_key="tick-1")
    response = SyncCustomActionResponse.model_validate_json(done.body)
    assert isinstance(response.updated_item, WidgetItem)
    assert sorted(rows_shown(response.updated_item)) == [("dentist", False), ("milk", True)]
    reloaded = await shows(alice, answer.thread_id, widget.id)
    assert comparable(reloaded) == comparable(response.updated_item)
    again = await alice.send(request, idempotency_key="tick-1")
    assert again.json() == done.json()
    assert [task["completed"] for task in await task_list(alice) if task["title"] == "milk"] == [
        True
    ]


async def test_the_next_turn_knows_what_was_done(system: LocalSystem, alice: Client) -> None:
    await add_tasks(system, alice, "milk")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    delete = row_action(widget, "milk", "Button")
    await alice.send(action_request(answer.thread_id, widget.id, delete))
    await alice.add(answer.thread_id, "hello")
    calls = [i for i in system.model.requests[-1].body["input"] if i.get("type") == "function_call"]
    assert [call["name"] for call in calls] == ["list_tasks", "delete_task"]


async def test_a_row_of_a_task_that_is_gone_goes_too(system: LocalSystem, alice: Client) -> None:
    ids = await add_tasks(system, alice, "milk", "dentist")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    await change_task(system, alice, "DELETE", ids["milk"])
    tick = row_action(widget, "milk", "Checkbox")
    done = await alice.send(action_request(answer.thread_id, widget.id, tick))
    assert rows_shown(replaced(done)) == [("dentist", False)]
    assert notices(done) == ["That did not work. The list shows how things are now."]
    assert done.errors == []


async def test_a_row_that_is_out_of_date_is_brought_up_to_date(
    system: LocalSystem, alice: Client
) -> None:
    ids = await add_tasks(system, alice, "milk")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    await change_task(system, alice, "PATCH", ids["milk"], {"title": "oat milk", "completed": True})
    tick = row_action(widget, "milk", "Checkbox")
    done = await alice.send(action_request(answer.thread_id, widget.id, tick))
    assert rows_shown(replaced(done)) == [("oat milk", True)]
    assert notices(done) == []


async def test_a_second_click_on_delete_changes_nothing_more(
    system: LocalSystem, alice: Client, task_list: TaskList
) -> None:
    await add_tasks(system, alice, "milk", "dentist")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    request = action_request(answer.thread_id, widget.id, row_action(widget, "milk", "Button"))
    await alice.send(request)
    again = await alice.send(request)
    assert rows_shown(replaced(again)) == [("dentist", False)]
    assert [task["title"] for task in await task_list(alice)] == ["dentist"]


@pytest.mark.parametrize("sync", [False, True])
async def test_another_users_widget_is_not_there(
    system: LocalSystem, alice: Client, bob: Client, task_list: TaskList, *, sync: bool
) -> None:
    await add_tasks(system, alice, "milk")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    delete = row_action(widget, "milk", "Button")
    own = await bob.create("hello")
    for thread_id in (answer.thread_id, own.thread_id):
        refused = await bob.send(action_request(thread_id, widget.id, delete, sync=sync))
        assert (refused.status, refused.problem["code"]) == (404, "not_found")
    assert len(await task_list(alice)) == 1


@pytest.mark.parametrize("sync", [False, True])
async def test_actions_that_there_are_not(
    system: LocalSystem, alice: Client, *, sync: bool
) -> None:
    await add_tasks(system, alice, "milk")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    good = row_action(widget, "milk", "Button")
    message_id = (await alice.items(answer.thread_id))[0].id
    for item_id, action in (
        (widget.id, {**good, "type": "task.explode"}),
        (widget.id, {"type": "task.delete", "payload": {"task_id": 7}}),
        (widget.id, {"type": "task.delete", "payload": None}),
        (message_id, good),
        (None, good),
    ):
        refused = await alice.send(action_request(answer.thread_id, item_id, action, sync=sync))
        assert (refused.status, refused.problem["code"]) == (422, "invalid"), action


async def test_an_action_while_the_task_service_is_down(
    system: LocalSystem, alice: Client, task_list: TaskList, chat_settings: ChatSettings
) -> None:
    await add_tasks(system, alice, "milk")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    forged = row_action(widget, "milk", "Button")
    forged["payload"]["title"] = "not its title"
    nowhere = HttpUrl(f"http://127.0.0.1:{free_port()}/mcp")
    settings = chat_settings.model_copy(update={"tools_mcp_url": nowhere})
    async with under_uvicorn(settings) as chat, Client(chat.url, alice.token) as client:
        done = await client.send(action_request(answer.thread_id, widget.id, forged))
    assert rows_shown(replaced(done)) == [("milk", False)]
    assert notices(done) == ["That did not work. The list shows how things are now."]
    assert len(await task_list(alice)) == 1


async def test_an_action_whose_answer_is_lost(
    system: LocalSystem, alice: Client, task_list: TaskList
) -> None:
    """The task is deleted, and nobody is told: the row stays until it is looked at again."""
    await add_tasks(system, alice, "milk")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    delete = action_request(answer.thread_id, widget.id, row_action(widget, "milk", "Button"))
    system.tools.faults.stale_responses = 6  # three attempts to delete, three to look
    try:
        done = await alice.send(delete)
    finally:
        system.tools.faults.stale_responses = 0
    assert rows_shown(replaced(done)) == [("milk", False)]
    assert len(notices(done)) == 1
    assert rows_shown(replaced(await alice.send(delete))) == []
    assert await task_list(alice) == []


async def test_an_action_in_a_thread_that_is_closed(
    system: LocalSystem, alice: Client, rows: Rows, task_list: TaskList
) -> None:
    await add_tasks(system, alice, "milk")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    await rows(
        "update threads set data = jsonb_set(data::jsonb, '{status}', '{\"type\": \"closed\"}') "
        "where id = %s returning id",
        answer.thread_id,
    )
    delete = row_action(widget, "milk", "Button")
    for sync in (False, True):
        refused = await alice.send(action_request(answer.thread_id, widget.id, delete, sync=sync))
        assert (refused.status, refused.problem["code"]) == (409, "thread_locked")
    assert len(await task_list(alice)) == 1


async def test_in_urdu(system: LocalSystem, person: MakePerson) -> None:
    client = person(language="ur-PK")
    await add_tasks(system, client, "دودھ")
    answer = await client.create("میرے کام دکھاؤ")
    widget = the_widget(answer)
    document = widget.model_dump_json()
    assert "حذف کریں" in document
    assert "مکمل" in document
    refused = await client.send(
        action_request(answer.thread_id, widget.id, {"type": "x", "payload": {}})
    )
    assert refused.problem["title"] == "درخواست درست نہیں ہے"


async def test_the_whole_screen_folds(system: LocalSystem, alice: Client) -> None:
    await add_tasks(system, alice, "milk", "dentist")
    answer = await alice.create("show my tasks")
    widget = the_widget(answer)
    screen = fold(answer.frames)
    for title in ("milk", "dentist"):
        tick = row_action(widget, title, "Checkbox")
        done = await alice.send(action_request(answer.thread_id, widget.id, tick))
        screen = fold(done.frames, screen)
    saved = await alice.items(answer.thread_id)
    assert screen.texts() == Screen(items=tuple(saved)).texts()


class TestBuilding:
    """What goes into a widget and comes back out of it."""

    CARDS = Cards(DOMAIN)
    TITLES = ('He said "hi" \\ {{ 7 * 7 }} </script>', "دودھ\nلانا", "a" * 200, "'", "{}")

    def test_any_title_survives(self) -> None:
        rows = [
            TaskRow(id=f"tsk_{n}", title=title, completed=n % 2 == 0)
            for n, title in enumerate(self.TITLES)
        ]
        item = self.CARDS.item(rows, "thr_1", "en")
        assert self.CARDS.shown(item) == rows
        assert rows_shown(item) == [(row.title, row.completed) for row in rows]

    def test_a_long_list_is_cut(self) -> None:
        data = [{"id": f"t{n}", "title": "x", "completed": False} for n in range(100)]
        assert len(self.CARDS.listing([self._record("list_tasks", {"data": data})])) == 30

    def test_only_lists_are_shown(self) -> None:
        task = {"id": "t", "title": "x", "completed": False}
        listed = self._record("list_tasks", {"data": [task]})
        assert self.CARDS.listing([listed, self._record("add_task", task)]) == []
        assert self.CARDS.listing([listed, self._record("teleport", {"data": [task]})]) == []
        assert self.CARDS.listing([self._record("list_tasks", "oops")]) == []
        assert self.CARDS.listing([self._record("list_tasks", [1])]) == []
        assert self.CARDS.listing([]) == []

    def test_labels_are_localised(self) -> None:
        assert DOMAIN.catalogues is not None
        i18n.add(DOMAIN.catalogues)
        card = self.CARDS.build([TaskRow(id="t", title="x")], "ur")
        assert "حذف کریں" in card.model_dump_json()

    @staticmethod
    def _record(name: str, result: object) -> ToolRecord:
        return ToolRecord("c", name, {}, json.dumps(result), failed=False, result=result)
