"""Deltas reach the client one by one, on Lambda's path and under uvicorn alike."""

import pytest
from chatkit.types import AssistantMessageItem

from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from tests.chat.client import Client, create_request, delta_of, words
from tests.chat.conftest import UvicornChat
from tests.tickets import open_all

_STORY = "Tell me a story of 40 words"


@pytest.fixture(params=["emulator", "uvicorn"])
def base_url(request: pytest.FixtureRequest, system: LocalSystem, uvicorn_chat: UvicornChat) -> str:
    return system.chat.url if request.param == "emulator" else uvicorn_chat.url


async def test_first_delta_arrives_while_the_model_holds_back_the_second(
    base_url: str, alice: Client, model: ScriptedModelServer
) -> None:
    model.hold(after_words=1)
    async with (
        Client(base_url, alice.token) as client,
        client.stream(create_request(_STORY)) as stream,
    ):
        first = await stream.until(delta_of)
        assert delta_of(first) == "Once "
        assert (model.held_streams, model.open_streams) == (1, 1)
        model.release()
        rest = await stream.rest()
    deltas = [delta for frame in rest if (delta := delta_of(frame))]
    assert len(deltas) == 39
    whole = stream.answer([first, *rest])
    assert "".join(["Once ", *deltas]) == whole.text
    assert len(whole.text.split()) == 40


async def test_message_is_shown_before_the_model_says_a_word(
    base_url: str, alice: Client, model: ScriptedModelServer
) -> None:
    model.hold(after_words=0)
    async with (
        Client(base_url, alice.token) as client,
        client.stream(create_request(_STORY)) as stream,
    ):
        for expected in ("thread.created", "thread.item.done", "stream_options"):
            frame = await anext(aiter(stream))
            assert frame.type == expected
        await model.until(lambda: model.held_streams == 1)
        model.release()
        assert await stream.until(delta_of)


async def test_stream_is_marked_as_one_and_never_cached(base_url: str, alice: Client) -> None:
    async with Client(base_url, alice.token) as client:
        answer = await client.create("hello")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-length" not in answer.headers
    assert answer.headers["server-timing"]


async def test_both_ways_serve_one_conversation(uvicorn_chat: UvicornChat, alice: Client) -> None:
    begun = await alice.create("My name is Sana")
    async with Client(uvicorn_chat.url, alice.token) as elsewhere:
        named = await elsewhere.add(begun.thread_id, "What is my name?")
        assert "Sana" in named.text
        items = await elsewhere.items(begun.thread_id)
    assert await alice.items(begun.thread_id) == items
    assert [words(item) for item in items if isinstance(item, AssistantMessageItem)] == [
        begun.text,
        named.text,
    ]


async def test_times_on_the_wire_carry_their_zone(alice: Client) -> None:
    begun = await alice.create(open_all("printer"))
    listed = await alice.send({"type": "threads.list", "params": {}})
    fetched = await alice.send(
        {"type": "threads.get_by_id", "params": {"thread_id": begun.thread_id}}
    )
    for body in (begun.body, listed.body, fetched.body):
        times = [piece.split(b'"')[0] for piece in body.split(b'"created_at":"')[1:]]
        assert times
        assert all(time.endswith(b"Z") for time in times), times
