"""What a message is turned into before anything is read or written."""

import pytest
from chatkit.types import ChatKitReq, ThreadsAddUserMessageReq, ThreadsCreateReq
from pydantic import TypeAdapter

from sidestream.caller import Caller
from sidestream.chat.files.attachments import AttachmentFiles
from sidestream.chat.protocol.requests import Idempotency
from sidestream.chat.runs.prepare import Prepared, Preparer
from sidestream.chat.tools.cards import Cards
from sidestream.config import ChatSettings
from sidestream.store.database import Database
from sidestream.store.threads import PostgresStore
from tests.chat.client import Document, add_request, create_request
from tests.tickets import DOMAIN

_REQUEST: TypeAdapter[ChatKitReq] = TypeAdapter(ChatKitReq)


@pytest.fixture(scope="module")
def preparer(chat_settings: ChatSettings) -> Preparer:
    """With a database that is closed, so that whatever asks it something fails."""
    store = PostgresStore(Database("postgresql://nowhere"))
    return Preparer(store, AttachmentFiles(chat_settings), Cards(DOMAIN), chat_settings)


async def _prepare(preparer: Preparer, request: Document) -> Prepared:
    parsed = _REQUEST.validate_python(request)
    assert isinstance(parsed, ThreadsCreateReq | ThreadsAddUserMessageReq)
    return await preparer.prepare(parsed, Caller("user_1"), Idempotency("key", b"hash"))


async def _title(preparer: Preparer, request: Document) -> str | None:
    thread = (await _prepare(preparer, request)).start.new_thread
    assert thread is not None
    return thread.title


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Buy milk", "Buy milk"),
        ("  Buy \t milk  \n and eggs", "Buy milk"),
        ("\n\n\nBuy milk", "Buy milk"),
        ("Buy milk\u2028and eggs", "Buy milk"),
        ("", None),
        (" \n\t\u2003", None),
        ("دودھ خریدنا\nاور انڈے", "دودھ خریدنا"),
        ("t" * 60, "t" * 60),
        ("t" * 61, "t" * 59 + "…"),
        ("word " * 20, "word " * 10 + "word…"),
    ],
    ids=lambda value: ascii(value)[:24],
)
async def test_title_is_the_first_line_cut_at_a_word(
    preparer: Preparer, text: str, title: str | None
) -> None:
    found = await _title(preparer, create_request(text))
    assert found == title
    assert len(found or "") <= 60


async def test_title_is_made_of_all_parts(preparer: Preparer) -> None:
    content = [
        {"type": "input_text", "text": "Finish "},
        {"type": "input_tag", "id": "tsk_1", "text": "the report", "data": {}},
    ]
    assert await _title(preparer, create_request("", content=content)) == "Finish the report"


async def test_ids_are_fresh_and_belong_together(preparer: Preparer) -> None:
    first = await _prepare(preparer, create_request("hello"))
    second = await _prepare(preparer, create_request("hello"))
    start, item = first.start, first.start.item
    assert item is not None
    assert start.new_thread is not None
    assert start.thread_id == start.new_thread.id == item.thread_id
    assert first.message == item
    ids = {start.run_id, start.thread_id, item.id}
    assert ids.isdisjoint({second.start.run_id, second.start.thread_id})
    assert (start.idempotency_key, start.request_hash) == ("key", b"hash")


async def test_message_to_a_known_thread_makes_none(preparer: Preparer) -> None:
    prepared = await _prepare(preparer, add_request("thr_1", "hello", quoted_text="hi"))
    assert prepared.start.new_thread is None
    assert prepared.start.thread_id == "thr_1"
    assert prepared.message is not None
    assert prepared.message.quoted_text == "hi"
