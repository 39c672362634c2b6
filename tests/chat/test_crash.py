"""A process that is killed in the middle of an answer: its lease ends the run for the others."""

import asyncio

import httpx2
import pytest
from chatkit.types import ErrorEvent, ThreadCreatedEvent, ThreadItemDoneEvent, UserMessageItem

from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from tests.chat.client import Client, Stream, add_request, create_request, delta_of
from tests.chat.conftest import MakePerson, TicketList
from tests.chat.steps import rows_shown, the_widget
from tests.chat.test_attachments import attached
from tests.chat.until import until
from tests.chat.variants import chat_function
from tests.tickets import SHOW, open_all


async def test_thread_is_usable_again_and_nothing_committed_is_lost(
    system: LocalSystem, person: MakePerson, model: ScriptedModelServer, tickets: TicketList
) -> None:
    survivor = person()
    model.hold(after_words=1)
    async with (
        chat_function(system, RUN_LEASE_S="2") as function,
        Client(function.url, survivor.token) as client,
    ):
        [environment] = function.environments
        request = create_request(open_all("printer"))
        async with client.stream(request, idempotency_key="once") as stream:
            await stream.until(delta_of)
            await model.until(lambda: model.held_streams == 1)
            assert environment.pid is not None
            environment.kill()
            with pytest.raises((httpx2.HTTPError, AssertionError)):
                await stream.rest()
        model.release()
        path = f"/api/chatkit/threads/{stream.thread_id}/run"
        statuses = []

        async def ended() -> bool:
            statuses.append((await survivor.http.get(path)).json()["status"])
            return bool(statuses[-1] == "failed")

        early = await survivor.send(add_request(stream.thread_id, "hello"))
        assert early.status == 409
        await until(ended)
        assert set(statuses) == {"running", "failed"}

        replay = await survivor.replay(stream.run_id)
        assert isinstance(replay.frames[-1], ErrorEvent)
        assert replay.frames[-1].allow_retry
        assert len(replay.errors) == 1
        assert replay.ended
        beyond = await survivor.replay(stream.run_id, after=len(replay.frames))
        assert beyond.numbers[0] == len(replay.frames) + 1
        assert beyond.ended
        assert len(beyond.errors) == 1
        repeated = await survivor.send(request, idempotency_key="once")
        assert repeated.run_id == stream.run_id
        assert repeated.frames == replay.frames
        stopped = await survivor.http.post(f"/api/chatkit/threads/{stream.thread_id}/stop")
        assert stopped.status_code == 404

        following = await survivor.add(stream.thread_id, SHOW)
        assert not following.errors
        assert rows_shown(the_widget(following)) == [("printer", False)]
    kept = await survivor.items(stream.thread_id)
    assert [type(item) for item in kept[:1]] == [UserMessageItem]
    assert [ticket["subject"] for ticket in await tickets(survivor)] == ["printer"]
    assert (await survivor.replay(stream.run_id)).frames == replay.frames


async def test_a_message_with_a_file_that_is_sent_again_is_told_what_became_of_it(
    system: LocalSystem, person: MakePerson, model: ScriptedModelServer
) -> None:
    """Killed before anything of the answer was saved: the thread that it made is told all the
    same, and the message that stands in it."""
    survivor = person()
    model.hold(after_words=0)
    async with (
        chat_function(system, RUN_LEASE_S="3", RUN_BEAT_S="1") as function,
        Client(function.url, survivor.token) as client,
    ):
        [environment] = function.environments
        file = await attached(client, "notes.txt", b"printer", "text/plain")
        request = create_request("what do I need?", attachments=[file.id])
        async with client.stream(request, idempotency_key="once") as stream:
            await stream.until(lambda frame: isinstance(frame, ThreadItemDoneEvent))
            assert environment.pid is not None
            environment.kill()
            with pytest.raises((httpx2.HTTPError, AssertionError)):
                await stream.rest()
    model.release()
    assert (await survivor.send(request, idempotency_key="once")).status == 409

    async def over() -> bool:
        return (await survivor.send(request, idempotency_key="once")).status == 200

    await until(over)
    repeated = await survivor.send(request, idempotency_key="once")
    created, message, error = repeated.frames
    assert isinstance(created, ThreadCreatedEvent)
    assert created.thread.id == stream.thread_id
    assert isinstance(message, ThreadItemDoneEvent)
    assert isinstance(message.item, UserMessageItem)
    assert [file.name for file in message.item.attachments] == ["notes.txt"]
    assert isinstance(error, ErrorEvent)
    assert error.allow_retry
    # Nothing of it was saved, so whoever saw any of it saw more.
    for seen in (1, 3, 9):
        beyond = await survivor.replay(stream.run_id, after=seen)
        *kept, error = beyond.frames
        assert kept == [message]
        assert isinstance(error, ErrorEvent)
        assert error.allow_retry
        assert "the last of what you saw may not be kept" in (error.message or "")
        assert (beyond.numbers, beyond.ended) == ((seen + 1, seen + 2), True)


async def test_one_who_follows_is_told_when_the_lease_has_run_out(
    system: LocalSystem, person: MakePerson, model: ScriptedModelServer
) -> None:
    """That its stream says that it lives keeps no run alive."""
    survivor = person()
    model.hold(after_words=3)
    async with (
        chat_function(system, RUN_LEASE_S="2") as function,
        chat_function(system, STREAM_BEAT_S="0.1") as elsewhere,
        Client(function.url, survivor.token) as client,
        Client(elsewhere.url, survivor.token) as other,
        client.stream(create_request("Tell me a story of 20 words")) as stream,
    ):
        for _ in range(3):
            await stream.until(delta_of)
        path = f"/api/chatkit/runs/{stream.run_id}/events"
        async with other.http.stream("GET", path) as response:
            follower = Stream(response)
            await follower.until(delta_of)
            [environment] = function.environments
            environment.kill()
            with pytest.raises((httpx2.HTTPError, AssertionError)):
                await stream.rest()
            async with asyncio.timeout(60):
                *_, error = await follower.rest()
        model.release()
    assert isinstance(error, ErrorEvent)
    assert follower.lines.ended
    assert follower.lines.beats > 1
    assert not stream.lines.ended
