"""The tool trace through the running system: each call is seen as it happens, and stays."""

import json
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from chatkit.types import (
    AssistantMessageItem,
    ClientEffectEvent,
    CustomSummary,
    CustomTask,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)

from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step
from sidestream.local.system import LocalSystem
from tests.chat.client import Answer, Client, create_request
from tests.chat.conftest import Rows, TicketList
from tests.chat.data import data_in
from tests.chat.fold import Screen, fold
from tests.chat.variants import chat_function
from tests.store.proxy import Proxy
from tests.tickets import SHOW, change, delete_all, open_all, opening, script


def _workflow(answer: Answer) -> WorkflowItem:
    [item] = answer.done(WorkflowItem)
    return item


def _tasks(item: WorkflowItem) -> list[tuple[str | None, str | None]]:
    """The title and content of each call; every one of them has ended."""
    tasks = [task for task in item.workflow.tasks if isinstance(task, CustomTask)]
    assert len(tasks) == len(item.workflow.tasks)
    assert {task.status_indicator for task in tasks} == {"complete"}
    return [(task.title, task.content) for task in tasks]


def _updates(answer: Answer) -> list[Any]:
    return [frame.update for frame in answer.frames if isinstance(frame, ThreadItemUpdatedEvent)]


def _position(answer: Answer, kind: type[ThreadStreamEvent], nth: int = 0) -> int:
    return [n for n, frame in enumerate(answer.frames) if isinstance(frame, kind)][nth]


async def test_parallel_calls_stay_apart(alice: Client, tickets: TicketList) -> None:
    answer = await alice.create(open_all("printer", "invoice", "login"))
    added = next(f.item for f in answer.frames if isinstance(f, ThreadItemAddedEvent))
    assert isinstance(added, WorkflowItem)
    assert added.workflow.expanded
    [first] = added.workflow.tasks
    assert isinstance(first, CustomTask)
    assert (first.title, first.status_indicator) == ("Open a ticket", "loading")

    updates = _updates(answer)
    more = [update for update in updates if isinstance(update, WorkflowTaskAdded)]
    assert [update.task_index for update in more] == [1, 2]
    assert all(u.task.status_indicator == "loading" for u in more if isinstance(u.task, CustomTask))
    ended = {u.task_index: u.task for u in updates if isinstance(u, WorkflowTaskUpdated)}
    assert sorted(ended) == [0, 1, 2]

    done = _workflow(answer)
    assert done.id == added.id
    assert _tasks(done) == [("Open a ticket", title) for title in ("printer", "invoice", "login")]
    assert done.workflow.tasks == [ended[index] for index in range(3)]
    assert not done.workflow.expanded
    assert isinstance(done.workflow.summary, CustomSummary)
    assert done.workflow.summary.title == "Used 3 tools"
    assert sorted(t["subject"] for t in await tickets(alice)) == ["invoice", "login", "printer"]


async def test_identical_calls_stay_apart(alice: Client, tickets: TicketList) -> None:
    answer = await alice.create(open_all("printer", "printer"))
    ended = [u.task_index for u in _updates(answer) if isinstance(u, WorkflowTaskUpdated)]
    assert sorted(ended) == [0, 1]
    assert _tasks(_workflow(answer)) == [("Open a ticket", "printer")] * 2
    assert [ticket["subject"] for ticket in await tickets(alice)] == ["printer", "printer"]


async def test_calls_of_several_steps_are_one_trace(alice: Client) -> None:
    answer = await alice.create(script(opening("printer"), opening("login"), answer="Both."))
    assert _tasks(_workflow(answer)) == [("Open a ticket", each) for each in ("printer", "login")]
    assert _position(answer, ThreadItemDoneEvent, 1) < len(answer.frames) - 1


async def test_trace_is_saved_before_the_words(alice: Client) -> None:
    answer = await alice.create(open_all("printer"))
    items = await alice.items(answer.thread_id)
    assert [item.type for item in items] == ["user_message", "workflow", "assistant_message"]
    done = [frame.item for frame in answer.frames if isinstance(frame, ThreadItemDoneEvent)]
    assert done == items


async def test_words_after_the_call_in_one_response(
    alice: Client, model: ScriptedModelServer
) -> None:
    """The call runs when the response has ended, and its line stands where it ran."""
    calls = tuple(opening("printer"))
    model.play(Step(text="On it.", calls=calls, calls_first=True), Step(text="There."))
    answer = await alice.create(open_all("printer"))
    items = await alice.items(answer.thread_id)
    assert [item.type for item in items] == [
        "user_message",
        "assistant_message",
        "workflow",
        "assistant_message",
    ]
    assert _tasks(_workflow(answer)) == [("Open a ticket", "printer")]
    assert fold(answer.frames).texts() == Screen(items=tuple(items)).texts()


