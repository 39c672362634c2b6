"""Strict providers, imitated (`strict_provider`), through all that leaves a history odd: a click on
a row, an answer that failed or was stopped, a question that waits, its answer, and a retry."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from chatkit.types import UserMessageItem
from pydantic import HttpUrl

from sidestream.caller import Caller
from sidestream.chat.context import ToolRecord
from sidestream.chat.tools.trace import memory
from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step
from sidestream.local.model.errors import ApiError
from sidestream.local.system import LocalSystem
from tests.chat.client import Answer, Client, add_request, delta_of, thread_request
from tests.chat.conftest import MakePerson, TicketList, UvicornChat, under_uvicorn
from tests.chat.steps import action_request, answer_request, row_action, the_question, the_widget
from tests.chat.strict_provider import PROVIDERS, Manners, StrictProvider, imitation
from tests.tickets import SHOW, call, delete_all, open_all, open_tickets

STORY = "Tell me a story of 60 words"
ITEMS_ONLY = ["gpt-oss on vLLM"]
LEARNT = {
    "Mistral": 1,
    "vLLM with a template of Mistral's": 1,
    "Gemini": 1,
    "OpenAI": 1,
}
"""How often each refuses before it is known how it wants it."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Somebody who talks to the chat on a strict provider."""

    client: Client
    provider: StrictProvider
    chat: UvicornChat


@asynccontextmanager
async def talking(
    system: LocalSystem, settings: ChatSettings, person: MakePerson, manners: Manners, api: str
) -> AsyncIterator[Talk]:
    async with imitation(manners, system.model.base_url) as provider:
        update = {
            "openai_base_url": HttpUrl(provider.url),
            "model": manners.model,
            "model_api": api,
            "model_max_retries": 0,
        }
        async with (
            under_uvicorn(settings.model_copy(update=update)) as chat,
            Client(chat.url, person().token) as client,
        ):
            yield Talk(client, provider, chat)


async def fine(answer: Answer) -> Answer:
    assert answer.errors == []
    return answer


async def odd_history(
    system: LocalSystem, talk: Talk, model: ScriptedModelServer, tickets: TicketList
) -> str:
    """Go through all that leaves a history odd. Gives the thread."""
    client = talk.client
    ids = await open_tickets(system, client, "printer", "login", "screen")
    shown = await fine(await client.create(SHOW))
    thread_id = shown.thread_id
    # A click on a row, twice, with nothing said in between.
    widget = the_widget(shown)
    for subject in ("printer", "login"):
        action = row_action(widget, subject, "ticket.urgent")
        await fine(await client.send(action_request(thread_id, widget.id, action)))
    await fine(await client.add(thread_id, "thanks"))
    # An answer that fails behind its call, a message after it, and the failed one again.
    model.refuse_next(ApiError(401, "no"), after=1)
    failed = await client.add(thread_id, open_all("mouse", "keyboard"))
    assert failed.errors
    await fine(await client.add(thread_id, "hello"))
    items = await client.items(thread_id)
    [message] = [
        item for item in items if isinstance(item, UserMessageItem) and "mouse" in str(item.content)
    ]
    retry = thread_request("threads.retry_after_item", thread_id, item_id=message.id)
    await fine(await client.send(retry))
    # An answer that fails before its first word.
    model.refuse_next(ApiError(401, "no"))
    assert (await client.add(thread_id, "hello")).errors
    await fine(await client.add(thread_id, "hello"))
    # Stop, in the middle of the words behind a call.
    model.play(Step(text="One moment.", calls=(call("list_tickets"),)))
    model.hold(after_words=4)
    async with client.stream(add_request(thread_id, STORY)) as stream:
        await stream.until(lambda frame: delta_of(frame))
        await model.until(lambda: model.held_streams == 1)
        await client.http.post(f"/api/chatkit/threads/{thread_id}/stop")
        model.release()
        await stream.rest()
    await fine(await client.add(thread_id, "hello"))
    # A question that waits, one that is answered, and a message after each.
    asked = await fine(await client.add(thread_id, delete_all(ids["printer"], ids["login"])))
    question = the_question(asked)
    await fine(await client.add(thread_id, "hello"))
    await fine(await client.send(answer_request(question, ["Delete them"])))
    assert "printer" not in str(await tickets(client))
    await fine(await client.add(thread_id, "thanks"))
    # An answer with words, calls, and more of each.
    model.play(Step(text="One moment.", calls=(call("list_tickets"), call("list_tickets"))))
    model.play(Step(text="And once more.", calls=(call("list_tickets"),)), Step(text="There."))
    await fine(await client.add(thread_id, "look three times"))
    await fine(await client.add(thread_id, "thanks"))
    return thread_id


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name not in ITEMS_ONLY])
async def test_a_strict_provider_takes_whatever_has_been(
    name: str,
    system: LocalSystem,
    chat_settings: ChatSettings,
    person: MakePerson,
    model: ScriptedModelServer,
    tickets: TicketList,
) -> None:
    manners = PROVIDERS[name]
    async with talking(system, chat_settings, person, manners, "chat_completions") as talk:
        await odd_history(system, talk, model, tickets)
        assert len(talk.provider.refusals) == LEARNT.get(name, 0), talk.provider.refusals
        assert len(talk.provider.requests) > 20


