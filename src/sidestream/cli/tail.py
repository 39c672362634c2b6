"""How the stream of a run ended: with the line that says so, or without."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx2

_END: Final = b": end\n"


class Tail(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """The bytes of a response as they come. Takes the place of the response's own stream."""

    def __init__(self, response: httpx2.Response) -> None:
        self._stream = response.stream
        self._last = b""
        response.stream = self

    @property
    def has_ended(self) -> bool:
        """Whether the last line has come that a stream has whose run has ended."""
        return self._last == _END

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._stream, httpx2.SyncByteStream)
        for data in self._stream:
            yield self._seen(data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._stream, httpx2.AsyncByteStream)
        async for data in self._stream:
            yield self._seen(data)

    def close(self) -> None:
        assert isinstance(self._stream, httpx2.SyncByteStream)
        self._stream.close()

    async def aclose(self) -> None:
        assert isinstance(self._stream, httpx2.AsyncByteStream)
        await self._stream.aclose()

    def _seen(self, data: bytes) -> bytes:
        self._last = (self._last + data)[-len(_END) :]
        return data
