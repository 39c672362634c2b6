"""An adopter's own functions: traced, remembered and guarded like the domain's tools."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from agents import function_tool, tool_input_guardrail
from chatkit.types import ClientEffectEvent

from sidestream.chat.tools.functions import FunctionTools
from sidestream.config import ChatSettings
from sidestream.domain import Ask, Domain, DomainError, Tool
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step, ToolRequest
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.chat.client import Client, Document
from tests.chat.conftest import under_uvicorn
from tests.chat.data import data_in
from tests.chat.steps import answer_request, asked, lines, rows_shown, the_question, the_widget
from tests.chat.with_functions import functions
from tests.tickets import DOMAIN


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chat_url(chat_settings: ChatSettings) -> AsyncIterator[str]:
    settings = chat_settings.model_copy(update={"domain": "tests.chat.with_functions"})
    async with under_uvicorn(settings) as chat:
        yield chat.url


@pytest_asyncio.fixture
async def carol(system: LocalSystem, chat_url: str) -> AsyncIterator[Client]:
    async with Client(chat_url, system.token(new_id("user"))) as client:
        yield client


def call(name: str, **arguments: Any) -> Step:
    return Step(calls=(ToolRequest(name, arguments),))


def told(model: ScriptedModelServer) -> Sequence[Document]:
    """What the model was told with its newest request."""
    conversation: list[Document] = model.requests[-1].body["input"]
    return conversation


def outputs(model: ScriptedModelServer) -> list[Any]:
    """The results of calls that the model was told of with its newest request."""
    return [item["output"] for item in told(model) if item.get("type") == "function_call_output"]


async def test_a_function_is_traced_and_remembered(
    carol: Client, model: ScriptedModelServer
) -> None:
    model.play(call("exchange_rate", currency="USD"), Step(text="280 rupees."))
    answer = await carol.create("what is a dollar?")
    assert lines(answer) == [("Look up a rate", "USD")]
    assert answer.text == "280 rupees."
    assert [frame for frame in answer.frames if isinstance(frame, ClientEffectEvent)] == []
    model.play(Step(text="As I said."))
    await carol.add(answer.thread_id, "and again?")
    [output] = outputs(model)
    assert json.loads(data_in(output)) == {"currency": "USD", "rupees": 280}


async def test_one_that_lists_shows_the_card(carol: Client, model: ScriptedModelServer) -> None:
    model.play(call("list_favourites"), Step(text="Here they are."))
    answer = await carol.create("which do I like?")
    assert rows_shown(the_widget(answer)) == [("printer", False)]


async def test_one_of_which_nothing_is_said_asks_first(
    carol: Client, model: ScriptedModelServer
) -> None:
    model.play(call("send_letter", text="Dear Sir"))
    answer = await carol.create("write to him")
    question = the_question(answer)
    words, options = asked(question)
    assert "Send letter" in words
    assert "Dear Sir" in words
    assert functions.SENT == []
    model.play(Step(text="Sent."))
    answer = await carol.send(answer_request(question, options[:1]))
    sent = list(functions.SENT)
    assert sent == [f"{carol.user_id}: Dear Sir"]
    assert lines(answer) == [("Send letter", "It is on its way.")]
    effects = [frame.name for frame in answer.frames if isinstance(frame, ClientEffectEvent)]
    assert effects == [DOMAIN.changed_event]
    functions.SENT.clear()


async def test_one_that_fails_says_so_without_the_details_for_people(
    carol: Client, model: ScriptedModelServer
) -> None:
    model.play(call("count_stamps"), Step(text="I could not."))
    answer = await carol.create("how many stamps are there?")
    assert lines(answer) == [("Count stamps: did not work", "The tool did not work.")]
    [output] = outputs(model)
    assert data_in(output).startswith("The tool did not work.\n")
    assert data_in(output).endswith("\nAsk the porter.")


async def test_the_plain_stream_shows_it(carol: Client, model: ScriptedModelServer) -> None:
    model.play(call("exchange_rate", currency="EUR"), Step(text="280 too."))
    answer = await carol.post({"message": "and a euro?"}, path=f"/api/{carol.user_id}/chat")
    assert b'"name":"exchange_rate","status":"completed"' in answer.body


async def test_a_call_of_a_tool_that_is_not_there_is_traced_and_remembered(
    carol: Client, model: ScriptedModelServer
) -> None:
    model.play(call("fly", to="Mars"), Step(text="I cannot fly."))
    answer = await carol.create("fly to Mars")
    assert lines(answer) == [("Fly: did not work", "There is no such tool at present.")]
    model.play(Step(text="I said so."))
    await carol.add(answer.thread_id, "why not?")
    [output] = outputs(model)
    assert output.startswith("There is no such tool at present.")
    [asked_for] = [item for item in told(model) if item.get("type") == "function_call"]
    assert (asked_for["name"], json.loads(asked_for["arguments"])) == ("fly", {"to": "Mars"})


class TestDeclaring:
    """What is wrong with a module of functions stops the start, with a sentence."""

    def declared(self, monkeypatch: pytest.MonkeyPatch, *pairs: Any) -> FunctionTools:
        monkeypatch.setattr(functions, "FUNCTIONS", pairs)
        return FunctionTools(replace(DOMAIN, functions=functions.__name__))

    def test_there_are_none_unless_they_are_named(self) -> None:
        assert FunctionTools(DOMAIN).tools() == {}

    def test_a_module_that_is_not_there(self) -> None:
        with pytest.raises(DomainError, match=r"imported from nowhere\.at_all .*needs FUNCTIONS"):
            FunctionTools(replace(DOMAIN, functions="nowhere.at_all"))

    @pytest.mark.parametrize("pair", [functions.exchange_rate, (len, Tool()), (1, 2)])
    def test_what_is_no_function_tool(self, monkeypatch: pytest.MonkeyPatch, pair: Any) -> None:
        with pytest.raises(DomainError, match="pairs of a function tool and a Tool"):
            self.declared(monkeypatch, pair)

    def test_the_name_of_a_tool_of_the_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def add_ticket(subject: str) -> str:
            return subject

        with pytest.raises(DomainError, match="add_ticket of the domain tickets has the name of a"):
            self.declared(monkeypatch, (function_tool(add_ticket), Tool()))

    def test_guardrails_are_not_run_and_so_not_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        @tool_input_guardrail
        def never(_data: Any) -> Any:
            raise AssertionError

        @function_tool(tool_input_guardrails=[never])
        def guarded() -> str:
            return ""

        with pytest.raises(DomainError, match=r"guarded .*has guardrails, which are not run"):
            self.declared(monkeypatch, (guarded, Tool()))

    def test_approval_is_the_policys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        @function_tool(needs_approval=True)
        def approved() -> str:
            return ""

        assert self.declared(monkeypatch, (approved, Tool())).tools()["approved"].policy.ask == (
            Ask.ALWAYS
        )
        with pytest.raises(DomainError, match="approved needs approval, and its Tool never asks"):
            self.declared(monkeypatch, (approved, Tool(ask=Ask.NEVER)))

    def test_a_pack_does_not_say_of_the_servers_tools_that_they_read(self) -> None:
        domain: Domain = replace(DOMAIN, tools={**DOMAIN.tools, "add_ticket": Tool(reads=True)})
        with pytest.raises(DomainError, match="of add_ticket its server says whether it reads"):
            domain.check()
