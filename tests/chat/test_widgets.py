"""A list as a widget: what it shows, and that its actions do what they say and last."""

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

from examples.tickets.pack import TicketRow
from sidestream import i18n
from sidestream.chat.context import ToolRecord
from sidestream.chat.tools.cards import Cards
from sidestream.config import ChatSettings
from sidestream.domain import Row
from sidestream.i18n import text
from sidestream.local.ports import free_port
from sidestream.local.system import LocalSystem
from sidestream.store.codec import item_json
from tests.chat.client import Answer, Client
from tests.chat.conftest import MakePerson, Rows, TicketList, under_uvicorn
from tests.chat.fold import Screen, comparable, fold
from tests.chat.registries import registry_of
from tests.chat.steps import action_request, row_action, rows_shown, the_widget
from tests.tickets import DOMAIN, SHOW, change, change_ticket, open_tickets

URGENT = "ticket.urgent"
DELETE = "ticket.delete"


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


async def test_listing_shows_the_actions_of_each_ticket(system: LocalSystem, alice: Client) -> None:
    ids = await open_tickets(system, alice, "printer", "login")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    assert sorted(rows_shown(widget)) == [("login", False), ("printer", False)]
    for title, ticket_id in ids.items():
        payload = {
            "ticket_id": ticket_id,
            "title": title,
            "status": "open",
            "priority": "normal",
        }
        for kind in (URGENT, DELETE):
            assert row_action(widget, title, kind) == {"type": kind, "payload": payload}
    assert sorted((widget.copy_text or "").splitlines()) == ["[open] login", "[open] printer"]
    saved = await shows(alice, answer.thread_id, widget.id)
    assert comparable(saved) == comparable(widget)


async def test_other_turns_show_no_widget(system: LocalSystem, alice: Client) -> None:
    ids = await open_tickets(system, alice, "printer")
    answer = await alice.create(change(ids["printer"], status="pending"))
    assert answer.done(WidgetItem) == []
    assert (await alice.create("hello")).done(WidgetItem) == []


async def test_an_empty_list_shows_no_widget(alice: Client) -> None:
    assert (await alice.create(SHOW)).done(WidgetItem) == []


