"""Stop: from wherever it comes, the model is let go of and everything written so far stays."""

import asyncio

import httpx2
import pytest
from chatkit.types import (
    AssistantMessageItem,
    ThreadItemDoneEvent,
    UserMessageItem,
    WorkflowItem,
)
from pydantic import HttpUrl

from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.chat.client import Client, add_request, create_request, delta_of, words
from tests.chat.conftest import MakePerson, Rows, TicketList, UvicornChat, under_uvicorn
from tests.chat.endings import endings
from tests.chat.fault_proxy import FaultProxy, Way
from tests.chat.steps import (
    action_request,
    answer_request,
    row_action,
    the_question,
    the_widget,
)
from tests.tickets import SHOW, delete_all, open_all, open_tickets

STORY = "Tell me a story of 60 words"


async def stop(client: Client, thread_id: str) -> httpx2.Response:
    return await client.http.post(f"/api/chatkit/threads/{thread_id}/stop")


async def test_stop_from_another_environment(
    alice: Client, model: ScriptedModelServer, rows: Rows
) -> None:
    """The environment that answers is busy, so Stop reaches another one."""
    model.hold(after_words=5)
    closed_early = model.closed_early
    async with alice.stream(create_request(STORY)) as stream:
        await stream.until(lambda frame: delta_of(frame))
        await model.until(lambda: model.held_streams == 1)
        answer = await stop(alice, stream.thread_id)
        assert answer.status_code == 202
        assert answer.json() == {"run_id": stream.run_id, "status": "stopping"}
        rest = await stream.rest()
    await model.until(lambda: model.closed_early == closed_early + 1)
    model.release()
    [message] = [
        frame.item
        for frame in rest
        if isinstance(frame, ThreadItemDoneEvent) and isinstance(frame.item, AssistantMessageItem)
    ]
    assert len(words(message).split()) == 5
    assert not [frame for frame in rest if frame.type == "error"]
    saved = await alice.items(stream.thread_id)
    assert [type(item) for item in saved] == [UserMessageItem, AssistantMessageItem]
    assert saved[1] == message
    assert endings(saved) == ["stopped"]
    [run] = await rows(
        "select status, ended_at, input_tokens, output_tokens from runs where id = %s",
        stream.run_id,
    )
    assert run["status"] == "stopped"
    assert run["ended_at"] is not None
    # The model never said what it used: stopping is no way around the day's budget.
    assert run["input_tokens"] > 0
    assert run["output_tokens"] > 0

    following = await alice.add(stream.thread_id, "hello")
    assert following.text
    assert not following.errors
    told = str(model.requests[-1].body["input"])
    assert words(message) in told
    assert told.count("stopped the answer") == 1


async def test_stop_reaches_another_process(
    uvicorn_chat: UvicornChat, person: MakePerson, model: ScriptedModelServer
) -> None:
    """The run lives under uvicorn, the request to stop it comes to the function."""
    elsewhere = person()
    model.hold(after_words=3)
    async with Client(uvicorn_chat.url, elsewhere.token) as client:
        async with client.stream(create_request(STORY)) as stream:
            await model.until(lambda: model.held_streams == 1)
            assert (await stop(elsewhere, stream.thread_id)).status_code == 202
            await stream.rest()
        model.release()
        [_, message] = await client.items(stream.thread_id)
        assert isinstance(message, AssistantMessageItem)
        assert len(words(message).split()) == 3


async def test_stop_within_the_process_that_runs_it(
    uvicorn_chat: UvicornChat, person: MakePerson, model: ScriptedModelServer
) -> None:
    model.hold(after_words=2)
    async with Client(uvicorn_chat.url, person().token) as client:
        async with client.stream(create_request(STORY)) as stream:
            await model.until(lambda: model.held_streams == 1)
            assert (await stop(client, stream.thread_id)).status_code == 202
            await stream.rest()
        model.release()
        assert (await stop(client, stream.thread_id)).status_code == 404


