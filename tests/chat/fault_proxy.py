"""A TCP proxy that breaks the connection at an exact byte, once, or holds what passes.

`Proxy` in `tests/store` cuts at a moment; this one cuts at a position, so that every await of a
turn can be hit in run.
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

_NONSENSE = b"~"


class Way(StrEnum):
    """Which bytes count."""

    UP = "up"
    """From the client to the server."""
    DOWN = "down"


class Kind(StrEnum):
    """How the connection breaks."""

    CUT = "cut"
    """With a reset; the byte at the position and what follows it are lost."""
    TRUNCATE = "truncate"
    """In good order, after the bytes before the position."""
    GARBLE = "garble"
    """Not at all, but what comes from the position on, in the same packet, makes no sense."""


@dataclass(slots=True)
class Fault:
    """One break, `at` so many bytes on a way from now on."""

    kind: Kind
    way: Way
    at: int


class FaultProxy:
    """Stands before a server given by URL; `url` is the same by way of the proxy.

    `passed` counts the bytes of each way since `arm` or `reset`, `broken` the faults that happened.
    """

    def __init__(self, url: str) -> None:
        self.passed = {Way.UP: 0, Way.DOWN: 0}
        self.broken = 0
        self.latency_s = 0.0
        self._target = urlsplit(url)
        self._fault: Fault | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._open = {Way.UP: asyncio.Event(), Way.DOWN: asyncio.Event()}
        self._waiting = {Way.UP: asyncio.Event(), Way.DOWN: asyncio.Event()}
        self._port = 0
        self.release()

    @property
    def url(self) -> str:
        credentials, _, _ = self._target.netloc.rpartition("@")
        host = f"127.0.0.1:{self._port}"
        return self._target._replace(
            netloc=f"{credentials}@{host}" if credentials else host
        ).geturl()

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    def arm(self, fault: Fault) -> None:
        """Have the next bytes suffer a fault."""
        self.reset()
        self._fault = fault

    def reset(self) -> None:
        """Count from zero, without a fault."""
        self.passed = {Way.UP: 0, Way.DOWN: 0}
        self._fault = None
        self.latency_s = 0.0

    def hold(self, way: Way) -> None:
        """Keep what goes this way until `release`."""
        self._open[way].clear()
        self._waiting[way].clear()

    async def held(self, way: Way) -> None:
        """Wait until something is kept."""
        await self._waiting[way].wait()

    def release(self) -> None:
        """Let everything pass."""
        for event in self._open.values():
            event.set()

    @property
    def listening(self) -> bool:
        """Whether it takes connections."""
        return self._server.is_serving()

    async def accept(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Close every connection and take no more."""
        self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        far_writer: asyncio.StreamWriter | None = None
        try:
            far_reader, far_writer = await asyncio.open_connection(
                self._target.hostname, self._target.port
            )
            pumps = [
                asyncio.create_task(self._pump(reader, far_writer, Way.UP)),
                asyncio.create_task(self._pump(far_reader, writer, Way.DOWN)),
            ]
            try:
                done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                if Kind.CUT in {pump.result() for pump in done}:
                    _reset(writer)
                    _reset(far_writer)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            self._connections.discard(task)
            for end in (writer, far_writer):
                if end is not None:
                    end.close()
                    with contextlib.suppress(OSError):
                        await end.wait_closed()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way
    ) -> Kind | None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not self._open[way].is_set():
                    self._waiting[way].set()
                    await self._open[way].wait()
                if self.latency_s:
                    await asyncio.sleep(self.latency_s)
                before = self.passed[way]
                self.passed[way] += len(data)
                fault = self._fault
                if fault and fault.way is way and before <= fault.at < before + len(data):
                    self._fault = None
                    self.broken += 1
                    kept, lost = data[: fault.at - before], data[fault.at - before :]
                    if fault.kind is Kind.GARBLE:
                        writer.write(kept + _NONSENSE * len(lost))
                        await writer.drain()
                        continue
                    writer.write(kept)
                    await writer.drain()
                    return fault.kind
                writer.write(data)
                await writer.drain()
        return None


def _reset(writer: asyncio.StreamWriter) -> None:
    """Have the socket closed by a reset."""
    connection = writer.get_extra_info("socket")
    linger = struct.pack("ii", 1, 0)
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
