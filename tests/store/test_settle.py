"""Settling a run that died: once, whoever comes, and against the process that is not dead after
all."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from tests.chat.until import until
from tests.store.conformance import a_message
from tests.store.test_runs import a_run

from sidestream.caller import Caller
from sidestream.problems import NotFound
from sidestream.store.database import Database, Statement
from sidestream.store.run_start import BegunRun, RunStart
from sidestream.store.run_starts import RunStarts
from sidestream.store.run_view import RunUsage
from sidestream.store.runs import Runs
from sidestream.store.threads import PostgresStore


class RunsStore(PostgresStore):
    """The store as one run writes to it."""

    def __init__(self, database: Database, run_id: str) -> None:
        super().__init__(database)
        self._run_id = run_id

    def writer(self, context: Caller) -> str | None:  # noqa: ARG002
        return self._run_id


@pytest.fixture
def runs(database: Database) -> Runs:
    return Runs(database)


@pytest.fixture
async def dead(database: Database, caller: Caller) -> RunStart:
    """A run whose lease has run out."""
    return await a_run(database, caller, lease_s=-1)


async def texts(database: Database, caller: Caller, thread_id: str) -> list[str]:
    page = await PostgresStore(database).load_thread_items(thread_id, None, 50, "asc", caller)
    return [item.id for item in page.data]


async def test_items_and_frames_are_kept_with_the_end(
    runs: Runs, dead: RunStart, database: Database, caller: Caller
) -> None:
    assert dead.item is not None
    left = [a_message(dead.thread_id, "one"), a_message(dead.thread_id, "ایک")]
    changed = dead.item.model_copy(update={"quoted_text": "changed"})
    assert (await runs.events(caller, dead.run_id)).run.unsettled
    before = database.round_trips
    assert await runs.settle(
        caller, dead.run_id, new=left, changed=[changed], frames=["a", "b"], first=1
    )
    assert database.round_trips - before == 1
    page = await runs.events(caller, dead.run_id)
    assert page.frames == ((1, "a"), (2, "b"))
    assert (page.run.status, page.run.died, page.run.unsettled) == ("failed", True, False)
    assert page.run.ended_at is not None
    items = await PostgresStore(database).load_thread_items(dead.thread_id, None, 50, "asc", caller)
    assert items.data == [changed, *left]


async def test_one_of_many_at_once_settles(
    runs: Runs, dead: RunStart, database: Database, caller: Caller
) -> None:
    lefts = [a_message(dead.thread_id, str(number)) for number in range(6)]
    won = await asyncio.gather(
        *(runs.settle(caller, dead.run_id, new=[left], frames=["x"]) for left in lefts)
    )
    assert sum(won) == 1
    assert dead.item is not None
    expected = [dead.item.id, lefts[won.index(True)].id]
    assert await texts(database, caller, dead.thread_id) == expected
    assert (await runs.events(caller, dead.run_id)).frames == ((1, "x"),)


async def test_a_run_that_is_alive_or_over_is_left_alone(
    runs: Runs, database: Database, caller: Caller
) -> None:
    alive = await a_run(database, caller)
    for end in (None, "completed"):
        if end:
            await runs.finish(caller, alive.run_id, "completed")
        assert not await runs.settle(caller, alive.run_id, new=[a_message(alive.thread_id)])
    assert len(await texts(database, caller, alive.thread_id)) == 1
    assert (await runs.events(caller, alive.run_id)).run.status == "completed"


async def test_what_was_saved_meanwhile_is_not_overwritten(
    runs: Runs, dead: RunStart, database: Database, caller: Caller
) -> None:
    """A write that was under way when the lease ran out."""
    whole = a_message(dead.thread_id, "whole")
    await PostgresStore(database).add_thread_item(dead.thread_id, whole, caller)
    partial = whole.model_copy(update={"content": []})
    assert await runs.settle(caller, dead.run_id, new=[partial])
    store = PostgresStore(database)
    assert await store.load_item(dead.thread_id, whole.id, caller) == whole


@pytest.mark.parametrize("settled", [False, True])
async def test_a_process_that_was_not_dead_writes_nothing(
    runs: Runs, dead: RunStart, database: Database, caller: Caller, settled: bool
) -> None:
    if settled:
        assert await runs.settle(caller, dead.run_id, frames=["told"])
    store, item = RunsStore(database, dead.run_id), dead.item
    assert item is not None
    late = a_message(dead.thread_id, "late")
    changed = item.model_copy(update={"quoted_text": "late"})
    for save in (store.add_thread_item, store.save_item):
        for written in (late, changed):
            with pytest.raises(NotFound):
                await save(dead.thread_id, written, caller)
    await store.delete_thread_item(dead.thread_id, item.id, caller)
    await store.delete_items(dead.thread_id, caller, after=item.id, through=item.id)
    assert not (await runs.beat(caller, dead.run_id, 30, ["late"], first=1)).still_owner
    plain = PostgresStore(database)
    assert (await plain.load_thread_items(dead.thread_id, None, 9, "asc", caller)).data == [item]
    assert (await runs.events(caller, dead.run_id)).frames == (((1, "told"),) if settled else ())


async def test_a_run_that_is_alive_writes(database: Database, caller: Caller) -> None:
    alive = await a_run(database, caller)
    store, late = RunsStore(database, alive.run_id), a_message(alive.thread_id)
    await store.add_thread_item(alive.thread_id, late, caller)
    changed = late.model_copy(update={"quoted_text": "q"})
    await store.save_item(alive.thread_id, changed, caller)
    assert await store.load_item(alive.thread_id, late.id, caller) == changed
    await store.delete_thread_item(alive.thread_id, late.id, caller)
    assert len(await texts(database, caller, alive.thread_id)) == 1


@pytest.fixture
async def writer(owner_url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(owner_url) as connection:
        yield connection


async def test_a_write_under_way_is_waited_for(
    runs: Runs, database: Database, caller: Caller, writer: psycopg.AsyncConnection, owner_url: str
) -> None:
    """It began while the lease lasted: nothing is settled before it is seen."""
    start = await a_run(database, caller, lease_s=1)
    whole = a_message(start.thread_id, "whole")
    write = RunsStore(database, start.run_id)._saving(start.thread_id, whole, caller)
    assert len(await (await writer.execute(write.sql, write.params)).fetchall()) == 1

    async def dead() -> bool:
        return (await runs.events(caller, start.run_id)).run.unsettled

    await until(dead)
    settling = asyncio.create_task(
        runs.settle(caller, start.run_id, new=[a_message(start.thread_id)])
    )
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as owner:

        async def waits() -> bool:
            assert not settling.done()
            locks = await owner.execute("select from pg_locks where not granted")
            return bool(await locks.fetchall())

        await until(waits)
        await writer.commit()
        assert await settling
    assert len(await texts(database, caller, start.thread_id)) == 3


async def test_tokens_count_once_in_whatever_order(
    runs: Runs, database: Database, caller: Caller
) -> None:
    """The process that was not dead says what it used before it is settled, or after."""
    usage = RunUsage(10, 5)
    for first in ("finish", "settle"):
        late = await a_run(database, caller, lease_s=-1)
        for step in (first, "settle", "finish", "settle", "finish"):
            if step == "finish":
                assert not await runs.finish(caller, late.run_id, "completed", usage=usage)
            else:
                await runs.settle(caller, late.run_id)
        view = (await runs.events(caller, late.run_id)).run
        assert (view.status, view.error) == ("failed", {"code": "lease_expired"})
    [days] = await database.run(caller.user_id, Statement("select tokens from usage_days"))
    assert days == [{"tokens": 30}]


async def test_a_reader_settles_first(database: Database, caller: Caller, dead: RunStart) -> None:
    runs, met = Runs(database), []
    left = a_message(dead.thread_id, "left")

    async def settle(reader: Caller, run_id: str) -> None:
        met.append(run_id)
        await runs.settle(reader, run_id, new=[left])

    store = PostgresStore(database, settle=settle)
    assert dead.item is not None
    for order, expected in (("asc", [dead.item, left]), ("desc", [left, dead.item])):
        page = await store.load_thread_items(dead.thread_id, None, 50, order, caller)
        assert page.data == expected
    assert met == [dead.run_id]
    again = await RunStarts(database).begin(caller, RunStart("run_next", dead.thread_id))
    assert isinstance(again, BegunRun)
    before = database.round_trips
    await store.load_thread_items(dead.thread_id, dead.item.id, 50, "asc", caller)
    assert database.round_trips - before == 1
    assert met == [dead.run_id]
