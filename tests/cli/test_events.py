"""The command line's reader of server-sent events, over real HTTP, from servers of every kind."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from sidestream.cli.events import EventError, events_async
from tests.asgi_server import serve

TEXT = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1c\x1dg\x1eh"
RAW = json.dumps({"text": TEXT}, ensure_ascii=False).replace("\\u0085", "\u0085")


async def _read(body: bytes, *, size: int) -> list[dict[str, object]]:
    """Read a body that arrives in pieces of so many bytes."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async def answer(_request: Request) -> StreamingResponse:
        return StreamingResponse(pieces(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/", answer)])
    async with (
        serve(app) as url,
        httpx2.AsyncClient() as client,
        client.stream("GET", url) as response,
    ):
        return [event async for event in events_async(response)]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=ascii)
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_cr_and_lf_end_a_line_and_nothing_else_does(end: str, size: int) -> None:
    lines = [
        ": a comment",
        "",
        "id: 1",
        f"data: {RAW}",
        "",
        "event: x",
        'data:{"n":',
        "data:2}",
        "",
        "",
    ]
    assert await _read(end.join(lines).encode(), size=size) == [{"text": TEXT}, {"n": 2}]


async def test_half_an_event_is_none() -> None:
    assert await _read(b'data: {"n": 1}\n\ndata: {"n": 2}\n', size=100) == [{"n": 1}]


@pytest.mark.parametrize("data", ["[DONE]", "1", "{"])
async def test_an_event_that_is_no_object_is_said(data: str) -> None:
    with pytest.raises(EventError):
        await _read(f"data: {data}\n\n".encode(), size=100)