async def test_every_write_tells_the_page_once(alice: Client, tickets: TicketList) -> None:
    answer = await alice.create(open_all("printer", "invoice"))
    effects = [f for f in answer.frames if isinstance(f, ClientEffectEvent)]
    assert [(e.name, e.data) for e in effects] == [("tickets.changed", {"tool": "add_ticket"})] * 2
    assert _position(answer, ClientEffectEvent) > _position(answer, ThreadItemAddedEvent)
    [first, _] = await tickets(alice)
    for message, writes in (
        (SHOW, []),
        (change(first["id"], status="pending"), ["update_ticket"]),
        (delete_all(first["id"]), ["delete_ticket"]),
    ):
        answer = await alice.add(answer.thread_id, message)
        effects = [f for f in answer.frames if isinstance(f, ClientEffectEvent)]
        assert [effect.data["tool"] for effect in effects] == writes, message


async def test_failing_call_is_told_and_changes_nothing(alice: Client, tickets: TicketList) -> None:
    answer = await alice.create(open_all("x" * 201))
    [(title, content)] = _tasks(_workflow(answer))
    assert title == "Open a ticket: did not work"
    assert content
    assert not any(isinstance(frame, ClientEffectEvent) for frame in answer.frames)
    assert not answer.errors
    assert answer.text
    assert await tickets(alice) == []
    assert await alice.items(answer.thread_id) == answer.done(object)


async def test_unreachable_tools_are_told(alice: Client, system: LocalSystem) -> None:
    async with (
        chat_function(system, TOOLS_MCP_URL="http://127.0.0.1:9/mcp") as function,
        Client(function.url, alice.token) as client,
    ):
        answer = await client.create(open_all("printer", "invoice"))
        assert [title for title, _ in _tasks(_workflow(answer))] == [
            "Open a ticket: did not work"
        ] * 2
        assert not answer.errors
        assert answer.text
        run = (await client.request("GET", f"/api/chatkit/threads/{answer.thread_id}/run")).json()
        assert run["status"] == "completed"


async def test_call_is_seen_while_it_is_under_way(alice: Client, system: LocalSystem) -> None:
    async with Proxy(system.tools.url) as mcp:
        url = f"http://127.0.0.1:{urlsplit(mcp.url).port}/mcp"
        async with (
            chat_function(system, TOOLS_MCP_URL=url) as function,
            Client(function.url, alice.token) as client,
        ):
            mcp.silence()
            async with client.stream(create_request(open_all("printer"))) as stream:
                frame = await stream.until(lambda f: isinstance(f, ThreadItemAddedEvent))
                assert isinstance(frame, ThreadItemAddedEvent)
                assert isinstance(frame.item, WorkflowItem)
                [task] = frame.item.workflow.tasks
                assert isinstance(task, CustomTask)
                assert task.status_indicator == "loading"
                mcp.speak()
                assert await stream.until(lambda f: isinstance(f, ClientEffectEvent))
                await stream.rest()


async def test_next_turn_remembers_the_calls_as_calls(
    alice: Client, model: ScriptedModelServer
) -> None:
    first = await alice.create(open_all("printer", "invoice"))
    await alice.add(first.thread_id, "hello")
    given = model.requests[-1].body["input"]
    kinds = [item.get("type") or item["role"] for item in given]
    assert kinds.count("function_call") == kinds.count("function_call_output") == 2
    calls = {i["call_id"]: i for i in given if i.get("type") == "function_call"}
    outputs = {i["call_id"]: i for i in given if i.get("type") == "function_call_output"}
    assert calls.keys() == outputs.keys()
    for call_id, call in calls.items():
        subject = json.loads(call["arguments"])["subject"]
        assert json.loads(data_in(outputs[call_id]["output"]))["subject"] == subject
    users = [item for item in given if item.get("role") == "user"]
    assert len(users) == 2  # what a tool said is never among the person's words


async def test_hidden_items_never_leave(alice: Client, rows: Rows) -> None:
    first = await alice.create(open_all("printer", "invoice"))
    second = await alice.add(first.thread_id, SHOW)
    saved = await rows("select id, type from thread_items where user_id = %s", alice.user_id)
    counts = Counter(row["type"] for row in saved)
    assert counts["hidden_context_item"] == 2
    hidden = [row["id"] for row in saved if row["type"] == "hidden_context_item"]

    reads = [first, second, await alice.replay(first.run_id), await alice.replay(second.run_id)]
    for kind in ("threads.get_by_id", "items.list"):
        reads.append(await alice.send({"type": kind, "params": {"thread_id": first.thread_id}}))
    reads.append(await alice.send({"type": "threads.list", "params": {}}))
    for answer in reads:
        assert answer.status == 200
        body = answer.body.decode()
        assert "hidden_context" not in body
        assert not any(item_id in body for item_id in hidden)
    shown = await alice.items(first.thread_id)
    assert len(shown) == len(saved) - len(hidden)
    assert [type(item) for item in shown].count(AssistantMessageItem) == 2
