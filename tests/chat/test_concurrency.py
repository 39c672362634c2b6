"""Twenty conversations at a time over five users: each is whole, and none is another's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from chatkit.types import (
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    UserMessageItem,
)

from sidestream.config import ChatSettings
from sidestream.local.emulator import FunctionUrl
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.chat.client import Answer, Client
from tests.chat.conftest import MakePerson, Rows, TicketList, under_uvicorn
from tests.tickets import open_all

USERS, CONVERSATIONS = 5, 20
MANY = 200


@pytest_asyncio.fixture(params=["one request each", "many requests each"])
async def function(
    request: pytest.FixtureRequest, system: LocalSystem
) -> AsyncIterator[FunctionUrl]:
    """The chat, with one request per environment, or with ten as `MAX_CONCURRENCY` lets in."""
    if request.param == "one request each":
        yield system.chat
        return
    spec = replace(system.chat.spec, port=0, max_concurrency=10, max_environments=2)
    async with FunctionUrl(spec) as shared:
        yield shared


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation: who has it, the word that only it knows, and its answers."""

    client: Client
    word: str
    answers: tuple[Answer, ...]


async def _talk(client: Client, word: str) -> Talk:
    first = await client.create(f"My name is {word}")
    assert first.status == 200, first.body
    second = await client.add(first.thread_id, open_all(word))
    third = await client.add(first.thread_id, "What is my name?")
    return Talk(client, word, (first, second, third))


def _check_whole(answer: Answer, thread_id: str) -> None:
    assert answer.thread_id == thread_id
    assert not answer.errors
    done = answer.done(object)
    open_items: set[str] = set()
    for frame in answer.frames:
        match frame:
            case ThreadItemAddedEvent():
                assert frame.item.thread_id == thread_id
                open_items.add(frame.item.id)
            case ThreadItemUpdatedEvent():
                assert frame.item_id in open_items
            case ThreadItemDoneEvent():
                assert frame.item.thread_id == thread_id
                open_items.discard(frame.item.id)
    assert open_items == set()
    assert isinstance(done[0], UserMessageItem)
    assert "".join(answer.deltas) == answer.text


@pytest.mark.slow
async def test_twenty_conversations_at_once_stay_apart(
    function: FunctionUrl,
    system: LocalSystem,
    model: ScriptedModelServer,
    tickets: TicketList,
    rows: Rows,
) -> None:
    clients = [
        Client(function.url, system.token(user))
        for user in [new_id("user") for _ in range(USERS)]
        for _ in range(CONVERSATIONS // USERS)
    ]
    names = [f"Name{number:02}{new_id('w')[-6:]}" for number in range(CONVERSATIONS)]
    model.hold(after_words=1)
    running = [
        asyncio.create_task(_talk(client, word))
        for client, word in zip(clients, names, strict=True)
    ]
    # All of them are in the middle of an answer at the same time.
    async with asyncio.timeout(180):
        await model.until(
            lambda: model.held_streams == CONVERSATIONS or any(task.done() for task in running)
        )
    model.release()
    talks = await asyncio.gather(*running)

    for talk in talks:
        first, second, third = talk.answers
        for answer in talk.answers:
            _check_whole(answer, first.thread_id)
            others = [word for word in names if word != talk.word]
            assert not any(word in answer.body.decode() for word in others)
        assert talk.word in second.text
        assert talk.word in third.text
        streamed = [item for answer in talk.answers for item in answer.done(object)]
        assert await talk.client.items(first.thread_id) == streamed

    for user in {client.user_id for client in clients}:
        own = [talk for talk in talks if talk.client.user_id == user]
        opened = await tickets(own[0].client)
        assert {ticket["subject"] for ticket in opened} == {talk.word for talk in own}
        assert len(opened) == len(own)
        runs = await rows("select id, status from runs where user_id = %s", user)
        assert {run["id"] for run in runs} == {a.run_id for talk in own for a in talk.answers}
        assert {run["status"] for run in runs} == {"completed"}
    for client in clients:
        await client.http.aclose()


@pytest.mark.slow
async def test_two_hundred_runs_begun_at_once_in_one_process_all_start(
    chat_settings: ChatSettings, person: MakePerson, rows: Rows
) -> None:
    """They share four connections to the database, stand in line, and are told how long.

    Their leases outlast a machine that has other work.
    """
    async with under_uvicorn(chat_settings.model_copy(update={"run_lease_s": 120.0})) as chat:
        # Four, since one has no more than a hundred connections.
        clients = [Client(chat.url, person().token) for _ in range(4)]
        answers = await asyncio.gather(
            *(client.create("hello") for client in clients for _ in range(MANY // len(clients)))
        )
        for client in clients:
            await client.http.aclose()
    assert [answer.status for answer in answers] == [200] * MANY
    assert [answer.errors for answer in answers] == [[]] * MANY
    assert all(answer.text for answer in answers)
    assert all("queue;dur=" in answer.headers["server-timing"] for answer in answers)
    users = [client.user_id for client in clients]
    runs = await rows("select status from runs where user_id = any(%s)", users)
    assert runs == [{"status": "completed"}] * MANY