async def test_stop_before_the_first_word(
    alice: Client, model: ScriptedModelServer, rows: Rows
) -> None:
    model.hold(after_words=0)
    async with alice.stream(create_request(STORY)) as stream:
        await model.until(lambda: model.held_streams == 1)
        await stop(alice, stream.thread_id)
        await stream.rest()
    model.release()
    assert [item.type for item in await alice.items(stream.thread_id)] == ["user_message"]
    assert not (await alice.add(stream.thread_id, "hello")).errors
    assert "stopped the answer before it began" in str(model.requests[-1].body["input"])
    [run] = await rows("select status from runs where id = %s", stream.run_id)
    assert run["status"] == "stopped"


async def test_stop_after_tool_calls_tells_their_effect(
    alice: Client, model: ScriptedModelServer, tickets: TicketList
) -> None:
    """The tickets are already opened when Stop comes; trace, memory and list say so."""
    model.hold(after_words=1)
    async with alice.stream(create_request(open_all("printer", "login"))) as stream:
        await model.until(lambda: model.held_streams == 1)
        await stop(alice, stream.thread_id)
        await stream.rest()
    model.release()
    assert sorted(ticket["subject"] for ticket in await tickets(alice)) == ["login", "printer"]
    [trace] = [
        item for item in await alice.items(stream.thread_id) if isinstance(item, WorkflowItem)
    ]
    assert [task.status_indicator for task in trace.workflow.tasks] == ["complete", "complete"]
    assert endings(await alice.items(stream.thread_id)) == ["stopped"]
    await alice.add(stream.thread_id, "hello")
    told = model.requests[-1].body["input"]
    calls = [item for item in told if item.get("type") == "function_call"]
    outputs = [item for item in told if item.get("type") == "function_call_output"]
    assert [call["name"] for call in calls] == ["add_ticket", "add_ticket"]
    assert [call["call_id"] for call in calls] == [output["call_id"] for output in outputs]


@pytest.mark.parametrize("where", ["nothing", "finished", "foreign", "unknown"])
async def test_stop_of_nothing_is_404(
    alice: Client, bob: Client, model: ScriptedModelServer, where: str
) -> None:
    thread_id = new_id("thr")
    if where in {"finished", "nothing"}:
        thread_id = (await alice.create("hello")).thread_id
    if where == "foreign":
        model.hold()
        async with bob.stream(create_request(STORY)) as stream:
            await model.until(lambda: model.held_streams == 1)
            answer = await stop(alice, stream.thread_id)
            model.release()
            rest = await stream.rest()
        assert len([frame for frame in rest if delta_of(frame)]) > 50
    else:
        answer = await stop(alice, thread_id)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_stop_twice_is_one_stop(alice: Client, model: ScriptedModelServer) -> None:
    model.hold(after_words=4)
    async with alice.stream(create_request(STORY)) as stream:
        await model.until(lambda: model.held_streams == 1)
        answers = await asyncio.gather(*(stop(alice, stream.thread_id) for _ in range(3)))
        await stream.rest()
    model.release()
    assert {answer.status_code for answer in answers} <= {202, 404}
    assert 202 in {answer.status_code for answer in answers}
    assert len(await alice.items(stream.thread_id)) == 2


async def test_the_thread_takes_no_other_message_until_the_run_has_ended(
    alice: Client, model: ScriptedModelServer
) -> None:
    model.hold()
    async with alice.stream(create_request(STORY)) as stream:
        await model.until(lambda: model.held_streams == 1)
        refused = await alice.send(add_request(stream.thread_id, "hello"))
        assert refused.status == 409
        assert refused.problem["code"] == "run_in_progress"
        assert int(refused.headers["retry-after"]) >= 1
        await stop(alice, stream.thread_id)
        await stream.rest()
    model.release()
    assert (await alice.send(add_request(stream.thread_id, "hello"))).text


