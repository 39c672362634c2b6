"""Resuming: whoever comes later sees what the first client saw, and then what comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from chatkit.types import ErrorEvent

from sidestream.local.model import ScriptedModelServer
from sidestream.store.ids import new_id
from tests.chat.client import BEAT, Client, Stream, create_request, delta_of
from tests.chat.conftest import MakePerson, Rows, UvicornChat
from tests.chat.endings import Rewound
from tests.tickets import open_all

STORY = "Tell me a story of 60 words"


@asynccontextmanager
async def following(client: Client, run_id: str, after: int = 0) -> AsyncIterator[Stream]:
    path = f"/api/chatkit/runs/{run_id}/events"
    async with client.http.stream("GET", path, params={"after": after}) as response:
        assert response.status_code == 200
        yield Stream(response)


async def test_finished_run_is_replayed_byte_for_byte(alice: Client) -> None:
    answer = await alice.create(open_all("printer", "login"))
    replay = await alice.replay(answer.run_id)
    assert replay.body == BEAT + b"\n" + answer.body
    assert answer.ended
    assert answer.numbers == tuple(range(1, len(answer.frames) + 1))
    assert replay.run_id == answer.run_id
    assert replay.thread_id == answer.thread_id
    for after in (1, len(answer.frames) - 1):
        late = await alice.replay(answer.run_id, after)
        assert late.numbers == answer.numbers[after:]
        assert late.frames == answer.frames[after:]
        assert late.ended
    for after in (len(answer.frames), len(answer.frames) + 1000):
        nothing = await alice.replay(answer.run_id, after)
        assert (nothing.frames, nothing.ended) == ((), True)


async def test_the_last_event_id_says_where_to_go_on(alice: Client) -> None:
    """As browsers send it (WHATWG HTML section 9.2.4), with the address they began with."""
    answer = await alice.create("hello")
    path = f"/api/chatkit/runs/{answer.run_id}/events"
    headers = {"last-event-id": "3"}
    late = await alice.request("GET", path, params={"after": 1}, headers=headers)
    assert (late.frames, late.numbers) == (answer.frames[3:], answer.numbers[3:])
    refused = await alice.request("GET", path, headers={"last-event-id": "x"})
    assert refused.status == 422


async def test_run_in_progress_is_followed_from_another_environment(
    alice: Client, model: ScriptedModelServer
) -> None:
    model.hold(after_words=5)
    async with alice.stream(create_request(STORY)) as first:
        await model.until(lambda: model.held_streams == 1)
        run = await alice.http.get(f"/api/chatkit/threads/{first.thread_id}/run")
        assert run.json()["run_id"] == first.run_id
        assert run.json()["status"] == "running"
        async with following(alice, first.run_id) as second:
            for _ in range(5):
                await second.until(delta_of)
            async with following(alice, first.run_id, after=4) as third:
                await third.until(delta_of)
                model.release()
                await third.rest()
            await second.rest()
        await first.rest()
    assert bytes(second.body) == BEAT + b"\n" + bytes(first.body)
    total = len(first.lines.numbers)
    assert first.lines.numbers == list(range(1, total + 1))
    assert third.lines.numbers == first.lines.numbers[4:]
    assert first.lines.ended
    assert third.lines.ended
    run = await alice.http.get(f"/api/chatkit/threads/{first.thread_id}/run")
    assert run.json() == {"run_id": first.run_id, "status": "completed", "last_event": total}


async def test_a_follower_hears_of_the_connection_before_the_next_event(
    alice: Client, model: ScriptedModelServer
) -> None:
    """Firefox hands over a response with its first byte: until then it would seem to be lost."""
    model.hold(after_words=5)
    async with alice.stream(create_request(STORY)) as first:
        await model.until(lambda: model.held_streams == 1)
        path = f"/api/chatkit/runs/{first.run_id}/events"
        async with (
            asyncio.timeout(60),
            alice.http.stream("GET", path, params={"after": 1000}) as second,
        ):
            assert await anext(second.aiter_bytes()) == BEAT + b"\n"
        model.release()
        await first.rest()


async def test_run_of_another_process_is_followed(
    uvicorn_chat: UvicornChat, person: MakePerson, model: ScriptedModelServer
) -> None:
    elsewhere = person()
    model.hold(after_words=5)
    async with (
        Client(uvicorn_chat.url, elsewhere.token) as client,
        client.stream(create_request(STORY)) as first,
    ):
        await model.until(lambda: model.held_streams == 1)
        async with following(elsewhere, first.run_id) as second:
            await second.until(delta_of)
            model.release()
            await second.rest()
        await first.rest()
    assert bytes(second.body) == BEAT + b"\n" + bytes(first.body)


async def test_text_is_batched_for_the_database_and_never_for_the_first_client(
    alice: Client, model: ScriptedModelServer, rows: Rows
) -> None:
    """Each word arrives while the model is held right after it; the database gets groups."""
    async with alice.stream(create_request(STORY)) as stream:
        rest = await stream.rest()
    deltas = [delta for frame in rest if (delta := delta_of(frame))]
    assert len(deltas) == 60
    query = "select first_event, last_event from run_events where run_id = %s order by first_event"
    batches = await rows(query, stream.run_id)
    assert len(batches) < 10
    assert batches[0]["first_event"] == 1
    assert batches[-1]["last_event"] == len(rest)

    model.hold(after_words=3)
    async with alice.stream(create_request(STORY)) as stream:
        seen = [await stream.until(delta_of) for _ in range(3)]
        assert model.held_streams == 1
        model.release()
        await stream.rest()
    assert len(seen) == 3


async def test_stopped_run_is_replayed_as_stopped(
    alice: Client, model: ScriptedModelServer
) -> None:
    model.hold(after_words=5)
    async with alice.stream(create_request(STORY)) as first:
        await model.until(lambda: model.held_streams == 1)
        await alice.http.post(f"/api/chatkit/threads/{first.thread_id}/stop")
        await first.rest()
    model.release()
    replay = await alice.replay(first.run_id)
    assert replay.body == BEAT + b"\n" + bytes(first.body)
    run = await alice.http.get(f"/api/chatkit/threads/{first.thread_id}/run")
    assert run.json()["status"] == "stopped"


async def test_foreign_and_unknown_runs_are_404(alice: Client, bob: Client) -> None:
    answer = await alice.create("hello")
    for run_id in (answer.run_id, new_id("run")):
        refused = await bob.replay(run_id)
        assert refused.status == 404
        assert refused.problem["code"] == "not_found"
    run = await bob.request("GET", f"/api/chatkit/threads/{answer.thread_id}/run")
    assert run.status == 404
    assert (await alice.replay(answer.run_id, -1)).status == 422


async def test_forgotten_events_are_404_and_not_an_empty_answer(alice: Client, rows: Rows) -> None:
    answer = await alice.create("hello")
    query = "delete from run_events where run_id = %s returning run_id"
    await rows(query, answer.run_id)
    for status in ("completed", "stopped", "failed"):
        await rows("update runs set status = %s where id = %s returning id", status, answer.run_id)
        assert (await alice.replay(answer.run_id)).status == 404


async def test_events_without_their_beginning_are_404(alice: Client, owner_url: str) -> None:
    """The last events of a run that died are younger than the others: they were saved later."""
    whole = await alice.create("hello")
    kept = len(whole.frames) - 3
    Rewound(owner_url, whole.run_id).to(kept, items=1)
    assert (await alice.replay(whole.run_id)).status == 200
    with psycopg.connect(owner_url) as owner:
        owner.execute(
            "delete from run_events where run_id = %s and first_event = 1", (whole.run_id,)
        )
    assert (await alice.replay(whole.run_id)).status == 404
    assert (await alice.replay(whole.run_id, after=kept)).ended


@pytest.mark.parametrize("released", [False, True], ids=["silent", "speaking"])
async def test_deleted_thread_ends_its_run(
    alice: Client, uvicorn_chat: UvicornChat, model: ScriptedModelServer, released: bool
) -> None:
    """Its readers are told what became of it, here and elsewhere, and the model is let go of. It
    learns of that from its beat, or from the database, which keeps nothing more of it."""
    model.hold(after_words=3)
    closed_early = model.closed_early
    async with (
        asyncio.timeout(60),
        alice.stream(create_request(STORY)) as stream,
        Client(uvicorn_chat.url, alice.token) as elsewhere,
    ):
        await model.until(lambda: model.held_streams == 1)
        async with following(elsewhere, stream.run_id) as follower:
            await follower.until(delta_of)
            deleted = await alice.send(
                {"type": "threads.delete", "params": {"thread_id": stream.thread_id}}
            )
            assert deleted.status == 200
            if released:
                model.release()
            else:
                await model.until(lambda: model.closed_early == closed_early + 1)
            for reader in (stream, follower):
                *_, error = await reader.rest()
                assert isinstance(error, ErrorEvent)
                assert not error.allow_retry
                assert "This conversation has been deleted" in (error.message or "")
                assert reader.lines.ended
    model.release()
    assert (await alice.replay(stream.run_id)).status == 404


async def test_a_run_whose_lease_ran_out_is_not_taken_for_deleted(
    alice: Client, model: ScriptedModelServer, rows: Rows
) -> None:
    model.hold(after_words=3)
    async with asyncio.timeout(60), alice.stream(create_request(STORY)) as stream:
        await model.until(lambda: model.held_streams == 1)
        expire = "update runs set lease_expires_at = now() where id = %s returning id"
        await rows(expire, stream.run_id)
        *_, error = await stream.rest()
        assert isinstance(error, ErrorEvent)
        assert error.allow_retry
        assert "This answer was interrupted" in (error.message or "")
        assert stream.lines.ended
    model.release()
