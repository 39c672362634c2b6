import asyncio
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from chatkit.types import (
    ClosedStatus,
    FileAttachment,
    InferenceOptions,
    LockedStatus,
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadMetadata,
    UserMessageItem,
)
from tests.store.conformance import a_message, a_thread, an_attachment

from sidestream.caller import Caller
from sidestream.problems import (
    Invalid,
    KeyInProgress,
    KeyReused,
    Problem,
    RateLimited,
    RunInProgress,
    ThreadLocked,
)
from sidestream.store.codec import RowNotFound
from sidestream.store.database import Database, Rows, Statement
from sidestream.store.ids import new_id
from sidestream.store.run_start import BegunRun, Replay, RunStart, Unsettled
from sidestream.store.run_starts import RunStarts
from sidestream.store.run_view import RunUsage
from sidestream.store.runs import Runs
from sidestream.store.threads import PostgresStore

pytestmark = pytest.mark.parametrize("database", ["direct", "pgbouncer"], indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Database:
    name = "pooled_database" if request.param == "pgbouncer" else "direct_database"
    opened: Database = request.getfixturevalue(name)
    return opened


@pytest.fixture
def run_starts(database: Database) -> RunStarts:
    return RunStarts(database)


@pytest.fixture
def runs(database: Database) -> Runs:
    return Runs(database)


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return PostgresStore(database)


def a_start(thread: ThreadMetadata, text: str = "hello", **fields: Any) -> RunStart:
    return RunStart(
        **{
            "run_id": new_id("run"),
            "thread_id": thread.id,
            "item": a_message(thread.id, text),
            **fields,
        }
    )


def a_first_start(**fields: Any) -> RunStart:
    thread = a_thread()
    return a_start(thread, new_thread=thread, **fields)


async def everything(database: Database, caller: Caller) -> list[Rows]:
    """All rows of a user, but for when a thread was last used."""
    return await database.run(
        caller.user_id,
        Statement("select id, data::text from threads order by id"),
        Statement("select seq, id, data::text from thread_items order by seq"),
        Statement("select id, status from runs order by id"),
        Statement("select minute, requests from usage_minutes"),
        Statement("select day, tokens from usage_days"),
    )


async def begun(run_starts: RunStarts, caller: Caller, start: RunStart) -> BegunRun:
    run = await run_starts.begin(caller, start)
    assert isinstance(run, BegunRun)
    return run


class TestBegin:
    async def test_a_first_message_makes_the_thread(
        self, run_starts: RunStarts, store: PostgresStore, database: Database, caller: Caller
    ) -> None:
        start = a_first_start()
        await database.ping()  # a connection that was idle for long is looked at first
        before = database.round_trips
        run = await begun(run_starts, caller, start)
        assert database.round_trips - before == 1
        assert run == BegunRun(start.run_id, start.new_thread, (start.item,))  # type: ignore[arg-type]
        assert await store.load_thread(start.thread_id, caller) == start.new_thread
        page = await store.load_thread_items(start.thread_id, None, 20, "asc", caller)
        assert page.data == [start.item]

    async def test_history_up_to_an_item(
        self, run_starts: RunStarts, store: PostgresStore, database: Database, caller: Caller
    ) -> None:
        """As a retry wants it. Items of other threads are of no account."""
        thread = a_thread()
        for each in (a_thread(), thread):
            await store.save_thread(each, caller)
            for name in "abcde":
                item = a_message(each.id, name, id=name)
                await store.add_thread_item(each.id, item, caller)
        start = RunStart(new_id("run"), thread.id, until="c", history_limit=2)
        before = database.round_trips
        run = await begun(run_starts, caller, start)
        assert database.round_trips - before == 1
        assert [item.id for item in run.items] == ["b", "c"]
        assert {item.thread_id for item in run.items} == {thread.id}
        assert run.latest == "e"

    async def test_history_up_to_an_item_that_is_gone(
        self, run_starts: RunStarts, store: PostgresStore, database: Database, caller: Caller
    ) -> None:
        thread = a_thread()
        await store.save_thread(thread, caller)
        await store.add_thread_item(thread.id, a_message(thread.id, id="a"), caller)
        before = await everything(database, caller)
        with pytest.raises(RowNotFound):
            await run_starts.begin(caller, RunStart(new_id("run"), thread.id, until="gone"))
        assert await everything(database, caller) == before

    async def test_a_later_message_brings_the_history(
        self,
        run_starts: RunStarts,
        runs: Runs,
        store: PostgresStore,
        database: Database,
        caller: Caller,
    ) -> None:
        first = a_first_start()
        await begun(run_starts, caller, first)
        await runs.finish(caller, first.run_id, "completed")
        older = [a_message(first.thread_id, str(number)) for number in range(30)]
        for item in older:
            await store.add_thread_item(first.thread_id, item, caller)
        assert first.new_thread
        start = a_start(first.new_thread, history_limit=5)
        before = database.round_trips
        run = await begun(run_starts, caller, start)
        assert database.round_trips - before == 1
        assert run.items == (*older[-4:], start.item)
        assert run.thread == first.new_thread

    async def test_a_turn_without_a_message(
        self, run_starts: RunStarts, runs: Runs, caller: Caller
    ) -> None:
        first = a_first_start()
        await begun(run_starts, caller, first)
        await runs.finish(caller, first.run_id, "failed")
        run = await begun(run_starts, caller, replace(first, run_id=new_id("run"), new_thread=None,
                                                  item=None))  # fmt: skip
        assert run.items == (first.item,)

    async def test_items_to_save_keep_their_place_and_come_before_the_message(
        self, run_starts: RunStarts, store: PostgresStore, caller: Caller
    ) -> None:
        thread = a_thread()
        await store.save_thread(thread, caller)
        question = StructuredInputItem(
            id="si_1",
            thread_id=thread.id,
            created_at=thread.created_at,
            inputs=[StructuredInputFreeform(id="q", question="Sure?")],
        )
        after = a_message(thread.id)
        for item in (question, after):
            await store.add_thread_item(thread.id, item, caller)
        answered = question.model_copy(update={"status": "answered"})
        new = a_message(thread.id)
        start = a_start(thread, items_to_save=(answered, new))
        run = await begun(run_starts, caller, start)
        assert run.items == (answered, after, new, start.item)

    async def test_a_call_that_is_sent_again_begins_one_turn(
        self, run_starts: RunStarts, database: Database, caller: Caller
    ) -> None:
        start = a_first_start(idempotency_key="key", request_hash=b"h", requests_per_minute=1)
        first = await begun(run_starts, caller, start)
        before = await everything(database, caller)
        assert await begun(run_starts, caller, start) == first
        assert await everything(database, caller) == before

    async def test_a_call_whose_answer_is_lost_begins_one_turn(
        self,
        run_starts: RunStarts,
        database: Database,
        caller: Caller,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        send = database._round_trip
        lost: list[BaseException] = [psycopg.OperationalError("cut after the commit")]

        async def cut(*args: Any) -> list[Rows]:
            rows = await send(*args)
            if lost:
                raise lost.pop()
            return rows

        monkeypatch.setattr(database, "_round_trip", cut)
        start = a_first_start(requests_per_minute=5)
        run = await begun(run_starts, caller, start)
        assert run.items == (start.item,)
        _, items, all_runs, [minute], _ = await everything(database, caller)
        assert (len(items), len(all_runs), minute["requests"]) == (1, 1, 1)


class TestRefusals:
    """Each leaves what was there as it was."""

    async def refused(
        self, run_starts: RunStarts, database: Database, caller: Caller, start: RunStart
    ) -> Problem:
        before = await everything(database, caller)
        with pytest.raises(Problem) as caught:
            await run_starts.begin(caller, start)
        assert await everything(database, caller) == before
        return caught.value

    async def test_no_such_thread(
        self, run_starts: RunStarts, database: Database, caller: Caller
    ) -> None:
        problem = await self.refused(run_starts, database, caller, a_start(a_thread()))
        assert isinstance(problem, RowNotFound)

    async def test_another_users_thread(
        self, run_starts: RunStarts, database: Database, caller: Caller, stranger: Caller
    ) -> None:
        theirs = a_first_start()
        await begun(run_starts, stranger, theirs)
        before = await everything(database, stranger)
        assert theirs.new_thread
        start = a_start(theirs.new_thread)
        assert isinstance(await self.refused(run_starts, database, caller, start), RowNotFound)
        assert await everything(database, stranger) == before

    async def test_another_users_thread_id_for_a_new_thread(
        self, run_starts: RunStarts, database: Database, caller: Caller, stranger: Caller
    ) -> None:
        theirs = a_first_start()
        await begun(run_starts, stranger, theirs)
        with pytest.raises(Problem):
            await run_starts.begin(caller, replace(theirs, run_id=new_id("run")))
        threads, items, all_runs, *_ = await everything(database, caller)
        assert (threads, items, all_runs) == ([], [], [])

    @pytest.mark.parametrize("status", [LockedStatus(), ClosedStatus(reason="done")])
    async def test_a_thread_that_takes_no_messages(
        self,
        run_starts: RunStarts,
        store: PostgresStore,
        database: Database,
        caller: Caller,
        status: LockedStatus | ClosedStatus,
    ) -> None:
        thread = a_thread(status=status)
        await store.save_thread(thread, caller)
        problem = await self.refused(run_starts, database, caller, a_start(thread))
        assert isinstance(problem, ThreadLocked)

    async def test_a_run_in_progress(
        self, run_starts: RunStarts, database: Database, caller: Caller
    ) -> None:
        first = a_first_start()
        await begun(run_starts, caller, first)
        assert first.new_thread
        problem = await self.refused(run_starts, database, caller, a_start(first.new_thread))
        assert isinstance(problem, RunInProgress)
        assert problem.retry_after_s

    async def test_a_message_that_cannot_be_kept(
        self, run_starts: RunStarts, database: Database, caller: Caller
    ) -> None:
        thread = a_thread()
        start = a_start(thread, "a\0", new_thread=thread)
        assert isinstance(await self.refused(run_starts, database, caller, start), Invalid)

    async def test_too_many_requests(
        self, run_starts: RunStarts, runs: Runs, database: Database, caller: Caller, owner_url: str
    ) -> None:
        self.spend(owner_url, caller, requests=3)
        start = a_first_start(requests_per_minute=3)
        problem = await self.refused(run_starts, database, caller, start)
        assert isinstance(problem, RateLimited)
        assert problem.retry_after_s is not None
        assert 0 < problem.retry_after_s <= 60
        await begun(run_starts, caller, replace(start, requests_per_minute=4))
        await runs.finish(caller, start.run_id, "completed")

    async def test_too_many_tokens(
        self, run_starts: RunStarts, database: Database, caller: Caller, owner_url: str
    ) -> None:
        self.spend(owner_url, caller, tokens=1000)
        start = a_first_start(tokens_per_day=1000)
        problem = await self.refused(run_starts, database, caller, start)
        assert isinstance(problem, RateLimited)
        assert problem.retry_after_s is not None
        assert 0 < problem.retry_after_s <= 86_400
        await begun(run_starts, caller, replace(start, tokens_per_day=1001))

    @pytest.mark.parametrize("limit", ["requests_per_minute", "tokens_per_day"])
    async def test_a_limit_of_zero_lets_nothing_through(
        self, run_starts: RunStarts, database: Database, caller: Caller, limit: str
    ) -> None:
        problem = await self.refused(run_starts, database, caller, a_first_start(**{limit: 0}))
        assert isinstance(problem, RateLimited)

    async def test_limits_are_each_users_own(
        self, run_starts: RunStarts, caller: Caller, stranger: Caller, owner_url: str
    ) -> None:
        self.spend(owner_url, stranger, requests=100, tokens=100_000)
        await begun(run_starts, caller, a_first_start(requests_per_minute=1, tokens_per_day=1))

    def spend(self, owner_url: str, caller: Caller, requests: int = 0, tokens: int = 0) -> None:
        """Use up limits in this window and the next, lest the clock run over in between."""
        with psycopg.connect(owner_url) as owner:
            owner.execute(
                "insert into usage_minutes select %s, date_trunc('minute', now())"
                " + n * interval '1 minute', %s from generate_series(0, 1) as n",
                (caller.user_id, requests),
            )
            owner.execute(
                "insert into usage_days select %s, (now() at time zone 'UTC')::date + n, %s"
                " from generate_series(0, 1) as n",
                (caller.user_id, tokens),
            )


class TestIdempotencyKeys:
    async def test_a_finished_run_is_replayed(
        self, run_starts: RunStarts, runs: Runs, database: Database, caller: Caller
    ) -> None:
        start = a_first_start(idempotency_key="key", request_hash=b"h")
        await begun(run_starts, caller, start)
        await runs.finish(caller, start.run_id, "completed", usage=RunUsage(1, 2, 3.0))
        before = await everything(database, caller)
        again = a_first_start(idempotency_key="key", request_hash=b"h")
        expected = Replay(start.run_id, start.thread_id, "completed")
        assert await run_starts.begin(caller, again) == expected
        known = replace(again, new_thread=None, thread_id=start.thread_id)
        assert await run_starts.begin(caller, known) == expected
        assert await everything(database, caller) == before

    async def test_another_request_under_the_same_key(
        self, run_starts: RunStarts, runs: Runs, caller: Caller
    ) -> None:
        start = a_first_start(idempotency_key="key", request_hash=b"h")
        await begun(run_starts, caller, start)
        other = a_first_start(idempotency_key="key", request_hash=b"other")
        with pytest.raises(KeyReused):
            await run_starts.begin(caller, other)
        await runs.finish(caller, start.run_id, "completed")
        with pytest.raises(KeyReused):
            await run_starts.begin(caller, other)

    async def test_a_request_that_is_still_answered(
        self, run_starts: RunStarts, caller: Caller
    ) -> None:
        start = a_first_start(idempotency_key="key", request_hash=b"h")
        await begun(run_starts, caller, start)
        for again in (
            a_first_start(idempotency_key="key", request_hash=b"h"),
            replace(start, run_id=new_id("run"), new_thread=None),
        ):
            with pytest.raises(KeyInProgress) as caught:
                await run_starts.begin(caller, again)
            assert caught.value.retry_after_s

    async def test_a_run_that_crashed_counts_as_failed(
        self, run_starts: RunStarts, caller: Caller
    ) -> None:
        start = a_first_start(idempotency_key="key", request_hash=b"h", lease_s=-1)
        await begun(run_starts, caller, start)
        again = a_first_start(idempotency_key="key", request_hash=b"h")
        expected = Replay(start.run_id, start.thread_id, "failed")
        assert await run_starts.begin(caller, again) == expected
        assert await run_starts.replay(caller, "key", b"h") == expected

    async def test_the_same_key_of_another_user(
        self, run_starts: RunStarts, caller: Caller, stranger: Caller
    ) -> None:
        for user in (caller, stranger):
            start = a_first_start(idempotency_key="key", request_hash=user.user_id.encode())
            await begun(run_starts, user, start)

    async def test_one_of_many_at_once_begins(
        self, run_starts: RunStarts, database: Database, caller: Caller
    ) -> None:
        starts = [a_first_start(idempotency_key="key", request_hash=b"h") for _ in range(6)]
        results = await asyncio.gather(
            *(run_starts.begin(caller, start) for start in starts), return_exceptions=True
        )
        assert sum(isinstance(result, BegunRun) for result in results) == 1
        assert sum(isinstance(result, KeyInProgress) for result in results) == 5
        threads, items, all_runs, *_ = await everything(database, caller)
        assert (len(threads), len(items), len(all_runs)) == (1, 1, 1)


class TestOneRunPerThread:
    async def test_one_of_many_at_once_begins(
        self, run_starts: RunStarts, store: PostgresStore, database: Database, caller: Caller
    ) -> None:
        thread = a_thread()
        await store.save_thread(thread, caller)
        results = await asyncio.gather(
            *(run_starts.begin(caller, a_start(thread)) for _ in range(8)), return_exceptions=True
        )
        assert sum(isinstance(result, BegunRun) for result in results) == 1
        assert sum(isinstance(result, RunInProgress) for result in results) == 7
        _, items, all_runs, *_ = await everything(database, caller)
        assert (len(items), len(all_runs)) == (1, 1)

    async def test_a_run_whose_lease_ran_out_makes_way(
        self, run_starts: RunStarts, runs: Runs, database: Database, caller: Caller
    ) -> None:
        crashed = a_first_start(lease_s=-1)
        await begun(run_starts, caller, crashed)
        assert crashed.new_thread
        start = a_start(crashed.new_thread)
        assert await run_starts.begin(caller, start) == Unsettled(crashed.run_id)
        left = a_message(crashed.thread_id)
        assert await runs.settle(caller, crashed.run_id, new=[left])
        run = await begun(run_starts, caller, start)
        assert run.items == (crashed.item, left, start.item)
        view = (await runs.events(caller, crashed.run_id)).run
        assert (view.status, view.error) == ("failed", {"code": "lease_expired"})
        assert not (await runs.beat(caller, crashed.run_id, 30)).still_owner
        assert not await runs.finish(caller, crashed.run_id, "completed")
        [usage] = await database.run(caller.user_id, Statement("select tokens from usage_days"))
        assert usage == [{"tokens": 0}]

    async def test_two_threads_run_side_by_side(
        self, run_starts: RunStarts, caller: Caller
    ) -> None:
        for _ in range(2):
            await begun(run_starts, caller, a_first_start())


async def test_a_message_keeps_its_options(run_starts: RunStarts, caller: Caller) -> None:
    thread = a_thread(title="t")
    item = a_message(thread.id, quoted_text="q", inference_options=InferenceOptions(model="m"))
    run = await begun(run_starts, caller, a_start(thread, new_thread=thread, item=item))
    [loaded] = run.items
    assert isinstance(loaded, UserMessageItem)
    assert loaded.model_dump_json() == item.model_dump_json()


class TestFiles:
    @staticmethod
    def showing(thread: ThreadMetadata, *files: FileAttachment) -> UserMessageItem:
        return a_message(thread.id, "look", attachments=list(files))

    @pytest.mark.parametrize("known", [True, False], ids=["known thread", "new thread"])
    async def test_a_message_whose_file_is_gone_by_now_is_not_saved(
        self, run_starts: RunStarts, store: PostgresStore, caller: Caller, known: bool
    ) -> None:
        thread = a_thread()
        if known:
            await store.save_thread(thread, caller)
        there, gone = an_attachment(), an_attachment()
        await store.save_attachment(there, caller)
        message = self.showing(thread, there, gone)
        start = a_start(thread, item=message, new_thread=None if known else thread)
        with pytest.raises(RowNotFound):
            await run_starts.begin(caller, start)
        with pytest.raises(RowNotFound):
            await store.load_item(thread.id, message.id, caller)
        assert (await store.load_attachment(there.id, caller)).thread_id is None
        again = a_start(thread, item=self.showing(thread, there), new_thread=start.new_thread)
        assert isinstance(await run_starts.begin(caller, again), BegunRun)

    async def test_a_file_that_another_thread_took_meanwhile(
        self, run_starts: RunStarts, store: PostgresStore, caller: Caller
    ) -> None:
        file = an_attachment()
        await store.save_attachment(file, caller)
        first, second = a_thread(), a_thread()
        for thread in (first, second):
            await store.save_thread(thread, caller)
        await run_starts.begin(caller, a_start(first, item=self.showing(first, file)))
        with pytest.raises(RowNotFound):
            await run_starts.begin(caller, a_start(second, item=self.showing(second, file)))

    async def test_a_beginning_that_is_sent_twice(
        self, run_starts: RunStarts, store: PostgresStore, caller: Caller
    ) -> None:
        file = an_attachment()
        await store.save_attachment(file, caller)
        thread = a_thread()
        start = a_start(thread, item=self.showing(thread, file), new_thread=thread)
        for _ in range(2):
            assert isinstance(await run_starts.begin(caller, start), BegunRun)
