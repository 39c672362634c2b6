"""Reading a key set from where it is published: with a bound on the time, on the bytes, and on
where it may lead."""

import asyncio
from http import HTTPStatus
from typing import Final

import httpx2

from sidestream import network
from sidestream.reasons import Reason, of_error, of_status
from sidestream.tls import tls_context

TIMEOUT_S: Final = 3.0
MAX_BYTES: Final = 256 * 1024
_MAX_REDIRECTS: Final = 3


class KeysUnread(Exception):
    """A key set could not be read. `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


async def read_keys(url: str, *, timeout_s: float = TIMEOUT_S) -> bytes:
    """Give the document at an address, of at most `MAX_BYTES`, within `timeout_s` in all. Redirects
    are followed within its origin alone. Raises `KeysUnread`."""
    try:
        async with (
            asyncio.timeout(timeout_s),
            network.async_client(url, verify=tls_context()) as client,
        ):
            return await _document(client, url)
    except KeysUnread:
        raise
    except Exception as error:  # whatever a stranger's answer makes of a client
        raise KeysUnread(of_error(error)) from None


async def _document(client: httpx2.AsyncClient, url: str) -> bytes:
    # Not compressed: a few bytes may unpack to any number.
    headers = {"accept": "application/json, */*;q=0.5", "accept-encoding": "identity"}
    request = client.build_request("GET", url, headers=headers)
    for _ in range(1 + _MAX_REDIRECTS):
        answer = await client.send(request, stream=True)
        try:
            following = answer.next_request
            if following is None:
                return await _body(answer)
        finally:
            await answer.aclose()
        if _origin(following.url) != _origin(request.url):
            break
        request = following
    raise KeysUnread(Reason.ELSEWHERE)


async def _body(answer: httpx2.Response) -> bytes:
    if answer.status_code != HTTPStatus.OK:
        raise KeysUnread(of_status(answer.status_code))
    body = await network.at_most(MAX_BYTES, answer.aiter_raw())
    if body is None:
        raise KeysUnread(Reason.TOO_MUCH)
    return body


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