@pytest.mark.parametrize("answers", [True, False], ids=["answered", "unanswered"])
async def test_stop_during_a_tool_call(
    chat_settings: ChatSettings,
    person: MakePerson,
    model: ScriptedModelServer,
    tickets: TicketList,
    monkeypatch: pytest.MonkeyPatch,
    answers: bool,
) -> None:
    """What the call did is told; and when nobody knows, that is."""
    monkeypatch.setattr("sidestream.chat.tools.calls.TOOLS_GRACE_S", 20.0 if answers else 0.2)
    async with FaultProxy(str(chat_settings.tools_mcp_url)) as proxy:
        settings = chat_settings.model_copy(update={"tools_mcp_url": HttpUrl(proxy.url)})
        async with under_uvicorn(settings) as chat, Client(chat.url, person().token) as client:
            proxy.hold(Way.DOWN)
            async with client.stream(create_request(open_all("printer"))) as stream:
                await proxy.held(Way.DOWN)
                assert (await stop(client, stream.thread_id)).status_code == 202
                if answers:
                    proxy.release()
                rest = await stream.rest()
            proxy.release()
            assert not [frame for frame in rest if frame.type == "error"]
            [_, trace, ending] = await client.items(stream.thread_id)
            assert isinstance(trace, WorkflowItem)
            assert isinstance(ending, AssistantMessageItem)
            assert (words(ending), endings([ending])) == ("", ["stopped"])
            [task] = [task.model_dump() for task in trace.workflow.tasks]
            assert task["status_indicator"] == "complete"
            assert task["content"] == "printer" or "Look at how things are" in task["content"]
            assert ("did not work" in task["title"]) is not answers
            assert [ticket["subject"] for ticket in await tickets(client)] == ["printer"]
            assert not (await client.add(stream.thread_id, "hello")).errors
            told = str(model.requests[-1].body["input"])
            assert ("Look at how things are before" in told) is not answers
            assert "stopped the answer" in told


@pytest.mark.parametrize("run", ["after the answer to a question", "at the end", "of a widget"])
async def test_stop_during_a_call_of_our_own(
    system: LocalSystem,
    chat_settings: ChatSettings,
    person: MakePerson,
    tickets: TicketList,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
    run: str,
) -> None:
    """Calls that no model asked for just now are given up as well, and told."""
    monkeypatch.setattr("sidestream.chat.tools.calls.TOOLS_GRACE_S", 0.2)
    async with FaultProxy(str(chat_settings.tools_mcp_url)) as proxy:
        settings = chat_settings.model_copy(update={"tools_mcp_url": HttpUrl(proxy.url)})
        async with under_uvicorn(settings) as chat, Client(chat.url, person().token) as client:
            ids = await open_tickets(system, client, "printer", "login")
            if run == "after the answer to a question":
                asked = the_question(await client.create(delete_all(*ids.values())))
                request = answer_request(asked, ["Delete them"])
                proxy.hold(Way.DOWN)
            elif run == "of a widget":
                shown = await client.create(SHOW)
                widget = the_widget(shown)
                delete = row_action(widget, "printer", "ticket.delete")
                request = action_request(shown.thread_id, widget.id, delete)
                proxy.hold(Way.DOWN)
            else:
                request = create_request(delete_all(ids["printer"]))
                system.model.hold(after_words=1)
            async with client.stream(request) as stream:
                if run == "at the end":
                    await system.model.until(lambda: system.model.held_streams == 1)
                    proxy.hold(Way.DOWN)
                    system.model.release()
                await proxy.held(Way.DOWN)
                thread_id = request["params"].get("thread_id") or stream.thread_id
                assert (await stop(client, thread_id)).status_code == 202
                rest = await stream.rest()
            [row] = await rows("select status from runs where id = %s", stream.run_id)
            assert row["status"] == "stopped"
            assert not [frame for frame in rest if frame.type == "error"]
            proxy.release()
            saved = await client.items(thread_id)
            assert endings(saved) == ([] if run == "of a widget" else ["stopped"])
            if run != "of a widget":
                traces = [item for item in saved if isinstance(item, WorkflowItem)]
                [*_, task] = [task.model_dump() for task in traces[-1].workflow.tasks]
                assert task["title"] == "Delete a ticket: did not work"
                assert "Look at how things are" in task["content"]
            assert not (await client.add(thread_id, "hello")).errors
            told = str(system.model.requests[-1].body["input"])
            assert "Look at how things are before" in told
            assert len(await tickets(client)) == 1
