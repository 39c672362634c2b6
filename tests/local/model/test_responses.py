"""The Responses protocol, through OpenAI's own client."""

from typing import Any

import pytest
from openai import APIError, AsyncOpenAI, BadRequestError
from openai.types.responses import (
    FunctionToolParam,
    Response,
    ResponseCompletedEvent,
    ResponseErrorEvent,
    ResponseFunctionToolCall,
    ResponseIncompleteEvent,
    ResponseOutputMessage,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
)
from pydantic import TypeAdapter

from sidestream.local.model import ScriptedModelServer
from tests.tickets import DOMAIN, LIST, open_all, opening, script

BOTH = script([*opening("printer"), *LIST])

TOOLS: list[FunctionToolParam] = [
    {
        "type": "function",
        "name": entry["name"],
        "parameters": dict(entry["inputSchema"]),
        "strict": False,
    }
    for entry in DOMAIN.entries
]
EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)


async def events_of(client: AsyncOpenAI, **request: Any) -> list[ResponseStreamEvent]:
    """The events of a streamed answer, each held against the client's own types."""
    stream = await client.responses.create(model="gpt-5.6-luna", stream=True, **request)
    events = [event async for event in stream]
    for event in events:
        EVENT.validate_python(event.to_dict(), strict=False)
    return events


def completed(events: list[ResponseStreamEvent]) -> Response:
    assert isinstance(events[-1], ResponseCompletedEvent)
    return events[-1].response


