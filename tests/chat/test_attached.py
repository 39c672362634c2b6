"""Further MCP servers: their tools beside the domain's, in the whole system."""

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import jwt
import pytest
from chatkit.types import ClientEffectEvent

from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step, ToolRequest
from sidestream.local.ports import free_port
from sidestream.local.system import LocalSystem
from sidestream.mcp_server import McpServer
from sidestream.store.ids import new_id
from tests.chat.client import Client, Document
from tests.chat.conftest import under_uvicorn
from tests.chat.data import data_in
from tests.chat.mcp_servers import Library, at
from tests.chat.steps import answer_request, asked, lines, the_question
from tests.chat.variants import chat_function

NOBODY = "the-secret-of-a-server-that-nobody-has"


def call(name: str, **arguments: Any) -> Step:
    return Step(calls=(ToolRequest(name, arguments),))


def offered(model: ScriptedModelServer) -> dict[str, Document]:
    """The tools that the model was offered with its newest request."""
    return {tool["name"]: tool for tool in model.requests[-1].body["tools"]}


def outputs(model: ScriptedModelServer) -> Sequence[str]:
    """The results of calls that the model was told of with its newest request."""
    told = model.requests[-1].body["input"]
    return [item["output"] for item in told if item.get("type") == "function_call_output"]


def entry(url: str, **changes: Any) -> dict[str, Any]:
    return {"name": "library", "url": url, **changes}


def setting(url: str, **changes: Any) -> str:
    return json.dumps([entry(url, **changes)])


async def test_a_server_attached_by_setting(
    system: LocalSystem, model: ScriptedModelServer
) -> None:
    library = Library()
    token = system.token(new_id("user"))
    async with (
        at(library) as url,
        chat_function(system, MCP_SERVERS=setting(url, ask={"find_book": "never"})) as function,
        Client(function.url, token) as carol,
    ):
        listed = len(library.requests)
        model.play(call("library__find_book", title="Kim"), Step(text="On shelf 7."))
        answer = await carol.create("where is Kim?")
        assert answer.text == "On shelf 7."
        assert lines(answer) == [("library: Find book", "Kim")]
        assert library.methods()[listed:] == ["tools/call"]  # one round trip

        described = offered(model)["library__find_book"]
        assert "Find a book by its title." in described["description"]
        assert "which is not ours" in described["description"]
        assert described["parameters"]["required"] == ["title"]
        assert "add_ticket" in offered(model)

        model.play(Step(text="As I said."))
        await carol.add(answer.thread_id, "and again?")
        [output] = outputs(model)
        assert json.loads(data_in(output))["shelf"] == 7

        # What may destroy is asked about, and the person sees what it is given.
        model.play(call("library__burn_book", title="Emma"))
        answer = await carol.create("burn Emma")
        question = the_question(answer)
        words, options = asked(question)
        assert "library: Burn book: Emma" in words
        assert library.burnt == []
        model.play(Step(text="It is gone."))
        answer = await carol.send(answer_request(question, options[:1]))
        assert library.burnt == ["Emma"]
        assert lines(answer) == [("library: Burn book", "Emma")]
        effects = [frame.name for frame in answer.frames if isinstance(frame, ClientEffectEvent)]
        assert effects == ["library.changed"]
        assert all("authorization" not in headers for _method, headers in library.requests)
        assert token not in str(library.requests)


async def test_an_answer_of_no_does_nothing(
    system: LocalSystem, model: ScriptedModelServer
) -> None:
    library = Library()
    async with (
        at(library) as url,
        chat_function(system, MCP_SERVERS=setting(url)) as function,
        Client(function.url, system.token(new_id("user"))) as carol,
    ):
        model.play(call("library__find_book", title="Kim"))  # unknown: it asks too
        question = the_question(await carol.create("where is Kim?"))
        model.play(Step(text="Fine."))
        await carol.send(answer_request(question, asked(question)[1][1:]))
        assert "tools/call" not in library.methods()


