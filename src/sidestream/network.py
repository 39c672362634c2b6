"""HTTP clients for addresses that may be this machine's own: those never go through a proxy.

A person's proxies (`HTTP_PROXY`, `ALL_PROXY`, macOS's own settings) know nothing of loopback, and
not everybody's `NO_PROXY` names it. Every other address goes where the person wants it to go.
"""

import ipaddress
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2


class UnusableProxy(Exception):
    """A proxy's address in the environment is of no kind that we know. The text is a sentence."""


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine itself."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def client(url: str, **options: Any) -> httpx2.Client:
    """Give a client for the addresses under `url`. Raises `UnusableProxy`."""
    with _proxies_named():
        return httpx2.Client(trust_env=not is_loopback(url), **options)


def async_client(
    url: str, kind: type[httpx2.AsyncClient] = httpx2.AsyncClient, **options: Any
) -> httpx2.AsyncClient:
    """The same, asynchronous, of a class that may be chosen."""
    with _proxies_named():
        return kind(trust_env=not is_loopback(url), **options)


async def at_most(max_bytes: int, chunks: AsyncIterator[bytes]) -> bytes | None:
    """Read a body to its end; None for one that goes beyond so many bytes, of which no more is
    read."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            return None
    return bytes(body)


def check_proxies() -> None:
    """Raise `UnusableProxy` for what every client would stumble over."""
    client("").close()


@contextmanager
def _proxies_named() -> Iterator[None]:
    try:
        yield
    except (ValueError, ImportError, httpx2.InvalidURL):
        # Not the library's words: they may quote the proxy's password.
        raise UnusableProxy(
            "The proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used: its address begins "
            "with http://, https:// or socks5://."
        ) from None
