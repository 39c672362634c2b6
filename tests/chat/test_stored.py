"""What is streamed is what is stored: every item word for word the same in its frame, in its row
and in `items.list`, as JSON and not as models, which fill in what is missing.

Two things differ, and they are named here: an attachment's `metadata` is ours alone, and the
address of its preview expires and is made anew.
"""

import json
from typing import Any

import pytest
from chatkit.types import (
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemReplacedEvent,
)

from sidestream.chat.protocol.frames import encode
from sidestream.chat.server import ITEMS_REMOVED
from sidestream.local.system import LocalSystem
from sidestream.store.codec import item_from, item_json
from tests.chat.client import Answer, Client, Document, create_request, thread_request
from tests.chat.conftest import Rows
from tests.chat.every_item import every_item, models_in, models_of
from tests.chat.steps import action_request, answer_request, row_action, the_question, the_widget
from tests.chat.test_attachments import attached
from tests.tickets import SHOW, delete_all, open_all, open_tickets

EVENTS = (ThreadItemAddedEvent, ThreadItemDoneEvent, ThreadItemReplacedEvent)


def text_of(item: Document) -> str:
    """An item as text, in the order in which its fields came, but for what differs on purpose."""
    for attachment in item.get("attachments", []):
        attachment.pop("metadata", None)
        attachment.pop("preview_url", None)
    return json.dumps(item, ensure_ascii=False)


class TestEachItem:
    """Without a system, so that it can be every item there is."""

    def test_there_is_one_of_everything(self) -> None:
        made = set().union(*map(models_of, every_item()))
        assert models_in(ThreadItem) - made == set()

    @pytest.mark.parametrize("item", every_item(), ids=lambda item: item.type)
    def test_the_frame_is_the_row(self, item: ThreadItem) -> None:
        row = item_json(item)
        for kind in EVENTS:
            frame = json.loads(encode(kind(item=item)))
            assert text_of(frame["item"]) == text_of(json.loads(row))

    @pytest.mark.parametrize("item", every_item(), ids=lambda item: item.type)
    def test_what_is_read_is_what_was_written(self, item: ThreadItem) -> None:
        row = item_json(item)
        read = item_from({"data": row})
        assert read.created_at == item.created_at
        assert item_json(read) == row
        assert text_of(json.loads(encode(read))) == text_of(json.loads(row))

    def test_a_row_of_an_older_release_reads_the_same(self) -> None:
        for item in every_item():
            older = {"data": item.model_dump_json()}
            assert item_json(item_from(older)) == item_json(item)


def last_words(answers: list[Answer]) -> dict[str, str]:
    """Each item as the streams told it last, by id."""
    told: dict[str, str] = {}
    for answer in answers:
        for frame in frames_of(answer):
            match json.loads(frame):
                case {"type": "thread.item.done" | "thread.item.replaced", "item": item}:
                    told[item["id"]] = text_of(item)
                case {"type": "thread.item.removed", "item_id": item_id}:
                    told.pop(item_id, None)
                case {"type": "client_effect", "name": name, "data": place} if (
                    name == ITEMS_REMOVED
                ):
                    ids = list(told)
                    end = ids.index(place["before"]) if place.get("before") else len(ids)
                    for item_id in ids[ids.index(place["after"]) + 1 : end]:
                        del told[item_id]
    return told


def frames_of(answer: Answer) -> list[str]:
    """The JSON of a stream's events, as it came."""
    lines = answer.body.decode().splitlines()
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


async def listed(client: Client, thread_id: str) -> dict[str, str]:
    answer = await client.send(thread_request("items.list", thread_id, limit=100, order="asc"))
    document = answer.json()
    assert not document["has_more"]
    return {item["id"]: text_of(item) for item in document["data"]}


async def stored(rows: Rows, thread_id: str) -> dict[str, str]:
    found = await rows(
        "select id, data::text as data from thread_items where thread_id = %s"
        " and type not in ('hidden_context_item', 'sdk_hidden_context') order by seq",
        thread_id,
    )
    return {row["id"]: text_of(json.loads(row["data"])) for row in found}


async def test_a_conversation_of_everything(system: LocalSystem, alice: Client, rows: Rows) -> None:
    """Each kind that we make, on its way through Postgres: also after an answer was given again."""
    file = await attached(alice, "a.txt", "کچھ لفظ".encode(), "text/plain")
    content = [
        {"type": "input_text", "text": "دودھ"},
        {"type": "input_tag", "id": "t", "text": "me", "data": {"n": None}},
    ]
    request = create_request("", content=content, attachments=[file.id], quoted_text="as I said")
    first = await alice.send(request)
    thread_id = first.thread_id
    ids = await open_tickets(system, alice, "printer", "login")
    answers = [first, await alice.add(thread_id, open_all("keyboard"))]
    answers.append(shown := await alice.add(thread_id, SHOW))
    card = the_widget(shown)
    urgent = row_action(card, "printer", "ticket.urgent")
    answers.append(await alice.send(action_request(thread_id, card.id, urgent)))
    answers.append(asked := await alice.add(thread_id, delete_all(*ids.values())))
    question = the_question(asked)
    answers.append(await alice.send(answer_request(question, ["login"])))
    [message] = [item for item in await alice.items(thread_id) if item.type == "user_message"][:1]
    again = await alice.create("hello")
    [said] = [item for item in await alice.items(again.thread_id) if item.type == "user_message"]
    retry = thread_request("threads.retry_after_item", again.thread_id, item_id=said.id)
    retried = [again, await alice.send(retry)]
    for place, told in ((thread_id, answers), (again.thread_id, retried)):
        in_rows = await stored(rows, place)
        assert last_words(told) == in_rows == await listed(alice, place)
        assert list(in_rows) == list(await listed(alice, place))
    kinds = {json.loads(text)["type"] for text in (await stored(rows, thread_id)).values()}
    assert kinds == {"user_message", "assistant_message", "workflow", "widget", "structured_input"}
    assert message.id in await listed(alice, thread_id)


async def test_a_thread_is_told_as_it_is_stored(alice: Client, rows: Rows) -> None:
    answer = await alice.create("hello")
    created: dict[str, Any] = json.loads(frames_of(answer)[0])["thread"]
    items = created.pop("items")
    assert items == {"data": [], "has_more": False}
    [row] = await rows("select data::text as data from threads where id = %s", answer.thread_id)
    assert created == json.loads(row["data"])
    found = await alice.send(thread_request("threads.get_by_id", answer.thread_id))
    assert {name: found.json()[name] for name in created} == created


async def test_a_replay_is_the_stream(system: LocalSystem, alice: Client) -> None:
    ids = await open_tickets(system, alice, "printer")
    shown = await alice.create(SHOW)
    card = the_widget(shown)
    delete = row_action(card, "printer", "ticket.delete")
    assert ids
    done = await alice.send(action_request(shown.thread_id, card.id, delete))
    for live in (shown, done):
        frames = frames_of(live)
        assert frames_of(await alice.replay(live.run_id)) == frames
        assert frames_of(await alice.replay(live.run_id, after=2)) == frames[2:]
