"""The HTTP server under the emulator, driven over raw sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import h11
import pytest

from sidestream.local.emulator.http1 import (
    BodyTooLargeError,
    DisconnectedError,
    Exchange,
    HttpServer,
    InvalidHeadError,
    response_head,
)


@asynccontextmanager
async def _connected(
    server: HttpServer,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await server.close()


async def _echo(exchange: Exchange) -> None:
    try:
        body = await exchange.body(10)
    except BodyTooLargeError:
        body = b"too large"
    await exchange.respond(200, [("X-Target", exchange.target)], body)


async def test_requests_on_one_connection_are_answered_in_order() -> None:
    async with _connected(HttpServer(_echo)) as (reader, writer):
        writer.write(b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none")
        writer.write(b"GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = await reader.read()
    first, _, second = received.partition(b"one")
    assert b"X-Target: /1" in first
    assert b"X-Target: /2" in second


async def test_body_over_the_limit_keeps_the_connection_in_step() -> None:
    async with _connected(HttpServer(_echo)) as (reader, writer):
        body = b"x" * 200_000
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + body)
        writer.write(b"GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = await reader.read()
    assert b"too large" in received
    assert b"X-Target: /next" in received


async def test_expect_100_continue() -> None:
    async with _connected(HttpServer(_echo)) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n")
        writer.write(b"Content-Length: 2\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 100 ")
        writer.write(b"ok")
        assert (await reader.read()).endswith(b"ok")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [(b"NONSENSE\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000, b"431")],
    ids=["malformed", "head-too-large"],
)
async def test_what_is_not_http_is_refused(request_bytes: bytes, status: bytes) -> None:
    async with _connected(HttpServer(_echo)) as (reader, writer):
        writer.write(request_bytes)
        assert (await reader.read()).split()[1] == status


async def test_body_that_breaks_off_is_a_disconnect() -> None:
    raised: asyncio.Future[DisconnectedError] = asyncio.get_running_loop().create_future()

    async def read_all(exchange: Exchange) -> None:
        try:
            await exchange.body(10)
        except DisconnectedError as error:
            raised.set_result(error)

    async with _connected(HttpServer(read_all)) as (_, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\no")
        writer.close()
        assert isinstance(await raised, DisconnectedError)


async def test_every_piece_is_one_write_without_delay() -> None:
    async def pieces(exchange: Exchange) -> None:
        await exchange.body(0)
        option = exchange._writer.get_extra_info("socket").getsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY
        )
        await exchange.start(response_head(200, [("X-No-Delay", str(option))]))
        await exchange.send(b"abc")
        await exchange.send(b"")
        await exchange.end()

    async with _connected(HttpServer(pieces)) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert b"X-No-Delay: 1" in head
    assert body == b"3\r\nabc\r\n0\r\n\r\n"


async def test_headers_are_joined_and_kept_raw() -> None:
    seen: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()

    async def keep(exchange: Exchange) -> None:
        await exchange.body(0)
        seen.set_result(exchange)
        await exchange.respond(204, [])

    async with _connected(HttpServer(keep)) as (_, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: \xe9\r\n\r\n")
        exchange = await seen
    assert exchange.headers["x-a"] == "1,\u00e9"
    assert ("X-A", "1") in exchange.raw_headers


@pytest.mark.parametrize(
    ("status", "headers"),
    [(99, []), (1000, []), (200, [("a b", "c")]), (200, [("a", "b\r\nc: d")])],
)
def test_heads_that_cannot_be_sent(status: int, headers: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidHeadError):
        response_head(status, headers)


def test_values_beyond_latin_1_are_sent_as_utf_8() -> None:
    head = response_head(200, [("x-title", "\u06a9\u0627\u0645"), ("x-e", "\u00e9")])
    assert isinstance(head, h11.Response)
    assert list(head.headers) == [(b"x-title", "\u06a9\u0627\u0645".encode()), (b"x-e", b"\xe9")]
