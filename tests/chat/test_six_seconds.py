"""The database is away for six seconds, longer than a call waits and shorter than a lease: in the
middle of whatever is being done."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from chatkit.types import ThreadItemDoneEvent
from pydantic import SecretStr

from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.store.ids import new_id
from tests.chat.client import Client, create_request
from tests.chat.conftest import MakePerson, under_uvicorn
from tests.chat.fault_proxy import FaultProxy
from tests.chat.test_outages import STORY, Elsewhere

AWAY_S = 6.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def elsewhere(app_url: str, chat_settings: ChatSettings) -> AsyncIterator[Elsewhere]:
    async with FaultProxy(app_url) as postgres:
        changes = {"database_url": SecretStr(postgres.url)}
        async with under_uvicorn(chat_settings.model_copy(update=changes)) as chat:
            yield Elsewhere(chat.url, postgres)


@pytest.mark.parametrize(
    ("words", "goes_on"),
    [(0, True), (20, True), (20, False), (59, True)],
    ids=["before the first word", "while it is said", "in a pause", "at its end"],
)
async def test_an_answer_comes_whole_and_is_kept_whole(
    elsewhere: Elsewhere, person: MakePerson, model: ScriptedModelServer, words: int, goes_on: bool
) -> None:
    token = person().token
    model.hold(after_words=words)
    async with (
        asyncio.timeout(90),
        Client(elsewhere.url, token) as client,
        client.stream(create_request(STORY)) as stream,
    ):
        await model.until(lambda: model.held_streams == 1)
        await elsewhere.postgres.refuse()
        if goes_on:
            model.release()
        await asyncio.sleep(AWAY_S)
        await elsewhere.postgres.accept()
        model.release()
        frames = await stream.rest()
        assert stream.lines.ended
        said = [frame.item for frame in frames if isinstance(frame, ThreadItemDoneEvent)]
        assert await client.items(stream.thread_id) == said
        replayed = await client.replay(stream.run_id)
        assert list(replayed.frames) == frames


async def test_what_asks_meanwhile_is_told_to_come_again(
    elsewhere: Elsewhere, person: MakePerson
) -> None:
    key = new_id("key")
    async with asyncio.timeout(90), Client(elsewhere.url, person().token) as client:
        before = await client.create("hello")
        await elsewhere.postgres.refuse()
        message, listed, _ = await asyncio.gather(
            client.create("and now?", idempotency_key=key),
            client.send({"type": "threads.list", "params": {"limit": 10}}),
            asyncio.sleep(AWAY_S),
        )
        assert message.problem["retryable"]
        assert listed.problem["retryable"]
        await elsewhere.postgres.accept()
        again = await client.create("and now?", idempotency_key=key)
        assert again.text
        listed = await client.send({"type": "threads.list", "params": {"limit": 10}})
        ids = [thread["id"] for thread in listed.json()["data"]]
        assert ids == [again.thread_id, before.thread_id]
