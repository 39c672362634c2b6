"""Runs through the running system: conversations that change the list, and who sees what."""

import json
import unicodedata
from typing import Any

import httpx2
import pytest
from chatkit.types import AssistantMessageItem, UserMessageItem

from sidestream.local.keys import LocalKeys
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from sidestream.signing_key import tool_key
from tests.chat.catalogue import ROUTES, every_request
from tests.chat.client import (
    Client,
    Document,
    add_request,
    create_request,
    thread_request,
    words,
)
from tests.chat.conftest import Rows, TicketList
from tests.tickets import LIST, LISTED, SHOW, change, delete_all, open_all, opening, script

# With a zero-width non-joiner, a hamza that is not composed and digits of both kinds.
URDU_SUBJECT = "بچوں کے لئے ۳ کتابیں خرید‌نا 3"
URDU_REQUEST = open_all(URDU_SUBJECT, answer=f"«{URDU_SUBJECT}» کی ٹکٹ کھول دی۔")


async def test_three_messages_change_the_list(
    alice: Client, tickets: TicketList, rows: Rows
) -> None:
    async def in_postgres() -> list[tuple[str, str]]:
        found = await rows("select subject, status from tickets where user_id = %s", alice.user_id)
        return [(row["subject"], row["status"]) for row in found]

    async def by_rest() -> list[tuple[str, str]]:
        return [(ticket["subject"], ticket["status"]) for ticket in await tickets(alice)]

    created = await alice.create(open_all("printer"))
    assert await in_postgres() == await by_rest() == [("printer", "open")]
    assert "printer" in created.text
    [ticket] = await tickets(alice)
    changed = await alice.add(created.thread_id, change(ticket["id"], status="pending"))
    assert await in_postgres() == await by_rest() == [("printer", "pending")]
    deleted = await alice.add(created.thread_id, delete_all(ticket["id"]))
    assert await in_postgres() == await by_rest() == []
    assert not created.errors + changed.errors + deleted.errors


async def test_five_turns_keep_their_context(
    alice: Client, tickets: TicketList, model: ScriptedModelServer
) -> None:
    first = await alice.create("My name is Sana")
    thread_id = first.thread_id
    await alice.add(thread_id, open_all("printer"))
    [ticket] = await tickets(alice)
    await alice.add(thread_id, change(ticket["id"], status="pending"))
    named = await alice.add(thread_id, "What is my name?")
    assert "Sana" in named.text
    said = await alice.add(thread_id, "What was my first message?")
    assert "My name is Sana" in said.text

    given = model.requests[-1].body["input"]
    roles = [item["role"] for item in given if item.get("role")]
    assert roles == ["user", "assistant"] * 4 + ["user"]
    calls = [item["name"] for item in given if item.get("type") == "function_call"]
    assert calls == ["add_ticket", "update_ticket"]
    outputs = [item["output"] for item in given if item.get("type") == "function_call_output"]
    assert len(outputs) == len(calls)
    assert ticket["id"] in outputs[0]


async def test_urdu_is_answered_in_urdu(alice: Client, model: ScriptedModelServer) -> None:
    answer = await alice.create("شکریہ")
    letters = [letter for letter in answer.text if letter.isalpha()]
    assert letters
    assert all(unicodedata.name(letter).startswith("ARABIC") for letter in letters)
    instructions = json.dumps(model.requests[-1].body["instructions"])
    assert "Urdu" in instructions


async def test_urdu_survives_byte_for_byte(
    alice: Client, system: LocalSystem, tickets: TicketList, rows: Rows
) -> None:
    assert unicodedata.normalize("NFC", URDU_SUBJECT) != URDU_SUBJECT or "\u200c" in URDU_SUBJECT
    answer = await alice.create(URDU_REQUEST)
    assert URDU_SUBJECT in answer.text
    assert json.dumps(URDU_REQUEST, ensure_ascii=False).encode() in answer.body

    [ticket] = await tickets(alice)
    [stored] = await rows(
        "select convert_to(subject, 'UTF8') as subject from tickets where user_id = %s",
        alice.user_id,
    )
    [by_mcp] = (await _list_by_mcp(system, alice.user_id))["data"]
    assert ticket["subject"].encode() == URDU_SUBJECT.encode()
    assert bytes(stored["subject"]) == URDU_SUBJECT.encode()
    assert by_mcp["subject"].encode() == URDU_SUBJECT.encode()

    [message] = [i for i in await alice.items(answer.thread_id) if isinstance(i, UserMessageItem)]
    assert message.content[0].text == URDU_REQUEST


async def _list_by_mcp(system: LocalSystem, user_id: str) -> Document:
    key = tool_key(LocalKeys.of(system.options.folder).tool_signing_key)
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "list_tickets",
            "arguments": {},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
    headers = {
        "authorization": f"Bearer {key.mint(user_id)[0]}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "list_tickets",
    }
    async with httpx2.AsyncClient() as http:
        answer = await http.post(f"{system.tools.url}/mcp", json=call, headers=headers)
    document: Document = answer.json()["result"]["structuredContent"]
    return document


