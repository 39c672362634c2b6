"""Shutting down tells the runs, and waits for them no longer than they have."""

import asyncio

from chatkit.types import AssistantMessageItem, ErrorEvent
from pydantic import SecretStr

from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from tests.chat.client import Client, create_request, delta_of, words
from tests.chat.conftest import MakePerson, Rows, under_uvicorn
from tests.chat.endings import endings
from tests.chat.fault_proxy import FaultProxy, Way

STORY = "Tell me a story of 60 words"


async def test_an_answer_is_told_saved_and_ended(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer, rows: Rows
) -> None:
    model.hold(after_words=7)
    alice = person()
    async with (
        under_uvicorn(chat_settings) as chat,
        Client(chat.url, alice.token) as client,
        client.stream(create_request(STORY)) as stream,
    ):
        first = await stream.until(delta_of)
        async with asyncio.timeout(30):  # the model says nothing more
            await chat.services.close()
        rest = await stream.rest()
        thread_id, run_id = stream.thread_id, stream.run_id
    error = rest[-1]
    assert isinstance(error, ErrorEvent)
    assert error.allow_retry
    assert "interrupted" in (error.message or "")
    [_, message] = items = await alice.items(thread_id)
    assert endings(items) == ["interrupted"]
    assert isinstance(message, AssistantMessageItem)
    assert words(message) == "".join(delta_of(frame) or "" for frame in [first, *rest])
    [run] = await rows("select status, error from runs where id = %s", run_id)
    assert (run["status"], run["error"]) == ("failed", {"code": "interrupted"})
    model.release()
    assert not (await alice.add(thread_id, "hello")).errors


async def test_an_answer_that_is_about_to_begin_is_waited_for(
    app_url: str,
    chat_settings: ChatSettings,
    person: MakePerson,
    model: ScriptedModelServer,
    rows: Rows,
) -> None:
    alice = person()
    async with FaultProxy(app_url) as postgres:
        settings = chat_settings.model_copy(update={"database_url": SecretStr(postgres.url)})
        async with (
            asyncio.timeout(60),
            under_uvicorn(settings) as chat,
            Client(chat.url, alice.token) as client,
        ):
            await client.create("hello")
            postgres.hold(Way.DOWN)
            model.hold(after_words=3)
            sending = asyncio.create_task(client.send(create_request(STORY)))
            await postgres.held(Way.DOWN)
            closing = asyncio.create_task(chat.services.close())
            await asyncio.sleep(0)
            postgres.release()
            await closing
            ends = await rows(
                "select status, error from runs where user_id = %s order by started_at",
                alice.user_id,
            )
            assert [end["status"] for end in ends] == ["completed", "failed"]
            assert ends[-1]["error"] == {"code": "interrupted"}
            assert (await sending).errors
    model.release()
