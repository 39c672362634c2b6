"""Sizes: what an item may come to as it is stored, and how much a page of rows holds."""

from datetime import UTC, datetime

import pytest
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ThreadItem,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTagContent,
)
from tests.store.conformance import a_message, a_thread

from sidestream.caller import Caller
from sidestream.problems import TooLarge
from sidestream.store.codec import item_json
from sidestream.store.database import Database
from sidestream.store.ids import new_id
from sidestream.store.run_start import BegunRun, RunStart
from sidestream.store.run_starts import RunStarts
from sidestream.store.sizes import Sizes
from sidestream.store.threads import PostgresStore

SIZES = Sizes(item_bytes=20_000, page_bytes=50_000)


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return PostgresStore(database, SIZES)


def said(thread_id: str, words: str) -> AssistantMessageItem:
    return AssistantMessageItem(
        id=new_id("msg"),
        thread_id=thread_id,
        created_at=datetime.now(UTC),
        content=[AssistantMessageContent(text=words)],
    )


def numbers(thread_id: str, count: int) -> UserMessageItem:
    """A message whose size is in none of its texts."""
    tag = UserMessageTagContent(id="i", text="t", data={"numbers": list(range(count))})
    return a_message(thread_id).model_copy(update={"content": [tag]})


async def filled(store: PostgresStore, caller: Caller, *sizes: int) -> tuple[str, list[str]]:
    """A thread of messages of so many bytes, and their ids."""
    thread = a_thread()
    await store.save_thread(thread, caller)
    items = [said(thread.id, "x" * size) for size in sizes]
    for item in items:
        await store.add_thread_item(thread.id, item, caller)
    return thread.id, [item.id for item in items]


async def test_an_item_is_measured_as_it_is_stored(store: PostgresStore, caller: Caller) -> None:
    thread = a_thread()
    await store.save_thread(thread, caller)
    empty = len(item_json(said(thread.id, ""), 20_000).encode())
    whole = said(thread.id, "\n" * ((20_000 - empty) // 2))
    await store.add_thread_item(thread.id, whole, caller)
    wider: list[ThreadItem] = [
        said(thread.id, "\n" * (20_000 - empty)),
        said(thread.id, "ا" * (20_000 - empty)),
        numbers(thread.id, 5_000),
    ]
    for item in wider:
        with pytest.raises(TooLarge, match="at most"):
            await store.add_thread_item(thread.id, item, caller)
        with pytest.raises(TooLarge):
            await store.save_item(thread.id, item, caller)
    page = await store.load_thread_items(thread.id, None, 10, "asc", caller)
    assert [item.id for item in page.data] == [whole.id]


async def test_a_run_that_begins_with_too_much_leaves_nothing(
    database: Database, caller: Caller
) -> None:
    thread = a_thread()
    start = RunStart(
        run_id=new_id("run"),
        thread_id=thread.id,
        new_thread=thread,
        item=numbers(thread.id, 5_000),
    )
    with pytest.raises(TooLarge):
        await RunStarts(database, SIZES).begin(caller, start)
    assert not (await PostgresStore(database).load_threads(10, None, "desc", caller)).data


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_page_holds_as_many_items_as_fit(
    store: PostgresStore, caller: Caller, order: str
) -> None:
    thread_id, ids = await filled(store, caller, 15_000, 15_000, 15_000, 15_000, 15_000, 10, 10)
    wanted = ids if order == "asc" else ids[::-1]
    pages, after = [], None
    while True:
        page = await store.load_thread_items(thread_id, after, 100, order, caller)
        pages.append([item.id for item in page.data])
        assert page.has_more == (page.after is not None)
        if not page.has_more:
            break
        after = page.after
    assert [id_ for page_ids in pages for id_ in page_ids] == wanted
    assert [len(page_ids) for page_ids in pages] == ([3, 4] if order == "asc" else [5, 2])


async def test_a_page_has_at_least_one_item(database: Database, caller: Caller) -> None:
    thread_id, ids = await filled(PostgresStore(database), caller, 60_000, 10, 60_000)
    store = PostgresStore(database, SIZES)
    first = await store.load_thread_items(thread_id, None, 100, "asc", caller)
    assert [item.id for item in first.data] == ids[:1]
    second = await store.load_thread_items(thread_id, first.after, 100, "asc", caller)
    assert [item.id for item in second.data] == ids[1:2]
    last = await store.load_thread_items(thread_id, second.after, 100, "asc", caller)
    assert ([item.id for item in last.data], last.has_more) == (ids[2:], False)


async def test_a_page_of_threads_is_measured_too(database: Database, caller: Caller) -> None:
    store = PostgresStore(database, SIZES)
    threads = [
        ThreadMetadata(
            id=new_id("thr"), created_at=datetime.now(UTC), metadata={"notes": "x" * 20_000}
        )
        for _ in range(5)
    ]
    for thread in threads:
        await store.save_thread(thread, caller)
    found, after = [], None
    for expected in (2, 2, 1):
        page = await store.load_threads(100, after, "asc", caller)
        assert len(page.data) == expected
        found += [thread.id for thread in page.data]
        after = page.after
    assert found == [thread.id for thread in threads]
    assert after is None


async def test_a_run_reads_the_newest_items_that_fit(database: Database, caller: Caller) -> None:
    store = PostgresStore(database, SIZES)
    thread_id, ids = await filled(store, caller, 15_000, 15_000, 15_000, 15_000, 10)
    begun = await RunStarts(database, SIZES).begin(
        caller, RunStart(run_id=new_id("run"), thread_id=thread_id, item=a_message(thread_id))
    )
    assert isinstance(begun, BegunRun)
    assert [item.id for item in begun.items[:-1]] == ids[1:]