@pytest.mark.parametrize(
    "name", ["Qwen on llama.cpp", "vLLM with a template of Mistral's", *ITEMS_ONLY]
)
async def test_a_strict_provider_takes_it_as_items_too(
    name: str,
    system: LocalSystem,
    chat_settings: ChatSettings,
    person: MakePerson,
    model: ScriptedModelServer,
    tickets: TicketList,
) -> None:
    async with talking(system, chat_settings, person, PROVIDERS[name], "responses") as talk:
        await odd_history(system, talk, model, tickets)
        assert len(talk.provider.refusals) == LEARNT.get(name, 0), talk.provider.refusals
        assert talk.provider.requests[0]["input"]


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name not in ITEMS_ONLY])
def test_the_imitation_refuses(name: str) -> None:
    """A history as it could be before it was made fit."""
    provider = StrictProvider(PROVIDERS[name])
    made = {"id": "x" * 43, "function": {"name": "f", "arguments": '"milk"'}}
    odd: list[dict[str, Any]] = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "\ud83d"}]},
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": made["id"], "content": "{}"},
        {"role": "developer", "content": "stopped"},
        {"role": "user", "content": "2"},
    ]
    for rule in provider.manners.rules:
        if rule.__name__ not in ("pairs", "unique_ids", "alternates", "takes_turns", "rule"):
            broken = [m for m in odd if rule.__name__ == "knows_roles" or m["role"] != "developer"]
            if rule.__name__ == "system_first":
                broken = [*odd[:4], {"role": "system", "content": "n"}]
            assert rule(provider, {"messages": broken}, broken), rule.__name__
    turns = [odd[0], odd[1], odd[1]]
    orphan = [odd[0], odd[3]]
    twice = [odd[0], odd[2], odd[3], odd[2], odd[3]]
    for history in (turns, orphan, twice):
        assert provider.refusal({"messages": history}) or name == "OpenAI"


async def test_what_was_sent_is_sent_the_same_way_again(
    system: LocalSystem, chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer
) -> None:
    """The beginning of each request is the one before it: a provider's cache stays good."""
    async with talking(
        system, chat_settings, person, PROVIDERS["Moonshot"], "chat_completions"
    ) as talk:
        looks = (call("list_tickets"), call("list_tickets"))
        model.play(Step(text="Moment.", calls=looks), Step(calls=looks[:1]), Step(text="There."))
        thread_id = (await fine(await talk.client.create("look"))).thread_id
        model.refuse_next(ApiError(401, "no"), after=1)
        assert (await talk.client.add(thread_id, open_all("mouse"))).errors
        await fine(await talk.client.add(thread_id, "hello"))
        await fine(await talk.client.add(thread_id, SHOW))
        sent = [request["messages"] for request in talk.provider.requests]
        assert len(sent) == 8
        for before, after in pairwise(sent):
            assert after[: len(before)] == before
        assert [request["tools"] for request in talk.provider.requests] == [
            talk.provider.requests[0]["tools"]
        ] * len(sent)


async def test_a_thread_that_was_poisoned_heals(
    system: LocalSystem, chat_settings: ChatSettings, person: MakePerson
) -> None:
    """As it was stored by earlier releases: long ids, one of them twice, no object, no output."""
    manners = PROVIDERS["Mistral"]
    async with talking(system, chat_settings, person, manners, "chat_completions") as talk:
        thread_id = (await fine(await talk.client.create("hello"))).thread_id
        record = ToolRecord("call_run_" + "0" * 40, "list_tickets", {}, "{}", failed=False)
        item = memory(thread_id, [record, record])
        content: Mapping[str, Any] = item.content
        content["calls"][0]["arguments"] = '"milk"'
        content["calls"][1]["arguments"] = '{"query": "\\ud83d"'
        caller = Caller(user_id=talk.client.user_id)
        await talk.chat.services.store.add_thread_item(thread_id, item, caller)
        await fine(await talk.client.add(thread_id, "hello"))
        assert len(talk.provider.refusals) == LEARNT["Mistral"]
        assert sum("tool_calls" in m for m in talk.provider.requests[-1]["messages"]) == 2


def test_the_imitation_refuses_calls_without_their_reasoning() -> None:
    provider = StrictProvider(PROVIDERS["gpt-oss on vLLM"], thoughts={"call_1": "rs_1"})
    user = {"type": "message", "role": "user", "content": "1"}
    thought = {"type": "reasoning", "id": "rs_1"}
    made = {"type": "function_call", "call_id": "call_1", "arguments": "{}"}
    told = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
    for given, refused in (
        ([user, thought, made, told], False),
        ([user, made, told], True),
        ([user, made, told, thought], True),
    ):
        body = {"instructions": "s", "input": given}
        assert bool(provider.refusal(body)) is refused