async def test_history_survives_a_restart_of_the_functions(
    alice: Client, system: LocalSystem, tickets: TicketList
) -> None:
    first = await alice.create(open_all("printer"))
    before = await alice.items(first.thread_id)
    processes = {e.pid for f in (system.chat, system.tools) for e in f.environments}
    for function in (system.chat, system.tools):
        for environment in function.environments:
            environment.kill()

    assert await alice.items(first.thread_id) == before
    assert [thread.id for thread in await alice.threads()] == [first.thread_id]
    [ticket] = await tickets(alice)
    done = await alice.add(first.thread_id, change(ticket["id"], status="pending"))
    assert not done.errors
    [ticket] = await tickets(alice)
    assert (ticket["subject"], ticket["status"]) == ("printer", "pending")
    now = {e.pid for f in (system.chat, system.tools) for e in f.environments}
    assert processes.isdisjoint(now)
    replayed = await alice.replay(first.run_id)
    assert replayed.frames == first.frames


async def _everything(rows: Rows, user_id: str) -> dict[str, list[dict[str, Any]]]:
    tables = ("threads", "thread_items", "runs", "run_events", "feedback", "tickets", "attachments")
    return {
        table: await rows(
            f"select t::text as row from {table} as t where user_id = %s order by 1",  # noqa: S608
            user_id,
        )
        for table in tables
    }


async def test_two_users_never_see_each_others_anything(
    alice: Client, bob: Client, rows: Rows
) -> None:
    secret = "the pearl necklace"
    hers = await alice.create(open_all(secret))
    her_item = (await alice.items(hers.thread_id))[0].id
    her_file = await _attach(alice)
    before = await _everything(rows, alice.user_id)
    assert before["thread_items"]
    assert before["tickets"]
    assert before["attachments"]

    # Deleting a thread that is not there changes nothing and is no error, whoever it belongs to.
    served = {"threads.create", "threads.list", "threads.delete", "attachments.create"}
    for request in every_request(hers.thread_id, her_item, her_file):
        answer = await bob.send(request)
        assert secret not in answer.body.decode(), request["type"]
        if request["type"] != "input.transcribe":  # of nobody
            expected = 200 if request["type"] in served else 404
            assert answer.status == expected, (request["type"], answer.body)
    place = {"user": alice.user_id, "thread": hers.thread_id, "run": hers.run_id}
    for method, path in ROUTES:
        if "{" not in path:
            continue
        answer = await bob.request(method, path.format(**place), json=add_request("", "hello"))
        assert answer.status == (403 if "{user}" in path else 404), (path, answer.body)
        assert secret not in answer.body.decode()
    assert await _everything(rows, alice.user_id) == before

    assert [thread.title for thread in await bob.threads()] == ["hello"]
    listed = await bob.create(SHOW)
    assert secret not in listed.body.decode()


async def _attach(client: Client) -> str:
    params = {"name": "a.txt", "size": 3, "mime_type": "text/plain"}
    answer = await client.send({"type": "attachments.create", "params": params})
    assert answer.status == 200, answer.body
    return str(answer.json()["id"])


async def test_anothers_ids_are_of_no_use_in_ones_own_thread(
    alice: Client, bob: Client, rows: Rows
) -> None:
    hers = await alice.create("hello from alice")
    his = await bob.create("hello from bob")
    her_item = (await alice.items(hers.thread_id))[0].id
    her_file = await _attach(alice)
    before = await _everything(rows, alice.user_id)
    requests = [
        create_request("hello", attachments=[her_file]),
        add_request(his.thread_id, "hello", attachments=[her_file]),
        thread_request("threads.retry_after_item", his.thread_id, item_id=her_item),
        thread_request("items.feedback", his.thread_id, item_ids=[her_item], kind="negative"),
    ]
    for request in requests:
        answer = await bob.send(request)
        assert answer.status == 404, (request["type"], answer.body)
    for after in (her_item, "itm_that_never_was"):
        answer = await bob.send(thread_request("items.list", his.thread_id, after=after))
        assert (answer.status, answer.problem["code"]) == (422, "unknown_cursor")
    for after in (hers.thread_id, "thr_that_never_was"):
        answer = await bob.send({"type": "threads.list", "params": {"after": after}})
        assert (answer.status, answer.problem["code"]) == (422, "unknown_cursor")
    assert await _everything(rows, alice.user_id) == before


async def test_idempotency_keys_belong_to_one_user(alice: Client, bob: Client) -> None:
    hers = await alice.create("My name is Alice", idempotency_key="same-key")
    his = await bob.create("My name is Bob", idempotency_key="same-key")
    assert his.run_id != hers.run_id
    assert "Alice" not in his.body.decode()


@pytest.mark.parametrize("kind", ["threads.get_by_id", "items.list"])
async def test_reload_gives_what_was_streamed(alice: Client, kind: str) -> None:
    answer = await alice.create(script(opening("printer", "invoice"), LIST, answer=LISTED))
    reloaded = (
        (await alice.get(answer.thread_id)).items.data
        if kind == "threads.get_by_id"
        else await alice.items(answer.thread_id)
    )
    streamed = answer.done(object)
    assert reloaded == streamed
    assert [type(item) for item in reloaded].count(AssistantMessageItem) == 1
    assert [words(i) for i in reloaded if isinstance(i, AssistantMessageItem)] == [answer.text]
