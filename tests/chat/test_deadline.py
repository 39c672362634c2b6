"""The function's deadline: whatever hangs, the client is told before Lambda cuts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatkit.types import AssistantMessageItem, WorkflowItem

from sidestream.local.emulator import FunctionUrl
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from tests.chat.client import Client, create_request, thread_request, words
from tests.chat.conftest import MakePerson, Rows, TicketList
from tests.chat.endings import endings
from tests.chat.fault_proxy import FaultProxy, Way
from tests.chat.steps import answer_request, the_question
from tests.chat.variants import chat_function
from tests.tickets import SHOW, delete_all, open_all, open_tickets

STORY = "Tell me a story of 60 words"
TIMEOUT_S = 6


@asynccontextmanager
async def hurried(system: LocalSystem, **settings: str) -> AsyncIterator[FunctionUrl]:
    """A chat that has six seconds, and ends its runs four seconds before."""
    async with chat_function(
        system, timeout_s=TIMEOUT_S, DEADLINE_MARGIN_S="4", **settings
    ) as function:
        yield function
        run = next(one for one in function.invocations if one.method == "POST")
        assert run.status == 200
        assert run.error_type is None
        assert run.duration_ms < TIMEOUT_S * 1000


async def test_slow_answer_is_saved_and_ended(
    system: LocalSystem, person: MakePerson, model: ScriptedModelServer, rows: Rows
) -> None:
    model.hold(after_words=7)
    async with (
        hurried(system) as function,
        Client(function.url, person(language="ur").token) as client,
    ):
        closed_early = model.closed_early
        answer = await client.create(STORY)
        await model.until(lambda: model.closed_early == closed_early + 1)
        model.release()
        assert len(answer.text.split()) == 7
        [error] = answer.errors
        assert (error.code, error.allow_retry) == ("custom", True)
        assert error.message
        assert "too long" in error.message
        assert answer.frames[-1] == error
        [_, message] = items = await client.items(answer.thread_id)
        assert isinstance(message, AssistantMessageItem)
        assert words(message) == answer.text
        assert endings(items) == ["deadline"]
        [run] = await rows("select status, error from runs where id = %s", answer.run_id)
        assert (run["status"], run["error"]) == ("failed", {"code": "deadline"})

        retry = thread_request(
            "threads.retry_after_item",
            answer.thread_id,
            item_id=(await client.items(answer.thread_id))[0].id,
        )
        again = await client.send(retry)
        assert not again.errors
        assert len(again.text.split()) == 60
        assert endings(await client.items(answer.thread_id)) == []


async def test_tool_that_hangs(
    system: LocalSystem, person: MakePerson, tickets: TicketList, rows: Rows
) -> None:
    """The call reaches the tool server, and its answer never comes back."""
    async with (
        FaultProxy(system.tools.url) as proxy,
        hurried(system, TOOLS_MCP_URL=f"{proxy.url}/mcp") as function,
        Client(function.url, person().token) as client,
    ):
        proxy.hold(Way.DOWN)
        answer = await client.create(open_all("printer"))
        [error] = answer.errors
        assert error.allow_retry
        [trace] = [
            item for item in await client.items(answer.thread_id) if isinstance(item, WorkflowItem)
        ]
        [task] = trace.workflow.tasks
        assert task.status_indicator == "complete"
        assert "did not work" in str(task.model_dump()["title"])
        assert "Look at how things are" in str(task.model_dump()["content"])
        [run] = await rows("select status, error from runs where id = %s", answer.run_id)
        assert (run["status"], run["error"]) == ("failed", {"code": "deadline"})
        assert [ticket["subject"] for ticket in await tickets(client)] == ["printer"]
        proxy.release()
        assert not (await client.add(answer.thread_id, SHOW)).errors


async def test_database_that_hangs(
    system: LocalSystem, person: MakePerson, model: ScriptedModelServer
) -> None:
    """Nothing can be saved, and the client learns of it in time."""
    async with (
        FaultProxy(system.chat.spec.env["DATABASE_URL"]) as proxy,
        hurried(system, DATABASE_URL=proxy.url) as function,
        Client(function.url, person().token) as client,
    ):
        model.hold(after_words=3)
        async with client.stream(create_request(STORY)) as stream:
            await model.until(lambda: model.held_streams == 1)
            proxy.hold(Way.DOWN)
            model.release()
            rest = await stream.rest()
        assert rest[-1].type == "error"
        assert rest[-1].allow_retry
        proxy.release()


async def test_whoever_follows_a_run_is_let_go_in_time_and_may_come_again(
    system: LocalSystem, alice: Client, model: ScriptedModelServer
) -> None:
    model.hold(after_words=4)
    async with (
        chat_function(system, timeout_s=5, DEADLINE_MARGIN_S="4") as function,
        Client(function.url, alice.token) as follower,
        alice.stream(create_request(STORY)) as stream,
    ):
        await model.until(lambda: model.held_streams == 1)
        first = await follower.replay(stream.run_id, after=2)
        assert first.status == 200
        assert [one.error_type for one in function.invocations] == [None]
        assert not first.errors
        seen = 2 + len(first.frames)
        model.release()
        whole, second = await asyncio.gather(stream.rest(), follower.replay(stream.run_id, seen))
    assert [*first.frames, *second.frames] == whole[2:]


async def test_deletions_after_an_answer_that_hang(
    system: LocalSystem, person: MakePerson, rows: Rows
) -> None:
    """What was done is saved, and what nobody knows of is told."""
    async with (
        FaultProxy(system.tools.url) as proxy,
        hurried(system, TOOLS_MCP_URL=f"{proxy.url}/mcp") as function,
        Client(function.url, person().token) as client,
    ):
        ids = await open_tickets(system, client, "printer", "login")
        asked = the_question(await client.create(delete_all(*ids.values())))
        proxy.hold(Way.DOWN)
        answer = await client.send(answer_request(asked, ["Delete them"]))
        proxy.release()
        [error] = answer.errors
        assert error.allow_retry
        saved = await client.items(asked.thread_id)
        assert saved[-2] == answer.done(WorkflowItem)[-1]
        assert endings(saved[-1:]) == ["deadline"]
        assert isinstance(saved[-2], WorkflowItem)
        assert [task.model_dump()["title"] for task in saved[-2].workflow.tasks] == [
            "Delete a ticket: did not work"
        ]
        [run] = await rows("select status, error from runs where id = %s", answer.run_id)
        assert (run["status"], run["error"]) == ("failed", {"code": "deadline"})
