"""Followers of one answer: a few for each user, and one look at the database for all of them."""

import asyncio
import time
from contextlib import AsyncExitStack

from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from tests.chat.client import Client, Stream, create_request, delta_of
from tests.chat.conftest import MakePerson, Rows, UvicornChat, under_uvicorn
from tests.chat.test_resume import STORY, following


async def test_twenty_by_one_user_leave_room_for_another(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer, rows: Rows
) -> None:
    """However many processes there are, and until they leave."""
    few = chat_settings.model_copy(update={"max_followers": 3})
    alice, bob = person(), person()
    model.hold(after_words=5)
    async with under_uvicorn(few) as one, under_uvicorn(few) as two, AsyncExitStack() as stack:
        here, there, other = [
            await stack.enter_async_context(Client(chat.url, who.token))
            for chat, who in ((one, alice), (two, alice), (two, bob))
        ]
        first = await stack.enter_async_context(here.stream(create_request(STORY)))
        theirs = await stack.enter_async_context(other.stream(create_request(STORY)))
        await model.until(lambda: model.held_streams == 2)
        path = f"/api/chatkit/runs/{first.run_id}/events"
        for client in (here, there) * 3:
            assert (await client.request("HEAD", path)).status == 200
        answers = [
            await stack.enter_async_context(client.http.stream("GET", path))
            for client in (here, there) * 10
        ]
        joined = [Stream(answer) for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert (len(joined), len(refused)) == (3, 17)
        assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in refused)
        follower = await stack.enter_async_context(following(other, theirs.run_id))
        await follower.until(delta_of)
        model.release()
        for stream in (first, theirs, *joined, follower):
            await stream.rest()
            assert stream.lines.ended
        for stream in joined:
            assert bytes(stream.body).endswith(bytes(first.body))
        assert await rows("select id from followers where user_id = %s", alice.user_id) == []
        assert (await there.replay(first.run_id)).status == 200


async def test_followers_of_a_run_share_one_look(
    uvicorn_chat: UvicornChat, person: MakePerson, model: ScriptedModelServer
) -> None:
    """And in a silence there are fewer of them."""
    alice = person()
    model.hold(after_words=5)
    async with (
        Client(uvicorn_chat.url, alice.token) as client,
        alice.stream(create_request(STORY)) as first,
        AsyncExitStack() as stack,
    ):
        await model.until(lambda: model.held_streams == 1)
        followers = [
            await stack.enter_async_context(following(client, first.run_id)) for _ in range(4)
        ]
        for follower in followers:
            for _ in range(5):
                await follower.until(delta_of)
        database = uvicorn_chat.services.database
        looks, began = database.round_trips, time.monotonic()
        await asyncio.sleep(4)
        each_s = (time.monotonic() - began) / (database.round_trips - looks)
        assert each_s > 0.4
        model.release()
        for stream in (first, *followers):
            await stream.rest()
        for follower in followers:
            assert bytes(follower.body).endswith(bytes(first.body))
