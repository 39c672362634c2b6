"""A stream says that it lives while nothing happens, and that it has ended when it has."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
import pytest
from starlette.types import Message

from sidestream.chat.protocol.streams import BEAT, END, EventStream
from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from tests.chat.client import RUN_ID_HEADER, Client, create_request
from tests.chat.conftest import MakePerson, under_uvicorn
from tests.chat.variants import chat_function

STORY = "Tell me a story of 20 words"
BEAT_S = 0.1


@pytest.fixture(params=["emulator", "uvicorn"])
async def chatty(
    request: pytest.FixtureRequest,
    system: LocalSystem,
    chat_settings: ChatSettings,
    person: MakePerson,
) -> AsyncIterator[Client]:
    """A person at a chat whose streams are not silent for long."""
    async with AsyncExitStack() as stack:
        if request.param == "emulator":
            function = chat_function(system, STREAM_BEAT_S=str(BEAT_S))
            url = (await stack.enter_async_context(function)).url
        else:
            settings = chat_settings.model_copy(update={"stream_beat_s": BEAT_S})
            url = (await stack.enter_async_context(under_uvicorn(settings))).url
        yield await stack.enter_async_context(Client(url, person().token))


type Reading = AsyncIterator[bytes]


async def beats(reading: Reading, count: int) -> bytes:
    """Read until so many comments have come."""
    body = b""
    async for data in reading:
        body += data
        if body.splitlines().count(b":") >= count:
            return body
    raise AssertionError(f"the stream ended: {body!r}")


async def rest(reading: Reading) -> bytes:
    return b"".join([data async for data in reading])


def run(client: Client) -> httpx2.Request:
    return client.http.build_request("POST", "/api/chatkit", json=create_request(STORY))


def plain(client: Client) -> httpx2.Request:
    path = f"/api/{client.user_id}/chat"
    return client.http.build_request("POST", path, json={"message": STORY})


@asynccontextmanager
async def reading(client: Client, request: httpx2.Request) -> AsyncIterator[httpx2.Response]:
    response = await client.http.send(request, stream=True)
    try:
        assert response.status_code == 200
        yield response
    finally:
        await response.aclose()


@pytest.mark.parametrize(
    ("stream", "end"),
    [(run, END), (plain, b"}\n\n")],
    ids=["ChatKit", "plain"],
)
@pytest.mark.parametrize("words", [0, 3])
async def test_silence_is_broken_and_the_end_is_told(
    chatty: Client,
    model: ScriptedModelServer,
    stream: Callable[[Client], httpx2.Request],
    end: bytes,
    words: int,
) -> None:
    """Before the first word, which is the first event of the plain stream, and between words."""
    model.hold(after_words=words)
    async with asyncio.timeout(60), reading(chatty, stream(chatty)) as response:
        body = response.aiter_bytes()
        before = await beats(body, 3)
        assert model.held_streams == 1
        model.release()
        after = await rest(body)
    whole = before + after
    assert whole.endswith(end)
    assert whole.count(b"text_delta" if stream is run else b'"chunk"') == 20


async def test_one_who_follows_hears_the_same(chatty: Client, model: ScriptedModelServer) -> None:
    model.hold(after_words=3)
    async with asyncio.timeout(60), reading(chatty, run(chatty)) as first:
        path = f"/api/chatkit/runs/{first.headers[RUN_ID_HEADER]}/events"
        late = chatty.http.build_request("GET", path, params={"after": 1000})
        async with reading(chatty, late) as second:
            follower = second.aiter_bytes()
            assert (await beats(follower, 4)).strip(b":\n") == b""
            model.release()
            await rest(first.aiter_bytes())
            assert (await rest(follower)).endswith(END)


async def test_a_client_that_has_gone_is_no_error_of_the_one_who_says_so() -> None:
    gone, waited = asyncio.Event(), asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        await gone.wait()
        yield b"data: 1\n\n"
        raise AssertionError("nobody takes more")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            assert message["body"] == BEAT or gone.is_set()
            gone.set()
            raise OSError("the client has gone")

    async def until() -> None:
        waited.set()

    async def receive() -> Message:
        raise AssertionError("nothing is asked of the client")

    async with asyncio.timeout(60):
        await EventStream(chunks(), beat_s=0.01, until=until)({}, receive, send)
    assert waited.is_set()


async def test_nothing_comes_between_the_parts_of_a_chunk_that_is_slow_to_leave() -> None:
    """The comments wait while the client is behind."""
    sent: list[bytes] = []

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def send(message: Message) -> None:
        sent.append(message.get("body", b"start"))
        if message.get("body") == b"one":
            await asyncio.sleep(0.2)
            assert sent[-1] == b"one"

    async def receive() -> Message:
        raise AssertionError("nothing is asked of the client")

    await EventStream(chunks(), beat_s=0.01)({}, receive, send)
    assert [part for part in sent if part != BEAT] == [b"start", b"one", b"two", b""]
