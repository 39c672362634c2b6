"""The Chat Completions protocol, through OpenAI's own client."""

from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
)

from sidestream.local.model import ScriptedModelServer
from tests.tickets import DOMAIN, open_all

TOOLS: list[ChatCompletionFunctionToolParam] = [
    {
        "type": "function",
        "function": {"name": entry["name"], "parameters": dict(entry["inputSchema"])},
    }
    for entry in DOMAIN.entries
]


def user(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "system", "content": "You manage tickets."}, {"role": "user", "content": text}]


async def chunks_of(client: AsyncOpenAI, said: str, **request: Any) -> list[ChatCompletionChunk]:
    """The chunks of a streamed answer, each held against the client's own types."""
    stream = await client.chat.completions.create(
        model="m", messages=user(said), stream=True, **request
    )
    chunks = [chunk async for chunk in stream]
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk.to_dict())
    return chunks


class TestText:
    async def test_whole_answer(self, client: AsyncOpenAI) -> None:
        answer = await client.chat.completions.create(model="m", messages=user("سلام"))

        assert answer.choices[0].message.content is not None
        assert answer.choices[0].message.content.startswith("السلام علیکم")
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage is not None

    async def test_stream_is_one_chunk_a_word(self, client: AsyncOpenAI) -> None:
        chunks = await chunks_of(client, "tell me a story of 40 words")

        words = [c.choices[0].delta.content for c in chunks if c.choices[0].delta.content]
        assert len(words) == 40
        assert len("".join(words).split()) == 40
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert len({chunk.id for chunk in chunks}) == 1
        assert all(chunk.usage is None for chunk in chunks)

    async def test_usage_comes_last_when_asked_for(self, client: AsyncOpenAI) -> None:
        chunks = await chunks_of(client, "hello", stream_options={"include_usage": True})

        assert chunks[-1].choices == []
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.total_tokens > 0

    async def test_output_limit(self, client: AsyncOpenAI) -> None:
        chunks = await chunks_of(client, "tell me a story of 40 words", max_completion_tokens=5)

        assert chunks[-1].choices[0].finish_reason == "length"


class TestCalls:
    async def test_streamed_calls_have_index_id_and_arguments(self, client: AsyncOpenAI) -> None:
        chunks = await chunks_of(client, open_all("printer", "login"), tools=TOOLS)

        deltas = [call for c in chunks for call in c.choices[0].delta.tool_calls or ()]
        names = [call.function.name for call in deltas if call.function and call.function.name]
        assert names == ["add_ticket", "add_ticket"]
        assert len({call.id for call in deltas if call.id}) == 2
        second = "".join(
            call.function.arguments or "" for call in deltas if call.function and call.index == 1
        )
        assert second == '{"subject": "login"}'
        assert chunks[-1].choices[0].finish_reason == "tool_calls"

    async def test_the_chosen_tool_is_called(self, client: AsyncOpenAI) -> None:
        chosen = {"type": "function", "function": {"name": "add_ticket"}}
        chunks = await chunks_of(client, open_all("printer"), tools=TOOLS, tool_choice=chosen)

        assert chunks[-1].choices[0].finish_reason == "tool_calls"

    async def test_an_output_continues_the_turn(self, client: AsyncOpenAI) -> None:
        messages = user(open_all("printer"))
        asked = await client.chat.completions.create(model="m", messages=messages, tools=TOOLS)
        (call,) = asked.choices[0].message.tool_calls or []
        assert isinstance(call, ChatCompletionMessageFunctionToolCall)
        made: Any = call.to_dict()
        output = '{"id": "t1", "subject": "printer"}'
        messages += [
            {"role": "assistant", "tool_calls": [made]},
            {"role": "tool", "tool_call_id": call.id, "content": output},
        ]

        answer = await client.chat.completions.create(model="m", messages=messages, tools=TOOLS)

        assert answer.choices[0].message.content == "I opened “printer”."

    async def test_a_call_without_its_output_is_refused(self, client: AsyncOpenAI) -> None:
        messages = user(open_all("printer"))
        function = {"name": "add_ticket", "arguments": "{}"}
        call: Any = {"id": "c1", "type": "function", "function": function}
        messages.append({"role": "assistant", "tool_calls": [call]})

        with pytest.raises(BadRequestError, match="did not have response messages: c1"):
            await client.chat.completions.create(model="m", messages=messages)

    async def test_an_output_without_its_call_is_refused(self, client: AsyncOpenAI) -> None:
        messages = user(open_all("printer"))
        messages.append({"role": "tool", "tool_call_id": "c1", "content": "{}"})

        with pytest.raises(BadRequestError, match="must be a response to a preceeding message"):
            await client.chat.completions.create(model="m", messages=messages)


class TestFaults:
    async def test_content_filter(self, model: ScriptedModelServer, client: AsyncOpenAI) -> None:
        model.content_filter_next(after_words=1)
        chunks = await chunks_of(client, "hello")

        assert chunks[-1].choices[0].finish_reason == "content_filter"

    async def test_context_overflow(self, model: ScriptedModelServer, client: AsyncOpenAI) -> None:
        model.context_overflow_next()
        with pytest.raises(BadRequestError) as caught:
            await chunks_of(client, "hello")
        assert caught.value.code == "context_length_exceeded"
        assert caught.value.param == "messages"
