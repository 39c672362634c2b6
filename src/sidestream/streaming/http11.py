"""A client side of HTTP/1.1, as much as the Runtime API needs.

``http.client`` blocks the event loop and an HTTP library would be this package's only dependency.
What is here: one connection, requests with a body or with a chunked stream, replies with
``Content-Length`` or chunked. Framing follows RFC 9112 sections 6 and 7.
"""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass

_HEAD_LIMIT_BYTES = 256 * 1024
_NO_CONTENT = frozenset({204, 304})


class ProtocolError(OSError):
    """The peer does not speak HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def keep_alive(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"


class Connection:
    """One TCP connection to the Runtime API, with Nagle's algorithm off."""

    __slots__ = ("_reader", "_writer")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        """Connect.

        Raises:
            OSError: nobody listens there.
        """
        reader, writer = await asyncio.open_connection(host, port, limit=_HEAD_LIMIT_BYTES)
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(reader, writer)

    @property
    def is_usable(self) -> bool:
        """False once either side has closed."""
        return not (self._writer.is_closing() or self._reader.at_eof())

    def write(self, data: bytes) -> None:
        """Hand ``data`` to the kernel in one call, or queue what it does not take."""
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait while too much is queued.

        Raises:
            OSError: the connection is lost.
        """
        await self._writer.drain()

    async def read_reply(self) -> Reply:
        """Read one response.

        Raises:
            OSError: the connection ended first, or what came is not HTTP.
        """
        try:
            status, headers = await self._read_head()
            while 100 <= status < 200:
                status, headers = await self._read_head()
            return Reply(status, headers, await self._read_body(status, headers))
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the connection ended before the reply did") from error
        except (asyncio.LimitOverrunError, ValueError) as error:
            raise ProtocolError(str(error)) from error

    def close(self) -> None:
        self._writer.close()

    async def _read_head(self) -> tuple[int, dict[str, str]]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(status_line.split(" ", 2)[1] if " " in status_line else ""), headers

    async def _read_body(self, status: int, headers: dict[str, str]) -> bytes:
        if status in _NO_CONTENT:
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await self._read_chunks()
        if "content-length" in headers:
            return await self._reader.readexactly(int(headers["content-length"]))
        return await self._reader.read()

    async def _read_chunks(self) -> bytes:
        body = bytearray()
        while True:
            line = await self._reader.readuntil(b"\r\n")
            size = int(line.partition(b";")[0], 16)
            if size == 0:
                break
            body += (await self._reader.readexactly(size + 2))[:-2]
        while await self._reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return bytes(body)


def request_head(method: str, path: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The request line and header section of an HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes | memoryview) -> bytes:
    """One chunk of a chunked body: its size, the data and CRLF in a single piece of memory."""
    return b"".join((b"%x\r\n" % len(data), data, b"\r\n"))


def last_chunk(trailers: bytes = b"") -> bytes:
    """The end of a chunked body. ``trailers`` are whole header lines."""
    return b"0\r\n%b\r\n" % trailers
