"""A TCP proxy that can be told to cut its connections, to go silent, to refuse, or to lead
elsewhere."""

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Stands before a server given by URL; `url` is the same URL by way of the proxy.

    `sent` holds the bytes that clients sent, `connections` counts those that were made.
    """

    def __init__(self, url: str) -> None:
        self.sent = bytearray()
        self.connections = 0
        self._target = urlsplit(url)
        self._pumps: set[asyncio.Task[None]] = set()
        self._heard = asyncio.Event()
        self._heard.set()
        self._port = 0

    @property
    def url(self) -> str:
        credentials = f"{self._target.username}:{self._target.password}"
        return self._target._replace(netloc=f"{credentials}@127.0.0.1:{self._port}").geturl()

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def accept(self) -> None:
        """Listen, again on the same port after `refuse`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Close every connection and take no more."""
        self._server.close()
        await self.cut()
        await self._server.wait_closed()

    async def cut(self) -> None:
        """Close every connection."""
        pumps = list(self._pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    def lead_to(self, url: str) -> None:
        """Lead new connections to another server; those that are open stay where they are."""
        self._target = urlsplit(url)

    def silence(self) -> None:
        """Keep connections open and pass nothing on."""
        self._heard.clear()

    def speak(self) -> None:
        """Pass on again what waits."""
        self._heard.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        host, port = self._target.hostname, self._target.port
        far_reader, far_writer = await asyncio.open_connection(host, port)
        both = [
            asyncio.create_task(self._pump(reader, far_writer, self.sent)),
            asyncio.create_task(self._pump(far_reader, writer, bytearray())),
        ]
        self._pumps.update(both)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for pump in both:
            pump.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        self._pumps.difference_update(both)
        for end in (writer, far_writer):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: bytearray
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                seen += data
                await self._heard.wait()
                writer.write(data)
                await writer.drain()
