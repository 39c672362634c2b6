"""The model as the agent sees it: requests of our own making, and streams made well-formed.

It is a `Model` of the Agents SDK by its public interface alone. The OpenAI client sends
the request and tells its errors; its reading of streams is not used.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any, Final

import httpx2
from agents import (
    Model,
    ModelProvider,
    ModelResponse,
    ModelSettings,
    Tool,
    TResponseInputItem,
    UserError,
)
from agents.items import TResponseStreamEvent
from openai import AsyncOpenAI, AsyncStream

from sidestream.chat.failures import STREAM_LOST, STREAM_SILENT, STREAM_TOO_LONG
from sidestream.chat.model import normalise
from sidestream.chat.model.normalise import Reading
from sidestream.chat.model.request import completions_body, responses_body
from sidestream.chat.model.sent.providers import Provider, Providers
from sidestream.config import ChatSettings

_DRAIN_S: Final = 0.05
_REST_S: Final = 2.0
"""How long something may still come when the provider has told its end: the usage, say."""

type _Api = tuple[str, Callable[..., dict[str, Any]], Callable[..., Reading]]

_APIS: Final[dict[str, _Api]] = {
    "chat_completions": ("/chat/completions", completions_body, normalise.completions),
    "responses": ("/responses", responses_body, normalise.responses),
}


class StreamedProvider(ModelProvider):
    """Gives the models of a client, over the API that the settings name."""

    def __init__(self, client: AsyncOpenAI, settings: ChatSettings) -> None:
        self._client = client
        self._api = settings.model_api
        self._max_bytes = settings.max_run_bytes
        self._known = Providers(str(client.base_url))

    def get_model(self, model_name: str | None) -> Model:
        """Give a model by its name, which every run has to say."""
        assert model_name is not None
        provider = self._known.of(model_name)
        return StreamedModel(provider, self._client, self._api, self._max_bytes)


class StreamedModel(Model):
    """One model of a provider, whose responses end after `max_bytes`."""

    def __init__(self, provider: Provider, client: AsyncOpenAI, api: str, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._provider = provider
        self._client = client
        self._path, self._body, self._reading = _APIS[api]

    async def get_response(self, *_args: Any, **_options: Any) -> ModelResponse:
        """Refuse: every run streams."""
        raise UserError("This model only streams: use Runner.run_streamed.")

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        *_unused: Any,
        **_options: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Give the events of one response: words as they come, and one terminal event.

        Raises the OpenAI client's errors for a request that is refused, and the HTTP client's for a
        connection that breaks before anything came; later breaks are told by the terminal event.
        """
        items: list[Any] = [{"role": "user", "content": input}] if isinstance(input, str) else input
        reading = self._reading({tool.name for tool in tools}, _ids(items))

        async def ask() -> AsyncStream[object]:
            body = self._body(self._provider, system_instructions, items, tools, model_settings)
            return await self._client.post(
                self._path, body=body, cast_to=object, stream=True, stream_cls=AsyncStream[object]
            )

        stream = await self._provider.asked(ask)
        try:
            async with aclosing(_events(stream.response, reading, self._max_bytes)) as events:
                async for event in events:
                    yield event
        finally:
            await stream.close()


async def _events(
    response: httpx2.Response, reading: Reading, left: int
) -> AsyncGenerator[TResponseStreamEvent]:
    chunks = response.aiter_bytes()
    try:
        while (chunk := await _next(chunks, reading)) is not None:
            left -= len(chunk)
            for event in reading.feed(chunk) if left >= 0 else reading.broken(STREAM_TOO_LONG):
                yield event
            if left < 0:
                return
            if reading.over:
                await _drain(chunks)
                return
    except httpx2.HTTPError as error:
        if not reading.begun:
            raise
        slow = isinstance(error, httpx2.TimeoutException)
        for event in reading.broken(STREAM_SILENT if slow else STREAM_LOST):
            yield event
    else:
        for event in reading.close():
            yield event


async def _next(chunks: AsyncIterator[bytes], reading: Reading) -> bytes | None:
    """Give the next bytes; None when there are none, or none in time behind an end."""
    if not reading.ended:
        return await anext(chunks, None)
    with suppress(TimeoutError):
        async with asyncio.timeout(_REST_S):
            return await anext(chunks, None)
    return None


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read what is left of a body, without which HTTP/1.1 has to close the connection."""
    with suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(_DRAIN_S):
            async for _chunk in chunks:
                pass


def _ids(items: list[Any]) -> set[str]:
    """The ids that are in use: of messages, and of calls."""
    found = (item.get(key) for item in items if isinstance(item, dict) for key in ("id", "call_id"))
    return {known for known in found if isinstance(known, str)}
