"""Models that know no measure: what they say and call beyond a limit ends there, and is said to."""

from typing import Any

import pytest
from chatkit.types import AssistantMessageItem, WorkflowItem

from sidestream.chat.incomplete import Incomplete, reason_of
from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step, ToolRequest
from tests.chat.client import Answer, Client, words
from tests.chat.conftest import MakePerson, Rows, TicketList, under_uvicorn

_TOO_LONG = "The answer grew beyond any bounds and ends here. Ask for a part of it."


async def ended_too_long(client: Client, rows: Rows, answer: Answer) -> str:
    """What was said in an answer that grew beyond a limit, as it is stored."""
    assert [(error.message, error.allow_retry) for error in answer.errors] == [(_TOO_LONG, False)]
    [run] = await rows(
        "select status, error ->> 'code' as code from runs where id = %s", answer.run_id
    )
    assert (run["status"], run["code"]) == ("failed", "max_run_bytes")
    saved = (await client.items(answer.thread_id))[-1]
    assert isinstance(saved, AssistantMessageItem)
    assert "".join(answer.deltas) == words(saved)
    assert reason_of(saved) == Incomplete.LENGTH
    return words(saved)


@pytest.mark.parametrize("text", ["word " * 20_000, "w\n" * 20_000, "x" * 600_000])
async def test_an_answer_ends_where_its_item_is_full(
    chat_settings: ChatSettings,
    person: MakePerson,
    model: ScriptedModelServer,
    rows: Rows,
    text: str,
) -> None:
    update = {"max_item_bytes": 40_000, "max_output_tokens": 100_000}
    limited = chat_settings.model_copy(update=update)
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        model.play(Step(text=text))
        answer = await client.create("tell me all of it")
        kept = await ended_too_long(client, rows, answer)
        assert text.startswith(kept)
        [stored] = await rows(
            "select octet_length(data::text) as bytes from thread_items"
            " where user_id = %s and type = 'assistant_message'",
            client.user_id,
        )
        assert 6_000 < stored["bytes"] <= limited.max_item_bytes
        assert (await client.add(answer.thread_id, "hello")).text


async def test_what_a_run_streams_has_an_end(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer, rows: Rows
) -> None:
    """However small the pieces are in which the model sends it."""
    limited = chat_settings.model_copy(update={"max_run_bytes": 100_000})
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        model.play(Step(text="word " * 20_000))
        answer = await client.create("tell me all of it")
        await ended_too_long(client, rows, answer)
        [stored] = await rows(
            "select sum(octet_length(frame)) as bytes from run_events, unnest(frames) as frame"
            " where run_id = %s",
            answer.run_id,
        )
        assert 50_000 < stored["bytes"] < 200_000


async def test_a_response_without_words_has_an_end_too(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer
) -> None:
    limited = chat_settings.model_copy(update={"max_run_bytes": 100_000})
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        model.play(
            Step(calls=(ToolRequest("add_ticket", {"subject": "s", "body": "b" * 500_000}),))
        )
        answer = await client.create("open a ticket")
        assert [error.message for error in answer.errors] == [_TOO_LONG]


def outputs(request: Any) -> list[str]:
    """What a request tells the model of its calls."""
    return [
        item["output"]
        for item in request.body["input"]
        if item.get("type") == "function_call_output"
    ]


def opening(count: int, first: int = 0) -> tuple[ToolRequest, ...]:
    return tuple(
        ToolRequest("add_ticket", {"subject": f"number {first + number}"})
        for number in range(count)
    )


async def test_calls_beyond_the_most_of_a_step_are_refused_and_can_be_made_next(
    chat_settings: ChatSettings,
    person: MakePerson,
    model: ScriptedModelServer,
    tickets: TicketList,
) -> None:
    limited = chat_settings.model_copy(update={"max_tool_calls_per_step": 3})
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        model.play(Step(calls=opening(5)), Step(calls=opening(2, first=3)), Step(text="Done."))
        answer = await client.create("open five tickets")
        assert (answer.text, answer.errors) == ("Done.", [])
        refused = [told for told in outputs(model.requests[-1]) if "left out" in told]
        assert len(refused) == 2
        assert all("3 calls are made at once" in told for told in refused)
        made = [ticket["subject"] for ticket in await tickets(client)]
        assert made == [f"number {number}" for number in range(5)]
        assert [len(item.workflow.tasks) for item in answer.done(WorkflowItem)] == [7]


async def test_calls_beyond_the_most_of_an_answer_are_refused(
    chat_settings: ChatSettings,
    person: MakePerson,
    model: ScriptedModelServer,
    tickets: TicketList,
) -> None:
    limited = chat_settings.model_copy(update={"max_tool_calls": 4})
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        model.play(Step(calls=opening(3)), Step(calls=opening(3, first=3)), Step(text="Done."))
        answer = await client.create("open tickets")
        assert (answer.text, answer.errors) == ("Done.", [])
        assert len(await tickets(client)) == 4
        refused = [told for told in outputs(model.requests[-1]) if "4 tool calls at most" in told]
        assert len(refused) == 2
        # The limit is of one answer.
        model.play(Step(calls=opening(1, first=9)), Step(text="Done."))
        await client.add(answer.thread_id, "one more")
        assert len(await tickets(client)) == 5


async def test_a_flood_of_calls_ends_the_answer(
    chat_settings: ChatSettings,
    person: MakePerson,
    model: ScriptedModelServer,
    tickets: TicketList,
) -> None:
    limited = chat_settings.model_copy(update={"max_tool_calls": 10})
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        model.play(Step(calls=opening(500)))
        answer = await client.create("open tickets")
        [error] = answer.errors
        assert "more steps than one answer may take" in str(error.message)
        assert not error.allow_retry
        assert await tickets(client) == []
        assert len(answer.body) < 50_000


async def test_the_arguments_of_an_answer_are_counted_together(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer, rows: Rows
) -> None:
    async with under_uvicorn(chat_settings) as chat, Client(chat.url, person().token) as client:
        long = [ToolRequest("add_ticket", {"subject": f"{n}", "body": "b" * 25_000}) for n in "abc"]
        model.play(Step(calls=tuple(long)), Step(text="Done."))
        answer = await client.create("open tickets")
        assert (answer.text, answer.errors) == ("Done.", [])
        told = outputs(model.requests[-1])
        assert ["too long in all" in each for each in told] == [False, False, True]
        [stored] = await rows(
            "select max(octet_length(data::text)) as bytes from thread_items where user_id = %s",
            client.user_id,
        )
        assert stored["bytes"] <= chat_settings.max_item_bytes
