"""Chat Completions models that say how a response ended, as Responses models do.

The Agents SDK turns their streams into the events of the Responses API, and leaves out the
`finish_reason`: an answer that was filtered, cut or too long would look like a finished one.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final, Literal, Self

from agents import Model, ModelBehaviorError, OpenAIChatCompletionsModel, OpenAIProvider
from agents.items import TResponseStreamEvent
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import Response, ResponseCompletedEvent, ResponseIncompleteEvent
from openai.types.responses.response import IncompleteDetails

_INCOMPLETE: Final[dict[str, Literal["content_filter", "max_output_tokens"]]] = {
    "content_filter": "content_filter",
    "length": "max_output_tokens",
}


class CompletionsProvider(OpenAIProvider):
    """Gives the Chat Completions models of a client."""

    def __init__(self, client: AsyncOpenAI) -> None:
        super().__init__(openai_client=client, use_responses=False)
        self._completions = client

    def get_model(self, model_name: str | None) -> Model:
        """Give a model by its name, which every run has to say."""
        assert model_name is not None
        return CompletionsModel(model_name, self._completions)


class CompletionsModel(OpenAIChatCompletionsModel):
    """A model whose stream ends with `response.incomplete` where the answer is not whole."""

    async def stream_response(
        self, *args: Any, **kwargs: Any
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Give the events of a response.

        Raises `ModelBehaviorError` when the stream ends without a `finish_reason`.
        """
        events: Any = super().stream_response(*args, **kwargs)
        async with aclosing(events):
            async for event in events:
                yield _ending(event)

    async def _fetch_response(self, *args: Any, **kwargs: Any) -> Any:
        fetched: Any = await super()._fetch_response(*args, **kwargs)
        if not isinstance(fetched, tuple):
            return fetched
        response, stream = fetched
        return response, _Chunks(response, stream)


def _ending(event: TResponseStreamEvent) -> TResponseStreamEvent:
    if not isinstance(event, ResponseCompletedEvent) or not event.response.incomplete_details:
        return event
    return ResponseIncompleteEvent(
        response=event.response,
        sequence_number=event.sequence_number,
        type="response.incomplete",
    )


class _Chunks:
    """The chunks of a stream; how it ended is noted in the response they are made into."""

    def __init__(self, response: Response, stream: AsyncStream[ChatCompletionChunk]) -> None:
        self._response = response
        self._stream = stream
        self._finished = False
        self.response = stream.response
        """The HTTP response, in which the SDK looks for the request's id."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatCompletionChunk:
        try:
            chunk = await anext(self._stream)
        except StopAsyncIteration:
            if not self._finished:
                raise ModelBehaviorError("The stream ended without a finish_reason.") from None
            raise
        for choice in chunk.choices or ():
            if choice.index != 0 or choice.finish_reason is None:
                continue
            self._finished = True
            if reason := _INCOMPLETE.get(choice.finish_reason):
                self._response.status = "incomplete"
                self._response.incomplete_details = IncompleteDetails(reason=reason)
                # The SDK would put words of its own into an empty answer that was filtered.
                choice.finish_reason = "stop"
        return chunk

    async def close(self) -> None:
        """Close the connection."""
        await self._stream.close()
