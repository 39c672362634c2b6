"""The owner's predicate in each statement, met without row-level security: as a role it spares."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from chatkit.types import ThreadMetadata
from tests.store.conformance import a_message, a_thread, an_attachment
from tests.store.test_settle import RunsStore

from sidestream.caller import Caller
from sidestream.problems import NotFound, UnknownCursor
from sidestream.store.database import Database, Statement
from sidestream.store.feedback import Feedback
from sidestream.store.ids import new_id
from sidestream.store.run_start import RunStart
from sidestream.store.run_starts import RunStarts
from sidestream.store.runs import Runs
from sidestream.store.threads import PostgresStore

type Call = Callable[[PostgresStore, ThreadMetadata, Caller], Awaitable[object]]

_MESSAGE = "msg_1"


@pytest.fixture
async def unguarded(owner_url: str) -> AsyncIterator[Database]:
    database = Database(owner_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def store(unguarded: Database) -> PostgresStore:
    return PostgresStore(unguarded)


@pytest.fixture
async def thread(store: PostgresStore, caller: Caller) -> ThreadMetadata:
    """A thread with a message and a file."""
    thread = a_thread()
    await store.save_thread(thread, caller)
    await store.add_thread_item(thread.id, a_message(thread.id, id=_MESSAGE), caller)
    await store.save_attachment(an_attachment(id=f"atc_{thread.id}", thread_id=thread.id), caller)
    return thread


async def whole(store: PostgresStore, thread: ThreadMetadata, caller: Caller) -> object:
    return (
        await store.load_thread(thread.id, caller),
        await store.load_thread_items(thread.id, None, 10, "asc", caller),
        await store.load_thread_attachments(thread.id, caller),
    )


async def test_the_role_sees_every_row(
    unguarded: Database, thread: ThreadMetadata, stranger: Caller
) -> None:
    query = Statement("select id from thread_items where thread_id = %s", (thread.id,))
    assert await unguarded.run(stranger.user_id, query) == [[{"id": _MESSAGE}]]


@pytest.mark.parametrize(
    "call",
    [
        lambda store, thread, user: store.load_thread(thread.id, user),
        lambda store, thread, user: store.load_item(thread.id, _MESSAGE, user),
        lambda store, thread, user: store.load_thread_items(thread.id, None, 9, "asc", user),
        lambda store, thread, user: store.load_thread_items(thread.id, None, 9, "desc", user),
        lambda store, thread, user: store.load_attachment(f"atc_{thread.id}", user),
        lambda store, thread, user: store.save_thread(thread, user),
        lambda store, thread, user: store.save_item(
            thread.id, a_message(thread.id, "mine", id=_MESSAGE), user
        ),
        lambda store, thread, user: store.save_attachment(
            an_attachment(id=f"atc_{thread.id}"), user
        ),
    ],
    ids=[
        "load_thread",
        "load_item",
        "items_asc",
        "items_desc",
        "load_attachment",
        "save_thread",
        "save_item",
        "save_attachment",
    ],
)
async def test_what_is_not_there_for_others(
    store: PostgresStore, thread: ThreadMetadata, caller: Caller, stranger: Caller, call: Call
) -> None:
    before = await whole(store, thread, caller)
    with pytest.raises(NotFound):
        await call(store, thread, stranger)
    assert await whole(store, thread, caller) == before


async def test_lists_of_others(
    store: PostgresStore, thread: ThreadMetadata, stranger: Caller
) -> None:
    assert await store.load_thread_attachments(thread.id, stranger) == []
    for order in ("asc", "desc"):
        assert (await store.load_threads(10, None, order, stranger)).data == []
        with pytest.raises(UnknownCursor):
            await store.load_threads(10, thread.id, order, stranger)


async def test_nothing_of_others_is_deleted(
    store: PostgresStore, thread: ThreadMetadata, caller: Caller, stranger: Caller
) -> None:
    await store.add_thread_item(thread.id, a_message(thread.id, id="msg_2"), caller)
    before = await whole(store, thread, caller)
    await store.delete_items(thread.id, stranger, after=_MESSAGE, through="msg_2")
    await store.delete_thread_item(thread.id, _MESSAGE, stranger)
    await store.delete_attachment(f"atc_{thread.id}", stranger)
    await store.delete_thread(thread.id, stranger)
    assert await whole(store, thread, caller) == before


async def test_runs_and_feedback_of_others(
    unguarded: Database, caller: Caller, stranger: Caller
) -> None:
    thread, runs = a_thread(), Runs(unguarded)
    start = RunStart(
        new_id("run"), thread.id, new_thread=thread, item=a_message(thread.id, id=_MESSAGE)
    )
    await RunStarts(unguarded).begin(caller, start)
    for call in (
        lambda: runs.current(stranger, thread.id),
        lambda: runs.events(stranger, start.run_id),
        lambda: runs.request_stop(stranger, thread.id),
        lambda: Feedback(unguarded).save(stranger, thread.id, [_MESSAGE], "positive"),
        lambda: RunStarts(unguarded).begin(stranger, RunStart(new_id("run"), thread.id)),
    ):
        with pytest.raises(NotFound):
            await call()
    beat = await runs.beat(stranger, start.run_id, 60, ["a"])
    assert not beat.still_owner
    assert not await runs.finish(stranger, start.run_id, "failed", frames=["a"])
    assert not await runs.exists(stranger, start.run_id)
    assert await runs.exists(caller, start.run_id)
    kept = await runs.events(caller, start.run_id)
    assert (kept.run.status, kept.run.stop_requested, kept.frames) == ("running", False, ())


async def test_a_dead_run_of_others_is_not_settled(
    unguarded: Database, caller: Caller, stranger: Caller
) -> None:
    thread, runs = a_thread(), Runs(unguarded)
    start = RunStart(new_id("run"), thread.id, new_thread=thread, lease_s=-1)
    await RunStarts(unguarded).begin(caller, start)
    assert not await runs.settle(stranger, start.run_id, new=[a_message(thread.id)])
    assert (await runs.events(caller, start.run_id)).run.unsettled


async def test_a_run_of_others_is_no_permit(
    unguarded: Database, store: PostgresStore, caller: Caller, stranger: Caller
) -> None:
    theirs, mine = a_thread(), a_thread()
    start = RunStart(new_id("run"), theirs.id, new_thread=theirs)
    await RunStarts(unguarded).begin(stranger, start)
    await store.save_thread(mine, caller)
    with pytest.raises(NotFound):
        await RunsStore(unguarded, start.run_id).add_thread_item(
            mine.id, a_message(mine.id), caller
        )


async def test_a_dead_run_of_others_is_not_met(
    unguarded: Database, caller: Caller, stranger: Caller
) -> None:
    """In a thread that is not the reader's, there is nothing to meet."""
    met: list[str] = []

    async def settle(_reader: Caller, run_id: str) -> None:
        met.append(run_id)

    thread = a_thread()
    start = RunStart(new_id("run"), thread.id, new_thread=thread, lease_s=-1)
    await RunStarts(unguarded).begin(caller, start)
    reader = PostgresStore(unguarded, settle=settle)
    with pytest.raises(NotFound):
        await reader.load_thread_items(thread.id, None, 10, "asc", stranger)
    assert met == []
    await reader.load_thread_items(thread.id, None, 10, "asc", caller)
    assert met == [start.run_id]