async def test_one_that_goes_down_fails_only_its_calls(
    system: LocalSystem,
    model: ScriptedModelServer,
    chat_settings: ChatSettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with AsyncExitStack() as stack:
        async with at(Library()) as url:
            servers = (McpServer.model_validate(entry(url, ask="never")),)
            chat = await stack.enter_async_context(
                under_uvicorn(chat_settings.model_copy(update={"mcp_servers": servers}))
            )
        carol = await stack.enter_async_context(Client(chat.url, system.token(new_id("user"))))
        model.play(
            call("library__find_book", title="Kim"),
            call("add_ticket", subject="Look for Kim"),
            Step(text="The library does not answer. I put it on your list."),
        )
        answer = await carol.create("where is Kim?")
        assert [title for title, _content in lines(answer)] == [
            "library: Find book: did not work",
            "Open a ticket",
        ]
        assert answer.errors == []
        assert outputs(model)[0].startswith("The service behind this did not answer.")
        assert "MCP server library: connection refused" in caplog.messages


async def test_one_that_is_down_at_start_costs_only_its_tools(
    system: LocalSystem, model: ScriptedModelServer, chat_settings: ChatSettings
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    servers = (McpServer.model_validate(entry(url, ask="never")),)
    async with (
        under_uvicorn(chat_settings.model_copy(update={"mcp_servers": servers})) as chat,
        Client(chat.url, system.token(new_id("user"))) as carol,
    ):
        model.play(call("add_ticket", subject="Milk"), Step(text="It is open."))
        answer = await carol.create("open one about milk")
        assert lines(answer) == [("Open a ticket", "Milk")]
        assert not any(name.startswith("library__") for name in offered(model))
        note = "The tools of library cannot be used right now."
        assert note in model.requests[-1].body["instructions"]

        # It is up again: whoever comes next finds it, once it was looked for in the background.
        [server] = chat.services.attached
        async with at(Library(), port=port):
            server._due_s = 0
            await server.looked()
            model.play(call("library__find_book", title="Kim"), Step(text="Shelf 7."))
            answer = await carol.create("where is Kim?")
            assert [title for title, _content in lines(answer)] == ["library: Find book"]
            assert note not in model.requests[-1].body["instructions"]


async def test_a_server_of_an_earlier_revision(
    system: LocalSystem, model: ScriptedModelServer
) -> None:
    library = Library(only_handshakes=True)
    async with (
        at(library) as url,
        chat_function(system, MCP_SERVERS=setting(url, ask="never")) as function,
        Client(function.url, system.token(new_id("user"))) as carol,
    ):
        assert library.methods()[:4] == [
            *("tools/list", "initialize", "notifications/initialized", "tools/list")
        ]
        before = len(library.requests)
        model.play(call("library__find_book", title="Kim"), Step(text="Shelf 7."))
        answer = await carol.create("where is Kim?")
        assert answer.text == "Shelf 7."
        assert '"shelf":7' in outputs(model)[0]
        assert library.methods()[before:] == ["tools/call"]
        assert library.requests[-1][1]["mcp-session-id"]
        assert library.requests[-1][1]["mcp-protocol-version"] == "2025-11-25"


@pytest.mark.parametrize("auth", ["bearer", "user"])
async def test_what_it_gets_to_know_of_the_person(
    system: LocalSystem, model: ScriptedModelServer, auth: str
) -> None:
    library, token = Library(), system.token(new_id("user"))
    async with (
        at(library) as url,
        chat_function(
            system,
            MCP_SERVERS=setting(url, ask="never", auth=auth),
            MCP_SERVER_SECRETS=json.dumps({"library": NOBODY}),
        ) as function,
        Client(function.url, token) as carol,
    ):
        model.play(call("library__find_book", title="Kim"), Step(text="Shelf 7."))
        await carol.create("where is Kim?")
        sent = {method: headers["authorization"] for method, headers in library.requests}
        assert set(sent) == {"tools/list", "tools/call"}
        if auth == "bearer":
            assert set(sent.values()) == {f"Bearer {NOBODY}"}
        else:
            [listed, called] = [
                jwt.decode(
                    sent[method].removeprefix("Bearer "), NOBODY, ["HS256"], audience="tasks"
                )["sub"]
                for method in ("tools/list", "tools/call")
            ]
            assert called == carol.user_id
            assert listed != carol.user_id
        assert token not in str(library.requests)
