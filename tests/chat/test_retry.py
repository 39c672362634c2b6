"""Answering a message again: the old answer stays until the new one is there."""

import pytest
from chatkit.types import (
    AssistantMessageItem,
    ClientEffectEvent,
    UserMessageItem,
)

from sidestream.chat.server import ITEMS_REMOVED
from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step
from sidestream.local.model.errors import ApiError
from sidestream.local.system import LocalSystem
from tests.chat.client import Answer, Client, thread_request, words
from tests.chat.conftest import MakePerson, Rows, TicketList, under_uvicorn
from tests.tickets import SHOW, change_ticket, open_all, opening

STORY = "Tell me a story of 60 words"
COPIES = """
    insert into thread_items (thread_id, id, user_id, type, created_at, data)
    select i.thread_id, i.id || '_' || n, i.user_id, i.type, i.created_at,
      jsonb_set(i.data::jsonb, '{id}', to_jsonb(i.id || '_' || n))
    from generate_series(1, %s) as n, thread_items as i where i.id = %s returning id
"""
COUNT = "select count(*) from thread_items where thread_id = %s"


def retry_request(thread_id: str, item_id: str) -> dict[str, object]:
    return thread_request("threads.retry_after_item", thread_id, item_id=item_id)


async def first_message(client: Client, thread_id: str) -> str:
    return (await client.items(thread_id))[0].id


async def answers(client: Client, thread_id: str) -> list[str]:
    items = await client.items(thread_id)
    return [words(item) for item in items if isinstance(item, AssistantMessageItem)]


async def again(client: Client, thread_id: str, item_id: str | None = None) -> Answer:
    chosen = item_id or await first_message(client, thread_id)
    return await client.send(retry_request(thread_id, chosen))


async def test_old_answer_goes_when_the_new_one_is_whole(
    alice: Client, model: ScriptedModelServer
) -> None:
    thread_id = (await alice.create(STORY)).thread_id
    before = await alice.items(thread_id)
    model.hold(after_words=10)
    async with alice.stream(retry_request(thread_id, before[0].id)) as stream:
        await model.until(lambda: model.held_streams == 1)
        assert await alice.items(thread_id) == before
        model.release()
        rest = await stream.rest()
    after = await alice.items(thread_id)
    [removed] = [frame for frame in rest if isinstance(frame, ClientEffectEvent)]
    assert removed.name == ITEMS_REMOVED
    assert removed.data == {"after": before[0].id, "before": after[1].id}
    assert [type(item) for item in after] == [UserMessageItem, AssistantMessageItem]
    assert after[0] == before[0]
    assert after[1].id != before[1].id


@pytest.mark.parametrize("failure", ["refused", "cut", "stopped"])
async def test_old_answer_survives_a_retry_that_comes_to_nothing(
    alice: Client, model: ScriptedModelServer, failure: str
) -> None:
    """Nothing is lost either: what the failed retry wrote stands beside the old answer."""
    thread_id = (await alice.create(STORY)).thread_id
    [old] = await answers(alice, thread_id)
    written = 0
    if failure == "stopped":
        written = 4
        model.hold(after_words=written)
        item_id = await first_message(alice, thread_id)
        async with alice.stream(retry_request(thread_id, item_id)) as stream:
            await model.until(lambda: model.held_streams == 1)
            await alice.http.post(f"/api/chatkit/threads/{thread_id}/stop")
            await stream.rest()
        model.release()
    else:
        if failure == "cut":
            written = 6
            model.cut_next(after_words=written)
        else:
            model.fail_next(401)
        failed = await again(alice, thread_id)
        assert len(failed.errors) == 1
    kept = await answers(alice, thread_id)
    assert kept[0] == old
    assert [len(answer.split()) for answer in kept[1:]] == ([written] if written else [])

    whole = await again(alice, thread_id)
    assert not whole.errors
    assert await answers(alice, thread_id) == [old]


async def test_everything_after_the_message_goes(alice: Client) -> None:
    thread_id = (await alice.create("hello")).thread_id
    for text in (open_all("printer"), SHOW):
        await alice.add(thread_id, text)
    await again(alice, thread_id)
    assert [item.type for item in await alice.items(thread_id)] == [
        "user_message",
        "assistant_message",
    ]


