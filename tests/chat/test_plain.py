"""The plain stream: a message in, words, tool calls and a last `done` out, for curl and scripts."""

import json
from typing import Any

import pytest
from chatkit.types import AssistantMessageItem, UserMessageItem

from sidestream.local.model import ScriptedModelServer
from tests.chat.client import Answer, Client, Document, create_request, words
from tests.chat.conftest import Rows, TicketList
from tests.tickets import delete_all, open_all


async def _say(client: Client, text: str, **more: Any) -> Answer:
    body = {"message": text, **more}
    return await client.post(body, path=f"/api/{client.user_id}/chat")


def _events(answer: Answer) -> list[tuple[str, Document]]:
    """The events by name, `message` where none is given (WHATWG HTML section 9.2.6)."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    *frames, rest = answer.body.split(b"\n\n")
    assert rest == b""
    events = []
    for frame in frames:
        *head, data = frame.decode().split("\n")
        assert data.startswith("data: ")
        assert head in ([], ["event: mcp_tool"])
        name = head[0].removeprefix("event: ") if head else "message"
        events.append((name, json.loads(data.removeprefix("data: "))))
    return events


def _text(events: list[tuple[str, Document]]) -> str:
    return "".join(data["content"] for _, data in events if data.get("type") == "chunk")


async def test_words_come_one_by_one_and_done_comes_last(alice: Client) -> None:
    answer = await _say(alice, "Tell me a story of 12 words")
    events = _events(answer)
    *chunks, (name, done) = events
    assert [data["type"] for _, data in chunks] == ["chunk"] * 12
    assert all(set(data) == {"type", "content"} for _, data in chunks)
    assert name == "message"
    assert set(done) == {"type", "thread_id", "ttft_ms"}
    assert done["type"] == "done"
    assert done["thread_id"] == answer.thread_id
    assert done["ttft_ms"] > 0
    saved = await alice.items(done["thread_id"])
    assert [words(i) for i in saved if isinstance(i, AssistantMessageItem)] == [_text(events)]


async def test_tool_calls_are_told_with_arguments_and_result(
    alice: Client, tickets: TicketList
) -> None:
    events = _events(await _say(alice, open_all("printer", "invoice")))
    tools = [data for name, data in events if name == "mcp_tool"]
    opened = await tickets(alice)
    assert all(set(tool) == {"name", "status", "arguments", "result"} for tool in tools)
    assert {(tool["name"], tool["status"]) for tool in tools} == {("add_ticket", "completed")}
    assert sorted(tool["arguments"]["subject"] for tool in tools) == ["invoice", "printer"]
    results = sorted((tool["result"] for tool in tools), key=lambda ticket: str(ticket["id"]))
    assert results == sorted(opened, key=lambda ticket: str(ticket["id"]))
    assert [name for name, _ in events[:2]] == ["mcp_tool", "mcp_tool"]
    assert events[-1][1]["type"] == "done"


async def test_failing_tool_call_is_told(alice: Client) -> None:
    events = _events(await _say(alice, open_all("x" * 201)))
    [tool] = [data for name, data in events if name == "mcp_tool"]
    assert (tool["name"], tool["status"]) == ("add_ticket", "failed")
    assert isinstance(tool["result"], str)


async def test_urdu_is_sent_as_it_is(alice: Client) -> None:
    answer = await _say(alice, open_all("پرنٹر خراب"))
    assert "پرنٹر خراب".encode() in answer.body
    assert b"\\u" not in answer.body


async def test_no_stream_has_a_character_at_which_some_clients_split(
    alice: Client, tickets: TicketList
) -> None:
    subject = "printer\u2028login\u2029and\u0085invoice"
    # Escaped where a line of the script ends at them, and as they are in the answer.
    arguments = json.dumps({"subject": subject})
    said = f"!add_ticket {arguments}\nI opened {subject}."
    plain = await _say(alice, said)
    created = await alice.create(said)
    replayed = await alice.replay(created.run_id)
    for answer in (plain, created, replayed):
        assert answer.body.decode().splitlines() == answer.body.decode().split("\n")[:-1]
    titles = [str(ticket["subject"]) for ticket in await tickets(alice)]
    told = [data["arguments"]["subject"] for name, data in _events(plain) if name == "mcp_tool"]
    assert told == titles[: len(told)]
    assert "\u2028" in "".join(told)


async def test_thread_goes_on_and_is_the_same_by_the_protocol(alice: Client) -> None:
    first = _events(await _say(alice, "My name is Sana"))
    thread_id = first[-1][1]["thread_id"]
    second = _events(await _say(alice, "What is my name?", thread_id=thread_id))
    assert "Sana" in _text(second)
    assert second[-1][1]["thread_id"] == thread_id
    asked = [i for i in await alice.items(thread_id) if isinstance(i, UserMessageItem)]
    assert [item.content[0].text for item in asked] == ["My name is Sana", "What is my name?"]
    third = await alice.add(thread_id, "What was my first message?")
    assert "My name is Sana" in third.text


async def test_protocol_is_served_on_the_same_path(alice: Client) -> None:
    path = f"/api/{alice.user_id}/chat"
    answer = await alice.send(create_request("hello"), path=path)
    assert answer.text
    listed = await alice.send({"type": "threads.list", "params": {}}, path=path)
    assert [thread["id"] for thread in listed.json()["data"]] == [answer.thread_id]


async def test_another_users_path_is_forbidden(alice: Client, bob: Client, rows: Rows) -> None:
    for body in ({"message": "hello"}, create_request("hello"), {}):
        answer = await bob.post(body, path=f"/api/{alice.user_id}/chat")
        assert answer.status == 403
        assert answer.problem["code"] == "forbidden"
    for user in (alice, bob):
        assert await rows("select id from threads where user_id = %s", user.user_id) == []


async def test_another_users_thread_is_not_there(alice: Client, bob: Client) -> None:
    thread_id = _events(await _say(alice, "My name is Alice"))[-1][1]["thread_id"]
    answer = await _say(bob, "What is my name?", thread_id=thread_id)
    assert answer.status == 404
    assert answer.problem["code"] == "not_found"
    assert len(await alice.items(thread_id)) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": None},
        {"message": 1},
        {"message": ""},
        {"message": "  "},
        {"message": "a\0b"},
        {"message": "hello", "thread_id": 1},
        {"message": "hello", "thread_id": "\0"},
        {"thread_id": "thr_x"},
        {"text": "hello"},
    ],
    ids=lambda body: ascii(body)[:40],
)
async def test_bad_message_is_invalid(alice: Client, rows: Rows, body: Document) -> None:
    answer = await alice.post(body, path=f"/api/{alice.user_id}/chat")
    assert answer.status == 422, answer.body
    assert answer.problem["code"] == "invalid"
    assert await rows("select id from threads where user_id = %s", alice.user_id) == []


async def test_failing_model_ends_in_an_error_and_done(
    alice: Client, model: ScriptedModelServer
) -> None:
    model.cut_next(after_words=2)
    events = _events(await _say(alice, "Tell me a story of 12 words"))
    kinds = [data["type"] for _, data in events]
    assert kinds == ["chunk", "chunk", "error", "done"]
    error = events[2][1]
    assert set(error) == {"type", "message", "retryable"}
    assert error["retryable"] is True
    assert error["message"]


async def test_a_question_is_said(alice: Client, tickets: TicketList) -> None:
    await _say(alice, open_all("printer", "login"))
    ids = [str(ticket["id"]) for ticket in await tickets(alice)]
    events = _events(await _say(alice, delete_all(*ids)))
    assert "Delete these 2 tickets?" in _text(events)
    assert "- Delete them" in _text(events)
    held = [data for name, data in events if name == "mcp_tool" and data["status"] == "held"]
    assert len(held) == 2
    assert not any("note" in data["result"] for data in held)
    assert len(await tickets(alice)) == 2