async def test_an_action_changes_the_ticket_and_lasts(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    await open_tickets(system, alice, "printer", "login")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    urgent = row_action(widget, "printer", URGENT)
    done = await alice.send(action_request(answer.thread_id, widget.id, urgent))
    assert sorted(rows_shown(replaced(done))) == [("login", False), ("printer", True)]
    assert effects(done) == ["tickets.changed"]
    assert notices(done) == []
    reloaded = await shows(alice, answer.thread_id, widget.id)
    assert comparable(reloaded) == comparable(replaced(done))
    assert {t["subject"]: t["priority"] for t in await tickets(alice)} == {
        "printer": "high",
        "login": "normal",
    }
    # The new row's action takes it back.
    undo = row_action(reloaded, "printer", URGENT)
    undone = await alice.send(action_request(answer.thread_id, widget.id, undo))
    assert sorted(rows_shown(replaced(undone))) == [("login", False), ("printer", False)]
    assert {ticket["priority"] for ticket in await tickets(alice)} == {"normal"}


async def test_a_delete_takes_the_row_away_and_lasts(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    await open_tickets(system, alice, "printer", "login")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    for title, left in (("printer", ["login"]), ("login", [])):
        delete = row_action(widget, title, DELETE)
        done = await alice.send(action_request(answer.thread_id, widget.id, delete))
        assert [shown for shown, _ in rows_shown(replaced(done))] == left
        assert [ticket["subject"] for ticket in await tickets(alice)] == left
    reloaded = await shows(alice, answer.thread_id, widget.id)
    assert rows_shown(reloaded) == []
    assert text("en", "Nothing is left here.") in reloaded.model_dump_json()


async def test_a_synchronous_action_does_the_same(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    await open_tickets(system, alice, "printer", "login")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    urgent = row_action(widget, "printer", URGENT)
    request = action_request(answer.thread_id, widget.id, urgent, sync=True)
    done = await alice.send(request, idempotency_key="urgent-1")
    response = SyncCustomActionResponse.model_validate_json(done.body)
    assert isinstance(response.updated_item, WidgetItem)
    assert sorted(rows_shown(response.updated_item)) == [("login", False), ("printer", True)]
    reloaded = await shows(alice, answer.thread_id, widget.id)
    assert comparable(reloaded) == comparable(response.updated_item)
    again = await alice.send(request, idempotency_key="urgent-1")
    assert again.json() == done.json()
    assert [ticket["priority"] for ticket in await tickets(alice)] == ["high", "normal"]


async def test_the_next_turn_knows_what_was_done(system: LocalSystem, alice: Client) -> None:
    await open_tickets(system, alice, "printer")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    delete = row_action(widget, "printer", DELETE)
    await alice.send(action_request(answer.thread_id, widget.id, delete))
    await alice.add(answer.thread_id, "hello")
    calls = [i for i in system.model.requests[-1].body["input"] if i.get("type") == "function_call"]
    assert [call["name"] for call in calls] == ["list_tickets", "delete_ticket"]


async def test_a_row_of_a_ticket_that_is_gone_goes_too(system: LocalSystem, alice: Client) -> None:
    ids = await open_tickets(system, alice, "printer", "login")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    await change_ticket(system, alice, "DELETE", ids["printer"])
    urgent = row_action(widget, "printer", URGENT)
    done = await alice.send(action_request(answer.thread_id, widget.id, urgent))
    assert rows_shown(replaced(done)) == [("login", False)]
    assert notices(done) == ["That did not work. The list shows how things are now."]
    assert done.errors == []


async def test_a_row_that_is_out_of_date_is_brought_up_to_date(
    system: LocalSystem, alice: Client
) -> None:
    ids = await open_tickets(system, alice, "printer")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    changes = {"subject": "old printer", "priority": "high"}
    await change_ticket(system, alice, "PATCH", ids["printer"], changes)
    urgent = row_action(widget, "printer", URGENT)
    done = await alice.send(action_request(answer.thread_id, widget.id, urgent))
    assert rows_shown(replaced(done)) == [("old printer", True)]
    assert notices(done) == []


async def test_a_second_click_on_delete_changes_nothing_more(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    await open_tickets(system, alice, "printer", "login")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    request = action_request(answer.thread_id, widget.id, row_action(widget, "printer", DELETE))
    await alice.send(request)
    again = await alice.send(request)
    assert rows_shown(replaced(again)) == [("login", False)]
    assert [ticket["subject"] for ticket in await tickets(alice)] == ["login"]


@pytest.mark.parametrize("sync", [False, True])
async def test_another_users_widget_is_not_there(
    system: LocalSystem, alice: Client, bob: Client, tickets: TicketList, *, sync: bool
) -> None:
    await open_tickets(system, alice, "printer")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    delete = row_action(widget, "printer", DELETE)
    own = await bob.create("hello")
    for thread_id in (answer.thread_id, own.thread_id):
        refused = await bob.send(action_request(thread_id, widget.id, delete, sync=sync))
        assert (refused.status, refused.problem["code"]) == (404, "not_found")
    assert len(await tickets(alice)) == 1


@pytest.mark.parametrize("sync", [False, True])
async def test_actions_that_there_are_not(
    system: LocalSystem, alice: Client, *, sync: bool
) -> None:
    await open_tickets(system, alice, "printer")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    good = row_action(widget, "printer", DELETE)
    message_id = (await alice.items(answer.thread_id))[0].id
    for item_id, action in (
        (widget.id, {**good, "type": "ticket.explode"}),
        (widget.id, {"type": "ticket.delete", "payload": {"ticket_id": 7}}),
        (widget.id, {"type": "ticket.delete", "payload": None}),
        (message_id, good),
        (None, good),
    ):
        refused = await alice.send(action_request(answer.thread_id, item_id, action, sync=sync))
        assert (refused.status, refused.problem["code"]) == (422, "invalid"), action


async def test_an_action_while_the_tools_are_down(
    system: LocalSystem, alice: Client, tickets: TicketList, chat_settings: ChatSettings
) -> None:
    await open_tickets(system, alice, "printer")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    forged = row_action(widget, "printer", DELETE)
    forged["payload"]["title"] = "not its title"
    nowhere = HttpUrl(f"http://127.0.0.1:{free_port()}/mcp")
    settings = chat_settings.model_copy(update={"tools_mcp_url": nowhere})
    async with under_uvicorn(settings) as chat, Client(chat.url, alice.token) as client:
        done = await client.send(action_request(answer.thread_id, widget.id, forged))
    assert rows_shown(replaced(done)) == [("printer", False)]
    assert notices(done) == ["That did not work. The list shows how things are now."]
    assert len(await tickets(alice)) == 1


async def test_an_action_whose_answer_is_lost(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    """The ticket is deleted, and nobody is told: the row stays until it is looked at again."""
    await open_tickets(system, alice, "printer")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    delete = action_request(answer.thread_id, widget.id, row_action(widget, "printer", DELETE))
    system.tools.faults.stale_responses = 6  # three attempts to delete, three to look
    try:
        done = await alice.send(delete)
    finally:
        system.tools.faults.stale_responses = 0
    assert rows_shown(replaced(done)) == [("printer", False)]
    assert len(notices(done)) == 1
    assert rows_shown(replaced(await alice.send(delete))) == []
    assert await tickets(alice) == []


async def test_an_action_in_a_thread_that_is_closed(
    system: LocalSystem, alice: Client, rows: Rows, tickets: TicketList
) -> None:
    await open_tickets(system, alice, "printer")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    await rows(
        "update threads set data = jsonb_set(data::jsonb, '{status}', '{\"type\": \"closed\"}') "
        "where id = %s returning id",
        answer.thread_id,
    )
    delete = row_action(widget, "printer", DELETE)
    for sync in (False, True):
        refused = await alice.send(action_request(answer.thread_id, widget.id, delete, sync=sync))
        assert (refused.status, refused.problem["code"]) == (409, "thread_locked")
    assert len(await tickets(alice)) == 1


async def test_in_urdu(system: LocalSystem, person: MakePerson) -> None:
    client = person(language="ur-PK")
    await open_tickets(system, client, "پرنٹر")
    answer = await client.create(SHOW)
    widget = the_widget(answer)
    document = widget.model_dump_json()
    assert "حذف کریں" in document
    assert "فوری بنائیں" in document
    refused = await client.send(
        action_request(answer.thread_id, widget.id, {"type": "x", "payload": {}})
    )
    assert refused.problem["title"] == "درخواست درست نہیں ہے"


async def test_the_whole_screen_folds(system: LocalSystem, alice: Client) -> None:
    await open_tickets(system, alice, "printer", "login")
    answer = await alice.create(SHOW)
    widget = the_widget(answer)
    screen = fold(answer.frames)
    for title in ("printer", "login"):
        urgent = row_action(widget, title, URGENT)
        done = await alice.send(action_request(answer.thread_id, widget.id, urgent))
        screen = fold(done.frames, screen)
    saved = await alice.items(answer.thread_id)
    assert screen.texts() == Screen(items=tuple(saved)).texts()


class TestBuilding:
    """What goes into a widget and comes back out of it."""

    CARDS = Cards(DOMAIN)
    TITLES = ('He said "hi" \\ {{ 7 * 7 }} </script>', "پرنٹر\nٹوٹا", "a" * 200, "'", "{}")

    def test_any_title_survives(self) -> None:
        rows = [
            TicketRow(id=f"tck_{n}", title=title, priority="high" if n % 2 else "low")
            for n, title in enumerate(self.TITLES)
        ]
        item = self.CARDS.item(rows, "thr_1", "en")
        assert self.CARDS.shown(item) == rows
        assert rows_shown(item) == [(row.title, row.priority == "high") for row in rows]

    def test_a_long_list_is_cut(self) -> None:
        data = [{"id": f"t{n}", "subject": "x"} for n in range(100)]
        assert len(self._listing(self._record("list_tickets", {"data": data}))) == 30

    def test_of_large_rows_the_first_that_fit_are_shown(self) -> None:
        rows = [TicketRow(id=f"tck_{n}", title="ٹ" * 2_000) for n in range(30)]
        item = Cards(DOMAIN, 200_000).item(rows, "thr_1", "en")
        assert self.CARDS.shown(item) == rows[: len(self.CARDS.shown(item))]
        assert 5 < len(self.CARDS.shown(item)) < 30
        assert len(item_json(item).encode()) <= 200_000

    def test_only_lists_are_shown(self) -> None:
        ticket = {"id": "t", "subject": "x"}
        listed = self._record("list_tickets", {"data": [ticket]})
        assert self._listing(listed, self._record("add_ticket", ticket)) == []
        assert self._listing(listed, self._record("teleport", {"data": [ticket]})) == []
        assert self._listing(self._record("list_tickets", "oops")) == []
        assert self._listing(self._record("list_tickets", [1])) == []
        assert self._listing() == []

    def test_labels_are_localised(self) -> None:
        assert DOMAIN.catalogues is not None
        i18n.add(DOMAIN.catalogues)
        card = self.CARDS.build([TicketRow(id="t", title="x")], "ur")
        assert "حذف کریں" in card.model_dump_json()

    def _listing(self, *records: ToolRecord) -> list[Row]:
        return self.CARDS.listing(records, registry_of(DOMAIN))

    @staticmethod
    def _record(name: str, result: object) -> ToolRecord:
        return ToolRecord("c", name, {}, json.dumps(result), failed=False, result=result)