async def test_model_is_not_told_what_came_after(alice: Client, model: ScriptedModelServer) -> None:
    thread_id = (await alice.create("hello")).thread_id
    await alice.add(thread_id, "my name is Zebulon")
    await again(alice, thread_id)
    assert "Zebulon" not in str(model.requests[-1].body)


async def test_a_long_thread_is_cut_by_one_statement_and_one_event(
    chat_settings: ChatSettings, person: MakePerson, rows: Rows
) -> None:
    """Also what the model is told is no longer: what stood before the message, and the message."""
    settings = chat_settings.model_copy(update={"history_items": 3})
    async with under_uvicorn(settings) as chat, Client(chat.url, person().token) as client:
        thread_id = (await client.create("hello")).thread_id
        await client.add(thread_id, "hello again")
        [*_, message, answer] = await client.items(thread_id)
        costs = []
        for copies in (10, 2_000):
            await rows(COPIES, copies, answer.id)
            [before] = await rows(COUNT, thread_id)
            trips = chat.services.database.round_trips
            again_ = await again(client, thread_id, message.id)
            assert again_.errors == []
            costs.append((chat.services.database.round_trips - trips, len(again_.frames)))
            effects = [frame for frame in again_.frames if isinstance(frame, ClientEffectEvent)]
            assert [effect.name for effect in effects] == [ITEMS_REMOVED]
            [after] = await rows(COUNT, thread_id)
            assert (before["count"] - after["count"], after["count"]) == (copies, 4)
            [*_, last, answer] = await client.items(thread_id)
            assert last == message
        assert costs[0] == costs[1]


async def test_message_older_than_the_history(
    chat_settings: ChatSettings, person: MakePerson
) -> None:
    short = chat_settings.model_copy(update={"history_items": 3})
    async with under_uvicorn(short) as chat, Client(chat.url, person().token) as client:
        thread_id = (await client.create("hello")).thread_id
        for _ in range(12):
            await client.add(thread_id, "hello")
        assert not (await again(client, thread_id)).errors
        assert len(await client.items(thread_id)) == 2


async def test_what_cannot_be_answered_again(alice: Client, bob: Client) -> None:
    created = await alice.create("hello")
    [message, answer] = await alice.items(created.thread_id)
    unknown = await again(alice, created.thread_id, "msg_unknown")
    assert unknown.status == 404
    wrong = await again(alice, created.thread_id, answer.id)
    assert wrong.status == 422
    foreign = await again(bob, created.thread_id, message.id)
    assert foreign.status == 404
    elsewhere = await alice.create("hello")
    assert (await again(alice, elsewhere.thread_id, message.id)).status == 404
    assert len(await alice.items(created.thread_id)) == 2


async def test_effects_of_an_answer_that_broke_off_are_not_repeated(
    alice: Client, model: ScriptedModelServer, tickets: TicketList
) -> None:
    model.refuse_next(ApiError(400, "No."), after=1)
    failed = await alice.create(open_all("printer", "login"))
    assert len(failed.errors) == 1
    before = await tickets(alice)
    assert len(before) == 2
    answer = await again(alice, failed.thread_id)
    assert answer.errors == []
    assert "printer" in answer.text
    assert await tickets(alice) == before


async def test_a_ticket_that_is_gone_is_opened_again(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    thread_id = (await alice.create(open_all("printer"))).thread_id
    [printer] = await tickets(alice)
    await again(alice, thread_id)
    assert await tickets(alice) == [printer]
    await change_ticket(system, alice, "DELETE", printer["id"])
    await again(alice, thread_id)
    [other] = await tickets(alice)
    assert (other["subject"], other["id"] == printer["id"]) == ("printer", False)


async def test_the_same_ticket_twice_in_one_message_is_two(
    alice: Client, model: ScriptedModelServer, tickets: TicketList
) -> None:
    for _ in range(2):
        model.play(Step(calls=(*opening("printer", "printer"),)), Step(text="Two of them."))
    thread_id = (await alice.create("the printer, twice")).thread_id
    assert len(await tickets(alice)) == 2
    await again(alice, thread_id)
    assert len(await tickets(alice)) == 2
