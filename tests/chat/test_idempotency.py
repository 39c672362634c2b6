"""Idempotency keys: a message that is sent again is answered once."""

import asyncio
import json

import pytest

from sidestream.local.model import ScriptedModelServer
from tests.chat.client import Client, Document, add_request, create_request
from tests.chat.conftest import MakePerson, TicketList, UvicornChat
from tests.tickets import open_all

ADD = open_all("printer")


async def test_same_key_and_body_replay_the_answer(
    alice: Client, model: ScriptedModelServer, tickets: TicketList
) -> None:
    first = await alice.create(ADD, idempotency_key="one")
    asked = len(model.requests)
    again = await alice.create(ADD, idempotency_key="one")
    assert again.body == first.body
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (again.run_id, again.thread_id) == (first.run_id, first.thread_id)
    assert len(model.requests) == asked
    assert [ticket["subject"] for ticket in await tickets(alice)] == ["printer"]
    assert len(await alice.threads()) == 1


async def test_in_a_thread_too(alice: Client, tickets: TicketList) -> None:
    thread_id = (await alice.create("hello")).thread_id
    first = await alice.add(thread_id, ADD, idempotency_key="two")
    again = await alice.add(thread_id, ADD, idempotency_key="two")
    assert again.body == first.body
    assert len(await tickets(alice)) == 1
    kinds = [item.type for item in await alice.items(thread_id)]
    assert kinds.count("user_message") == 2


async def test_same_key_and_another_body_are_refused(alice: Client) -> None:
    first = await alice.create(ADD, idempotency_key="three")
    for request in (create_request("add login"), add_request(first.thread_id, ADD)):
        refused = await alice.send(request, idempotency_key="three")
        assert refused.status == 422
        assert refused.problem["code"] == "key_reused"
        assert not refused.problem["retryable"]


async def test_key_in_progress_is_refused_until_it_is_done(
    alice: Client, model: ScriptedModelServer, tickets: TicketList
) -> None:
    model.hold(after_words=1)
    async with alice.stream(create_request(ADD), idempotency_key="four") as stream:
        await model.until(lambda: model.held_streams == 1)
        refused = await alice.create(ADD, idempotency_key="four")
        assert refused.status == 409
        assert refused.problem["code"] == "key_in_progress"
        assert refused.problem["retryable"]
        assert int(refused.headers["retry-after"]) >= 1
        model.release()
        await stream.rest()
    again = await alice.create(ADD, idempotency_key="four")
    assert again.body == bytes(stream.body)
    assert len(await tickets(alice)) == 1


async def test_concurrent_duplicates_run_once(
    uvicorn_chat: UvicornChat, person: MakePerson, tickets: TicketList
) -> None:
    async with Client(uvicorn_chat.url, person().token) as client:
        sent = [client.create(ADD, idempotency_key="five") for _ in range(6)]
        answers = await asyncio.gather(*sent)
        streams = [answer for answer in answers if answer.status == 200]
        refused = [answer for answer in answers if answer.status != 200]
        assert {answer.problem["code"] for answer in refused} <= {"key_in_progress"}
        assert len({answer.run_id for answer in streams}) == 1
        assert len({answer.body for answer in streams}) == 1
        assert len(await tickets(client)) == 1
        assert len(await client.threads()) == 1


async def test_keys_of_two_people_never_meet(alice: Client, bob: Client) -> None:
    hers = await alice.create(ADD, idempotency_key="six")
    his = await bob.create("hello", idempotency_key="six")
    assert his.status == 200
    assert his.run_id != hers.run_id


async def test_without_a_key_each_is_a_message_of_its_own(
    alice: Client, tickets: TicketList
) -> None:
    await alice.create(ADD)
    await alice.create(ADD)
    assert len(await tickets(alice)) == 2


async def test_failed_answer_is_replayed_with_its_error(
    alice: Client, model: ScriptedModelServer
) -> None:
    model.fail_next(401)
    first = await alice.create("hello", idempotency_key="seven")
    assert len(first.errors) == 1
    again = await alice.create("hello", idempotency_key="seven")
    assert again.body == first.body


@pytest.mark.parametrize("key", ["with space", "k" * 256, ""])
async def test_malformed_keys_are_400(alice: Client, key: str) -> None:
    headers = {"idempotency-key": key}
    refused = await alice.http.post("/api/chatkit", json=create_request("hello"), headers=headers)
    assert refused.status_code == 400


def plain_events(body: bytes) -> list[tuple[str, Document]]:
    """The events of a plain stream, by name."""
    events = []
    for frame in body.decode().removesuffix("\n\n").split("\n\n"):
        name, _, data = frame.rpartition("data: ")
        events.append((name.strip().removeprefix("event: "), json.loads(data)))
    return events


async def test_plain_stream_is_replayed_with_its_tool_calls(
    alice: Client, tickets: TicketList
) -> None:
    path = f"/api/{alice.user_id}/chat"
    headers = {"idempotency-key": "eight"}
    first = await alice.post({"message": ADD}, path=path, headers=headers)
    again = await alice.post({"message": ADD}, path=path, headers=headers)
    events, replayed = plain_events(first.body), plain_events(again.body)
    assert [name for name, _ in events].count("mcp_tool") == 1
    assert events[-1][1]["type"] == "done"
    assert isinstance(events[-1][1]["ttft_ms"], float)
    assert replayed[:-1] == events[:-1]
    assert replayed[-1][1] == {**events[-1][1], "ttft_ms": None}
    assert len(await tickets(alice)) == 1
    refused = await alice.post({"message": "add login"}, path=path, headers=headers)
    assert refused.status == 422
    assert refused.problem["code"] == "key_reused"
