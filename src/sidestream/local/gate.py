"""A gate through which this machine's containers, and nobody else, reach a server on loopback.

It listens at the address that the containers' bridge gives to the host, and forwards bytes. A peer
whose address is not the bridge's is turned away: what comes over another interface could claim such
an address, but no answer would find its way back to it.
"""

import asyncio
import socket
from contextlib import suppress
from ipaddress import IPv4Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from sidestream.local.engine import ContainerHost

_CHUNK_BYTES: Final = 65_536
_CONNECT_TIMEOUT_S: Final = 10.0
_IP_FREEBIND: Final = 15  # Linux: the bridge may come with the first container


class Gate:
    """One listener for each server that containers may reach."""

    def __init__(self, host: ContainerHost) -> None:
        self._host = host
        self._servers: list[asyncio.Server] = []

    async def through(self, url: str) -> str:
        """Give the address under which containers reach a URL of loopback, and open the way.

        Raises `OSError` when nothing can listen there.
        """
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        port = parts.port
        if self._host.network is not None:
            port = await self._open(parts.port, self._host.network)
        login, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{login}{at}{self._host.address}:{port}").geturl()

    async def close(self) -> None:
        """Close all of it."""
        for server in self._servers:
            server.close()
            server.close_clients()
        for server in self._servers:
            await server.wait_closed()

    async def _open(self, port: int, network: IPv4Network) -> int:
        listener = socket.socket()
        try:
            listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
            listener.bind((self._host.address, 0))
        except OSError:
            listener.close()
            raise

        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                peer = writer.get_extra_info("peername")
                if peer and ip_address(peer[0]) in network:
                    await _connect(reader, writer, port)
            finally:
                writer.close()

        self._servers.append(await asyncio.start_server(pass_on, sock=listener))
        number: int = listener.getsockname()[1]
        return number


async def _connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            there, back = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(_pour(reader, back), _pour(there, writer))
        finally:
            back.close()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(_CHUNK_BYTES):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
