"""The command line's reading of a run, from servers that cut it, repeat it or lose it."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sidestream.cli import run_events as module
from sidestream.cli.events import EventError
from sidestream.cli.run_events import run_events
from tests.asgi_server import serve

END = ": end\n"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE_S", 0.001)


def event(number: int) -> str:
    return f'id: {number}\ndata: {{"n": {number}}}\n\n'


def stream(text: str, *, cut: bool = False) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in text.encode():
            yield bytes([byte])
        if cut:
            raise ConnectionResetError

    headers = {"x-sidestream-run-id": "run_1"}
    return StreamingResponse(pieces(), media_type="text/event-stream", headers=headers)


async def read(*answers: Response) -> tuple[list[object], list[str]]:
    """Follow a run to its end. Gives the numbers that came, and what was asked for after the
    first answer."""
    left, asked = list(answers), list[str]()

    async def answer(request: Request) -> Response:
        asked.append(f"{request.url.path}?{request.url.query}")
        return left.pop(0)

    app = Starlette(routes=[Route("/{path:path}", answer)])
    async with serve(app) as url:
        numbers = await asyncio.to_thread(_numbers, url)
    assert left == []
    return numbers, asked[1:]


def _numbers(url: str) -> list[object]:
    with httpx2.Client(base_url=url) as client, client.stream("GET", "/") as first:
        return [event["n"] for event in run_events(client, first)]


async def test_a_whole_stream_is_asked_for_once() -> None:
    assert await read(stream(f":\n{event(1)}{event(2)}{END}")) == ([1, 2], [])


@pytest.mark.parametrize("cut", [False, True], ids=["closed", "cut"])
async def test_one_that_is_not_is_taken_up_after_the_last_event(cut: bool) -> None:
    numbers, asked = await read(
        stream(event(1) + event(2) + 'id: 3\ndata: {"n"', cut=cut),
        JSONResponse({}, status_code=503),
        stream(event(2) + event(3)),
        stream(END),
    )
    assert numbers == [1, 2, 3]
    path = "/api/chatkit/runs/run_1/events"
    assert asked == [f"{path}?after={last}" for last in (2, 2, 3)]


async def test_a_run_that_is_followed_too_often_is_asked_for_again() -> None:
    refused = JSONResponse({}, status_code=429, headers={"retry-after": "0"})
    numbers, asked = await read(stream(event(1)), refused, stream(event(2) + END))
    assert (numbers, len(asked)) == ([1, 2], 2)


async def test_a_run_that_is_gone_is_given_up_at_once() -> None:
    with pytest.raises(httpx2.HTTPStatusError):
        await read(stream(event(1)), JSONResponse({}, status_code=404))


async def test_a_line_that_does_not_come_back_is_given_up() -> None:
    with pytest.raises(httpx2.ReadError):
        await read(stream(event(1)), *(stream("") for _ in range(module._TRIES - 1)))


async def test_what_is_no_event_is_not_asked_for_again() -> None:
    with pytest.raises(EventError):
        await read(stream("id: 1\ndata: 7\n\n"))
