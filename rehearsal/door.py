"""A door to function URLs that exist in name only: an HTTPS proxy that answers for them itself.

A client that is told of it by `HTTPS_PROXY` asks it for a connection to a host (RFC 9110, section
9.3.6, CONNECT). It says yes, shows a certificate for that host which `SSL_CERT_FILE` has the client
trust, and hands on what comes to a port of this machine.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_CHUNK: Final = 65_536


class Door:
    """Listens on loopback for as long as the `async with` block lasts. It answers for the hosts of
    a domain; `port_of` gives the port behind one, or None where there is none."""

    def __init__(self, folder: Path, domain: str, port_of: Callable[[str], int | None]) -> None:
        self.certificate = folder / "door.pem"
        self._domain = domain
        self._port_of = port_of
        self._server: asyncio.Server | None = None
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a client through it."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{port}",
            "SSL_CERT_FILE": str(self.certificate),
            "CURL_CA_BUNDLE": str(self.certificate),
        }

    async def __aenter__(self) -> Self:
        _write_certificate(self.certificate, f"*.{self._domain}")
        self._tls.load_cert_chain(self.certificate)
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            self._server.close_clients()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _version = head.decode("latin-1").split("\r\n")[0].split(" ")
            port = await asyncio.to_thread(self._port_of, target.partition(":")[0])
            if method != "CONNECT" or port is None:
                writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
            else:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await writer.drain()
                await writer.start_tls(self._tls)
                there = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_hand_on(reader, there[1]), _hand_on(there[0], writer))
        writer.close()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


def _write_certificate(path: Path, host: str) -> None:
    """Write a key and a certificate of a host, which is its own root."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal")])
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(pem, form, serialization.NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(pem))
