"""The HTTP client against sockets that answer well and badly."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sidestream.streaming.http11 import (
    Connection,
    ProtocolError,
    Reply,
    chunk,
    last_chunk,
    request_head,
)


@asynccontextmanager
async def connected(reply: bytes, *, close: bool = True) -> AsyncIterator[Connection]:
    """A connection to a peer that says ``reply`` and, mostly, hangs up."""

    done = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        await writer.drain()
        if not close:
            await done.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = await Connection.open("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield connection
    finally:
        done.set()
        connection.close()
        server.close()
        await server.wait_closed()


async def read(reply: bytes, *, close: bool = True) -> Reply:
    async with connected(reply, close=close) as connection:
        return await connection.read_reply()


async def test_content_length() -> None:
    reply = await read(b"HTTP/1.1 200 OK\r\nX-A:  1 \r\nContent-Length: 3\r\n\r\nabc", close=False)
    assert reply == Reply(200, {"x-a": "1", "content-length": "3"}, b"abc")
    assert reply.keep_alive


async def test_chunked() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply = await read(head + b"3;x=1\r\nabc\r\n1\r\nd\r\n0\r\nX-T: 1\r\n\r\n", close=False)
    assert reply.body == b"abcd"


async def test_until_the_end() -> None:
    reply = await read(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc")
    assert reply.body == b"abc"
    assert not reply.keep_alive


async def test_interim_replies_are_skipped() -> None:
    reply = await read(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    )
    assert reply.status == 202


@pytest.mark.parametrize(
    "cut",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
async def test_a_reply_that_is_cut(cut: bytes) -> None:
    with pytest.raises(ConnectionResetError):
        await read(cut)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n",
    ],
)
async def test_a_reply_that_is_not_http(nonsense: bytes) -> None:
    with pytest.raises(ProtocolError):
        await read(nonsense)


async def test_nothing_waits_to_be_sent_with_more() -> None:
    async with connected(b"", close=False) as connection:
        raw: socket.socket = connection._writer.get_extra_info("socket")
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_closed_connection_is_not_usable() -> None:
    async with connected(b"", close=False) as connection:
        assert connection.is_usable
        connection.close()
        assert not connection.is_usable


def test_framing() -> None:
    assert request_head("GET", "/", [("A", "1")]) == b"GET / HTTP/1.1\r\nA: 1\r\n\r\n"
    assert chunk(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"
    assert chunk(memoryview(b"abc")) == b"3\r\nabc\r\n"
    assert last_chunk() == b"0\r\n\r\n"
    assert last_chunk(b"A: 1\r\n") == b"0\r\nA: 1\r\n\r\n"
