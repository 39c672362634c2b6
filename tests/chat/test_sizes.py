"""Sizes of what comes in: each refused with a 4xx, in words, and of what a refusal says itself."""

import json
from typing import Any

import pytest

from sidestream.config import ChatSettings
from sidestream.local.system import LocalSystem
from tests.chat.client import Client, Document, create_request, message, thread_request
from tests.chat.conftest import MakePerson, Rows

_BOUND = 20_000
"""More than any refusal needs, and far less than what is refused."""


def _tagged(**tag: Any) -> Document:
    whole = {"type": "input_tag", "id": "i", "text": "t", "data": {}, **tag}
    return {"type": "threads.create", "params": {"input": message("", content=[whole])}}


def _many_fields(count: int) -> Document:
    return {f"field_{number}": [number] for number in range(count)}


TOO_LARGE = {
    "numbers in a tag": _tagged(data={"numbers": list(range(100_000))}),
    "a tag that nests": _tagged(data={"a": [[[[]]]] * 50_000}),
    "the group of a tag": _tagged(group="g" * 9_000),
    "the id of a tag": _tagged(id="i" * 9_000),
    "empty texts": create_request("", content=[{"type": "input_text", "text": ""}] * 10_000),
    "answers": thread_request(
        "threads.add_structured_input",
        "thr_x",
        item_id="form_x",
        input={"answers": {"input_1": {"values": [""] * 50_000}}},
    ),
    "questions": thread_request(
        "threads.add_structured_input",
        "thr_x",
        item_id="form_x",
        input={"answers": {f"input_{number}": {"values": []} for number in range(5_000)}},
    ),
    "an action": thread_request(
        "threads.custom_action",
        "thr_x",
        item_id="wgt_x",
        action={"type": "ticket.close", "payload": {"numbers": list(range(50_000))}},
    ),
    "a synchronous action": thread_request(
        "threads.sync_custom_action",
        "thr_x",
        item_id="wgt_x",
        action={"type": "ticket.close", "payload": {"numbers": list(range(50_000))}},
    ),
    "a client tool's result": thread_request(
        "threads.add_client_tool_output", "thr_x", result={"numbers": list(range(50_000))}
    ),
}


@pytest.mark.parametrize("document", TOO_LARGE.values(), ids=TOO_LARGE.keys())
async def test_what_no_text_shows_is_counted_as_well(
    alice: Client, rows: Rows, document: Document
) -> None:
    answer = await alice.post(document)
    assert answer.status == 413, answer.body[:200]
    assert answer.problem["code"] == "too_large"
    assert len(answer.body) < _BOUND
    assert await rows("select * from threads where user_id = %s", alice.user_id) == []


async def test_a_refusal_is_in_the_language_of_the_person(person: MakePerson) -> None:
    answer = await person(language="ur").post(TOO_LARGE["empty texts"])
    assert answer.problem["detail"] == "پیغام کے زیادہ سے زیادہ 50 حصے ہو سکتے ہیں۔"


async def test_parts_up_to_the_most_are_taken(alice: Client, chat_settings: ChatSettings) -> None:
    parts = [{"type": "input_text", "text": "a"}] * chat_settings.max_content_parts
    assert (await alice.send(create_request("", content=parts))).status == 200


LONG = "x" * 500_000
INVALID = {
    "kind": {"type": LONG, "params": {}},
    "kind of content": create_request("", content=[{"type": LONG}]),
    "fields of content": create_request("", content=[{"type": "input_text"}] * 20_000),
    "names of fields": {
        "type": "threads.add_structured_input",
        "params": {"thread_id": "t", "item_id": "i", "input": {"answers": {LONG: 1}}},
    },
    "order": {"type": "threads.list", "params": {"order": LONG}},
    "limit": {"type": "threads.list", "params": {"limit": LONG}},
    "cursor": {"type": "threads.list", "params": {"after": "cur_" + LONG}},
    "id as cursor": {"type": "threads.list", "params": {"after": LONG}},
    "model": create_request("hello", inference_options={"model": LONG}),
    "tool": create_request("hello", inference_options={"tool_choice": {"id": LONG}}),
    "name of a file": {
        "type": "attachments.create",
        "params": {"name": LONG, "size": 1, "mime_type": "text/plain"},
    },
    "type of a file": {
        "type": "attachments.create",
        "params": {"name": "a", "size": 1, "mime_type": f"text/{LONG}"},
    },
    "title": thread_request("threads.update", "thr_x", title=LONG),
    "item of feedback": thread_request("items.feedback", "thr_x", item_ids=[LONG], kind="positive"),
    "thread": thread_request("threads.get_by_id", LONG),
}


@pytest.mark.parametrize("document", INVALID.values(), ids=INVALID.keys())
async def test_a_refusal_is_short_and_quotes_nothing(alice: Client, document: Document) -> None:
    answer = await alice.post(document)
    assert answer.status in {404, 413, 415, 422}, answer.body[:200]
    assert answer.problem
    assert len(answer.body) < _BOUND
    assert LONG[:100] not in answer.body.decode()


async def test_the_task_service_refuses_as_shortly(system: LocalSystem, alice: Client) -> None:
    path = f"{system.tools.url}/api/{alice.user_id}/tickets"
    bodies: list[Any] = [
        _many_fields(5_000),
        {"subject": "s", "y" * 50_000: 1},
        {"subject": ["z" * 50_000]},
        {"subject": "s", "priority": "p" * 50_000},
    ]
    for body in bodies:
        answer = await alice.request("POST", path, content=json.dumps(body).encode(), headers=_JSON)
        assert answer.status == 422, answer.body[:200]
        assert 1 <= len(answer.problem["errors"]) <= 10
        assert len(answer.body) < _BOUND
    query = "&".join(f"field_{number}=1" for number in range(500))
    answer = await alice.request("GET", f"{path}?{query}")
    assert answer.status == 422
    assert len(answer.body) < _BOUND


async def test_a_tool_refuses_as_shortly(system: LocalSystem, alice: Client) -> None:
    """What a model reads of a call that does not fit is short too."""
    made = _many_fields(200) | {"subject": "s", "y" * 3_000: 1}
    await alice.create(f"!add_ticket {json.dumps(made)}")
    outputs = [
        item["output"]
        for item in system.model.requests[-1].body["input"]
        if item.get("type") == "function_call_output"
    ]
    assert outputs
    assert all(len(output) < 1_500 for output in outputs)


_JSON = {"content-type": "application/json"}