class TestText:
    async def test_whole_answer(self, client: AsyncOpenAI) -> None:
        response = await client.responses.create(model="some-model", input="hello")

        assert response.status == "completed"
        assert response.output_text.startswith("Hello!")
        assert response.model == "some-model"
        assert response.usage is not None
        assert response.usage.total_tokens == (
            response.usage.input_tokens + response.usage.output_tokens
        )

    async def test_streamed_events_come_in_order(self, client: AsyncOpenAI) -> None:
        events = await events_of(client, input="tell me a story of 3 words")

        assert [event.type for event in events] == [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            *["response.output_text.delta"] * 3,
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
        assert [event.sequence_number for event in events] == list(range(len(events)))

    async def test_deltas_are_words_and_make_up_the_text(self, client: AsyncOpenAI) -> None:
        events = await events_of(client, input="300 الفاظ کی کہانی سناؤ")

        deltas = [event.delta for event in events if isinstance(event, ResponseTextDeltaEvent)]
        assert len(deltas) == 300
        assert all(len(delta.split()) == 1 for delta in deltas)
        assert "".join(deltas) == completed(events).output_text

    async def test_ids_are_one_per_item_and_never_reused(self, client: AsyncOpenAI) -> None:
        first = await events_of(client, input="hello")
        second = await events_of(client, input="hello")

        ids = {event.item_id for event in first if isinstance(event, ResponseTextDeltaEvent)}
        assert ids == {completed(first).output[0].id}
        assert completed(first).output[0].id != completed(second).output[0].id
        assert completed(first).id != completed(second).id

    async def test_output_limit_makes_the_answer_incomplete(self, client: AsyncOpenAI) -> None:
        response = await client.responses.create(
            model="m", input="tell me a story of 100 words", max_output_tokens=20
        )

        assert response.status == "incomplete"
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == "max_output_tokens"
        assert len(response.output_text.split()) == 20


class TestCalls:
    async def test_streamed_arguments_make_up_the_call(self, client: AsyncOpenAI) -> None:
        events = await events_of(client, input=open_all("پرنٹر خراب"), tools=TOOLS)

        kinds = [event.type for event in events]
        assert kinds[2] == "response.output_item.added"
        assert kinds[-3:] == [
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
        call = completed(events).output[0]
        assert isinstance(call, ResponseFunctionToolCall)
        assert call.name == "add_ticket"
        assert '"پرنٹر خراب"' in call.arguments
        deltas = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
        assert len(deltas) > 1
        assert "".join(deltas) == call.arguments

    async def test_independent_calls_come_in_parallel(self, client: AsyncOpenAI) -> None:
        events = await events_of(client, input=BOTH, tools=TOOLS)

        added = [e.output_index for e in events if e.type == "response.output_item.added"]
        assert added == [0, 1]
        names = [i.name for i in completed(events).output if i.type == "function_call"]
        assert names == ["add_ticket", "list_tickets"]

    async def test_one_at_a_time_when_parallel_calls_are_off(self, client: AsyncOpenAI) -> None:
        response = await client.responses.create(
            model="m",
            input=BOTH,
            tools=TOOLS,
            parallel_tool_calls=False,
        )

        assert len(response.output) == 1

    async def test_no_calls_when_the_choice_is_none(self, client: AsyncOpenAI) -> None:
        response = await client.responses.create(
            model="m", input=open_all("printer"), tools=TOOLS, tool_choice="none"
        )

        assert isinstance(response.output[0], ResponseOutputMessage)

    async def test_the_chosen_tool_is_called(self, client: AsyncOpenAI) -> None:
        response = await client.responses.create(
            model="m",
            input=open_all("printer"),
            tools=TOOLS,
            tool_choice={"type": "function", "name": "add_ticket"},
        )

        assert [i.name for i in response.output if i.type == "function_call"] == ["add_ticket"]

    async def test_an_output_continues_the_turn(self, client: AsyncOpenAI) -> None:
        asked = await client.responses.create(model="m", input=open_all("printer"), tools=TOOLS)
        call = asked.output[0]
        assert isinstance(call, ResponseFunctionToolCall)

        answer = await client.responses.create(
            model="m",
            tools=TOOLS,
            input=[
                {"role": "user", "content": open_all("printer")},
                {
                    "type": "function_call",
                    "call_id": call.call_id,
                    "name": call.name,
                    "arguments": call.arguments,
                },
                {
                    "type": "function_call_output",
                    "call_id": call.call_id,
                    "output": '{"id": 7, "subject": "printer"}',
                },
            ],
        )

        assert answer.output_text == "I opened “printer”."

    @pytest.mark.parametrize("missing", ["call", "output"])
    async def test_half_a_pair_is_refused(self, client: AsyncOpenAI, missing: str) -> None:
        call = {"type": "function_call", "call_id": "c1", "name": "add_ticket", "arguments": "{}"}
        output = {"type": "function_call_output", "call_id": "c1", "output": "{}"}
        items: Any = [{"role": "user", "content": "hi"}, output if missing == "call" else call]

        with pytest.raises(BadRequestError, match=r"No tool (call|output) found .*c1") as caught:
            await client.responses.create(model="m", input=items)
        assert caught.value.param == "input"

    async def test_unknown_previous_response_is_refused(self, client: AsyncOpenAI) -> None:
        with pytest.raises(BadRequestError) as caught:
            await client.responses.create(model="m", input="hi", previous_response_id="resp_1")
        assert caught.value.code == "previous_response_not_found"


class TestFaults:
    async def test_content_filter_stops_the_answer(
        self, model: ScriptedModelServer, client: AsyncOpenAI
    ) -> None:
        model.content_filter_next(after_words=2)
        events = await events_of(client, input="tell me a story of 50 words")

        last = events[-1]
        assert isinstance(last, ResponseIncompleteEvent)
        assert last.response.incomplete_details is not None
        assert last.response.incomplete_details.reason == "content_filter"
        assert last.response.output_text == "Once upon "

    async def test_context_overflow_of_a_whole_answer(
        self, model: ScriptedModelServer, client: AsyncOpenAI
    ) -> None:
        model.context_overflow_next()
        with pytest.raises(BadRequestError) as caught:
            await client.responses.create(model="m", input="hello")
        assert caught.value.code == "context_length_exceeded"

    async def test_context_overflow_of_a_stream_is_an_event(
        self, model: ScriptedModelServer, client: AsyncOpenAI
    ) -> None:
        model.context_overflow_next()
        stream = await client.responses.create(model="m", input="hello", stream=True)
        with pytest.raises(APIError) as caught:
            assert not [e async for e in stream if isinstance(e, ResponseErrorEvent)]
        assert caught.value.code == "context_length_exceeded"
