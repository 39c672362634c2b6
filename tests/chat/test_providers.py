"""The running chat and a provider that does not keep to the book, over real HTTP and both APIs."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from chatkit.types import AssistantMessageItem, ClientEffectEvent, NoticeEvent, WorkflowItem
from pydantic import HttpUrl

from sidestream.config import ChatSettings
from tests.chat.client import Client, words
from tests.chat.conftest import MakePerson, Rows, TicketList, under_uvicorn
from tests.chat.data import data_in
from tests.chat.normalise import recordings as r
from tests.chat.normalise.test_reading import body_of
from tests.chat.provider import Body, Provider

APIS = ["responses", "chat_completions"]
SAID = "It is done."


@dataclass(frozen=True, slots=True)
class Odd:
    """A chat and its provider."""

    api: str
    url: str
    provider: Provider

    def body(self, *documents: r.Document, is_done: bool = True) -> Body:
        """A body in one piece."""
        return [body_of(documents, is_done=is_done)]

    def says(self, *pieces: str) -> Body:
        """A response of words, well ended."""
        if self.api == "chat_completions":
            return self.body(*r.words(*pieces), *r.STOP)
        return self.body(*r.spoken(0, *pieces), r.over())

    def calls(self, arguments: str, *before: str) -> Body:
        """A response with a call of `add_ticket`, behind words."""
        if self.api == "chat_completions":
            called = r.call("add_ticket", arguments, index=0, id="call_0")
            return self.body(*r.words(*before), called, *r.CALLS)
        item = r.function_call("add_ticket", arguments, "call_0")
        spoken = r.spoken(0, *before) if before else ()
        return self.body(*spoken, *r.called(1, item, arguments), r.over())

    def outputs(self) -> list[str]:
        """What tools told the model, in the last request."""
        if self.api == "chat_completions":
            messages = self.provider.requests[-1]["messages"]
            return [message["content"] for message in messages if message["role"] == "tool"]
        items = self.provider.requests[-1]["input"]
        return [item["output"] for item in items if item.get("type") == "function_call_output"]


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=APIS)
async def odd(request: pytest.FixtureRequest, chat_settings: ChatSettings) -> AsyncIterator[Odd]:
    async with Provider() as provider:
        update = {
            "model_api": request.param,
            "model_max_retries": 0,
            "openai_base_url": HttpUrl(provider.url),
        }
        async with under_uvicorn(chat_settings.model_copy(update=update)) as running:
            yield Odd(request.param, running.url, provider)


@pytest_asyncio.fixture
async def client(odd: Odd, person: MakePerson) -> AsyncIterator[Client]:
    async with Client(odd.url, person().token) as someone:
        yield someone


async def test_a_call_in_one_packet_with_words(odd: Odd, client: Client) -> None:
    """It is shown, told to the page, and remembered with the next message."""
    odd.provider.play(odd.calls(r.PRINTER, "I open it."), odd.says(SAID))
    answer = await client.create("the printer is out")
    assert answer.text == f"I open it.\n{SAID}"
    [trace] = answer.done(WorkflowItem)
    assert [task.status_indicator for task in trace.workflow.tasks] == ["complete"]
    assert len([frame for frame in answer.frames if isinstance(frame, ClientEffectEvent)]) == 1
    odd.provider.play(odd.says("Yes."))
    await client.add(answer.thread_id, "is it open?")
    [output] = odd.outputs()
    assert json.loads(data_in(output))["subject"] == "Printer is out"


async def test_calls_of_two_responses_with_one_id(
    odd: Odd, client: Client, tickets: TicketList
) -> None:
    odd.provider.play(odd.calls(r.PRINTER), odd.calls(r.DOOR), odd.says(SAID))
    answer = await client.create("two things")
    assert not answer.errors
    assert [ticket["subject"] for ticket in await tickets(client)] == [
        "Printer is out",
        "Door is stuck",
    ]
    assert len(odd.outputs()) == 2


async def test_words_that_cannot_be_kept(odd: Odd, client: Client) -> None:
    odd.provider.play(odd.says("A smile \ud83d", "\ude42, NUL \x00, half \udc00 one."))
    answer = await client.create("hello")
    assert not answer.errors
    [kept] = [
        item
        for item in await client.items(answer.thread_id)
        if isinstance(item, AssistantMessageItem)
    ]
    assert words(kept) == f"A smile {r.SMILE}, NUL \ufffd, half \ufffd one." == answer.text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"subject": "Printer', "not valid"),
        ('{"subject": NaN}', "NaN"),
        ('["subject"]', "a JSON object is needed"),
        ('{"subject": ' + '{"a": ' * 3000 + "1" + "}" * 3000 + "}", "not valid"),
    ],
    ids=["cut", "NaN", "a list", "3,000 levels deep"],
)
async def test_a_call_that_cannot_be_used(
    odd: Odd, client: Client, tickets: TicketList, arguments: str, told: str
) -> None:
    """The model is told, and goes on; the person sees that it did not work."""
    odd.provider.play(odd.calls(arguments), odd.says(SAID))
    answer = await client.create("the printer is out")
    assert not answer.errors
    assert answer.text == SAID
    [output] = odd.outputs()
    assert told in output
    assert not output.startswith("[Data ")  # a sentence of ours
    [trace] = answer.done(WorkflowItem)
    assert len(trace.workflow.tasks) == 1
    assert await tickets(client) == []
    odd.provider.play(odd.says("Yes."))
    assert not (await client.add(answer.thread_id, "again")).errors


async def test_arguments_are_taken_as_meant(odd: Odd, client: Client, tickets: TicketList) -> None:
    written = json.dumps(json.dumps({"subject": "Half \ud83d", "body": "", "priority": "HIGH"}))
    odd.provider.play(odd.calls(written), odd.says(SAID))
    answer = await client.create("the printer is out")
    assert not answer.errors
    [ticket] = await tickets(client)
    assert (ticket["subject"], ticket["priority"]) == ("Half \ufffd", "high")


@pytest.mark.parametrize("told", [9_999_999_999, -1, 4.5, "4", None, "many"], ids=str)
async def test_odd_usage_locks_nothing(odd: Odd, client: Client, rows: Rows, told: object) -> None:
    if odd.api == "chat_completions":
        body = odd.body(*r.HELLO, *r.STOP, r.usage(3, told))
    else:
        usage = {"input_tokens": 3, "output_tokens": told}
        last = r.event("completed", response={**r.response(), "usage": usage})
        body = odd.body(*r.spoken(0, "Hello ", "there."), last)
    odd.provider.play(body, odd.says(SAID))
    answer = await client.create("hello")
    assert (answer.text, answer.errors) == ("Hello there.", [])
    [run] = await rows("select * from runs where id = %s", answer.run_id)
    assert run["status"] == "completed"
    assert 0 < run["output_tokens"] < 1000
    assert (await client.add(answer.thread_id, "again")).text == SAID


async def test_an_answer_that_says_nothing(odd: Odd, client: Client, rows: Rows) -> None:
    odd.provider.play(odd.says("\n\n"), odd.says(SAID))
    answer = await client.create("hello")
    [error] = answer.errors
    assert error.allow_retry
    [run] = await rows("select status, error from runs where id = %s", answer.run_id)
    assert (run["status"], run["error"]) == ("failed", {"code": "model_silent"})
    assert [item.type for item in await client.items(answer.thread_id)] == ["user_message"]


async def test_silence_behind_a_call_is_no_failure(
    odd: Odd, client: Client, tickets: TicketList
) -> None:
    odd.provider.play(odd.calls(r.PRINTER), odd.says(""))
    answer = await client.create("the printer is out")
    assert not answer.errors
    assert len(await tickets(client)) == 1


@pytest.mark.parametrize("broken", [b"data: {oops\n\n", b"data: 7\n\n"], ids=["JSON", "object"])
async def test_nonsense_is_the_models_failure(
    odd: Odd, client: Client, rows: Rows, broken: bytes
) -> None:
    odd.provider.play([broken])
    answer = await client.create("hello")
    [run] = await rows("select status, error from runs where id = %s", answer.run_id)
    assert run["error"] == {"code": "model_unavailable"}
    assert answer.errors[0].allow_retry


async def test_a_connection_that_breaks_behind_words(odd: Odd, client: Client, rows: Rows) -> None:
    documents = r.HELLO if odd.api == "chat_completions" else r.spoken(0, "Hello ", "there.")[:-1]
    odd.provider.play(odd.body(*documents, is_done=False), cut=True)
    answer = await client.create("hello")
    assert answer.text == "Hello there."
    [run] = await rows("select status, error from runs where id = %s", answer.run_id)
    assert run["error"] == {"code": "model_cut"}


async def test_a_length_cut_within_a_call(odd: Odd, client: Client, tickets: TicketList) -> None:
    if odd.api == "chat_completions":
        called = r.call("add_ticket", '{"subject": "Prin', index=0, id="c1")
        body = odd.body(*r.HELLO, called, r.chunk({}, "length"))
    else:
        item = r.function_call("add_ticket", '{"subject": "Prin')
        reason = {"incomplete_details": {"reason": "max_output_tokens"}}
        last = r.over(kind="incomplete", status="incomplete", **reason)
        body = odd.body(*r.spoken(0, "Hello ", "there."), r.item_added(1, item), last)
    odd.provider.play(body)
    answer = await client.create("the printer is out")
    assert not answer.errors
    assert len([frame for frame in answer.frames if isinstance(frame, NoticeEvent)]) == 1
    assert await tickets(client) == []


async def test_the_connection_is_kept(odd: Odd, client: Client) -> None:
    odd.provider.play(odd.says("Hello."), odd.says(SAID))
    answer = await client.create("hello")
    before = odd.provider.connections
    await client.add(answer.thread_id, "again")
    assert odd.provider.connections == before


async def test_an_end_that_is_told_is_an_end(odd: Odd, client: Client) -> None:
    """Though neither `[DONE]` nor the end of the body comes."""
    if odd.api == "chat_completions":
        body = odd.body(*r.HELLO, *r.STOP, is_done=False)
    else:
        body = odd.body(*r.spoken(0, "Hello ", "there."), r.over(), is_done=False)
    odd.provider.play(body, open_ended=True)
    answer = await client.create("hello")
    assert (answer.text, answer.errors) == ("Hello there.", [])
