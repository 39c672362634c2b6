"""A provider that sends what a test gives it, byte by byte, over real HTTP."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Self

type Body = Sequence[bytes]

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Provider:
    """An HTTP server on loopback: an async context manager. Each request takes the next body, whose
    pieces are chunks of their own."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self._bodies: list[Body] = []
        self._cut = self._open_ended = False
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The base URL of its API."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    def play(self, *bodies: Body, cut: bool = False, open_ended: bool = False) -> None:
        """Set what is answered next. The last body breaks off without its end (`cut`), or its end
        never comes (`open_ended`)."""
        self.requests.clear()
        self._bodies = list(bodies)
        self._cut, self._open_ended = cut, open_ended

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.partition(b":")[2])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                )
                self.requests.append(json.loads(await reader.readexactly(length)))
                body = self._bodies.pop(0)
                writer.write(_HEAD)
                for piece in body:
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    await writer.drain()
                if self._open_ended and not self._bodies:
                    await reader.read()  # until the client leaves
                if (self._cut or self._open_ended) and not self._bodies:
                    return
                writer.write(b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
