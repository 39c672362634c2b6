"""The key of the model's API on each request, and the one that replaced it when it is refused."""

from collections.abc import AsyncGenerator

import httpx2

from sidestream.secret import Secret


class ModelKey(httpx2.Auth):
    """Signs requests with the current key, and one that is refused (401) again with another."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send a request, whose body can be sent again, until its key is taken."""
        await request.aread()
        key = self._key.text
        response = yield _with(request, key)
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            for other in await self._key.others((key,)):
                response = yield _with(request, other)
                if response.status_code != httpx2.codes.UNAUTHORIZED:
                    return


def _with(request: httpx2.Request, key: str) -> httpx2.Request:
    # The client has put one there for a setting that is empty.
    if key:
        request.headers["authorization"] = f"Bearer {key}"
    return request
