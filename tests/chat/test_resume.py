"""Resuming: whoever comes later sees what the first client saw, and then what comes."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sidestream.local.model import ScriptedModelServer
from sidestream.store.ids import new_id
from tests.chat.client import COMMENT, Client, Stream, create_request, delta_of
from tests.chat.conftest import MakePerson, Rows, UvicornChat
from tests.chat.until import until
from tests.tickets import open_all

STORY = "Tell me a story of 60 words"

_IDS = re.compile(rb"^id: (\d+)\n", re.MULTILINE)


def numbers(body: bytes) -> list[int]:
    """The event ids of a replay."""
    return [int(number) for number in _IDS.findall(body)]


def without_ids(body: bytes) -> bytes:
    """The events of a replay as the first client got them."""
    return _IDS.sub(b"", body.removeprefix(COMMENT + b"\n\n"))


@asynccontextmanager
async def following(client: Client, run_id: str, after: int = 0) -> AsyncIterator[Stream]:
    path = f"/api/chatkit/runs/{run_id}/events"
    async with client.http.stream("GET", path, params={"after": after}) as response:
        assert response.status_code == 200
        yield Stream(response)


async def test_finished_run_is_replayed_byte_for_byte(alice: Client) -> None:
    answer = await alice.create(open_all("printer", "login"))
    replay = await alice.replay(answer.run_id)
    assert without_ids(replay.body) == answer.body
    assert numbers(replay.body) == list(range(1, len(answer.frames) + 1))
    assert replay.run_id == answer.run_id
    assert replay.thread_id == answer.thread_id
    for after in (1, len(answer.frames) - 1):
        late = await alice.replay(answer.run_id, after)
        assert numbers(late.body) == list(range(after + 1, len(answer.frames) + 1))
        assert late.frames == answer.frames[after:]
    for after in (len(answer.frames), len(answer.frames) + 1000):
        assert (await alice.replay(answer.run_id, after)).frames == ()


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
    assert without_ids(bytes(second.body)) == bytes(first.body)
    total = first.body.count(b"data: ")
    assert numbers(bytes(second.body)) == list(range(1, total + 1))
    assert numbers(bytes(third.body)) == list(range(5, total + 1))
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
            assert await anext(second.aiter_bytes()) == COMMENT + b"\n\n"
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
    assert without_ids(bytes(second.body)) == bytes(first.body)


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
    assert without_ids(replay.body) == bytes(first.body)
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
    await rows("delete from run_events where run_id = %s returning run_id", answer.run_id)
    assert (await alice.replay(answer.run_id)).status == 404


async def test_deleted_thread_ends_its_run(alice: Client, model: ScriptedModelServer) -> None:
    """The client that was reading is told, and the model is let go of."""
    model.hold(after_words=3)
    closed_early = model.closed_early
    async with alice.stream(create_request(STORY)) as stream:
        await model.until(lambda: model.held_streams == 1)
        deleted = await alice.send(
            {"type": "threads.delete", "params": {"thread_id": stream.thread_id}}
        )
        assert deleted.status == 200
        await model.until(lambda: model.closed_early == closed_early + 1)
        rest = await stream.rest()
    model.release()
    assert rest[-1].type == "error"

    async def gone() -> bool:
        return (await alice.replay(stream.run_id)).status == 404

    await until(gone)
