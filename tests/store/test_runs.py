from datetime import timedelta

import psycopg
import pytest
from tests.store.conformance import a_message, a_thread

from sidestream.caller import Caller
from sidestream.problems import KeyInProgress
from sidestream.store.codec import RowNotFound
from sidestream.store.database import Database, Statement
from sidestream.store.ids import new_id
from sidestream.store.run_start import BegunRun, Replay, RunStart
from sidestream.store.run_starts import RunStarts
from sidestream.store.run_view import BeatResult, RunUsage
from sidestream.store.runs import Runs
from sidestream.store.threads import PostgresStore

STILL_OURS = BeatResult(stop_requested=False, still_owner=True)
NO_LONGER_OURS = BeatResult(stop_requested=False, still_owner=False)


@pytest.fixture
def runs(database: Database) -> Runs:
    return Runs(database)


@pytest.fixture
async def started(database: Database, caller: Caller) -> RunStart:
    """A run of the caller that has just begun."""
    return await a_run(database, caller)


async def a_run(
    database: Database, caller: Caller, lease_s: float = 30, key: str | None = None
) -> RunStart:
    thread = a_thread()
    start = RunStart(
        new_id("run"),
        thread.id,
        new_thread=thread,
        item=a_message(thread.id),
        idempotency_key=key or new_id("key"),
        request_hash=b"h",
        lease_s=lease_s,
    )
    assert isinstance(await RunStarts(database).begin(caller, start), BegunRun)
    return start


class TestBeat:
    async def test_frames_are_numbered_and_kept_in_order(
        self, runs: Runs, started: RunStart, database: Database, caller: Caller
    ) -> None:
        before = database.round_trips
        assert await runs.beat(caller, started.run_id, 30, ["a", b"b"], first=1) == STILL_OURS
        assert database.round_trips - before == 1
        assert await runs.beat(caller, started.run_id, 30) == STILL_OURS
        await runs.beat(caller, started.run_id, 30, ['{"ب": "\\u0000"}'], first=3)
        events = await runs.events(caller, started.run_id)
        assert events.frames == ((1, "a"), (2, "b"), (3, '{"ب": "\\u0000"}'))
        assert (events.run.status, events.run.last_event) == ("running", 3)

    async def test_a_batch_that_is_sent_again_is_kept_once(
        self, runs: Runs, started: RunStart, caller: Caller
    ) -> None:
        for _ in range(2):
            assert await runs.beat(caller, started.run_id, 30, ["a", "b"], first=1) == STILL_OURS
        assert (await runs.events(caller, started.run_id)).frames == ((1, "a"), (2, "b"))

    async def test_a_longer_batch_from_the_same_number_adds_what_is_new(
        self, runs: Runs, started: RunStart, caller: Caller
    ) -> None:
        """The answer to a beat that was saved got lost, and more was written meanwhile."""
        await runs.beat(caller, started.run_id, 30, ["1", "2"], first=1)
        await runs.finish(caller, started.run_id, "completed", frames=["1", "2", "3"], first=1)
        events = await runs.events(caller, started.run_id)
        assert events.frames == ((1, "1"), (2, "2"), (3, "3"))
        assert events.run.last_event == 3

    async def test_it_renews_the_lease(
        self, runs: Runs, started: RunStart, database: Database, caller: Caller
    ) -> None:
        query = Statement("select lease_expires_at from runs")
        [[before]] = await database.run(caller.user_id, query)
        assert await runs.beat(caller, started.run_id, 60) == STILL_OURS
        [[after]] = await database.run(caller.user_id, query)
        assert after["lease_expires_at"] > before["lease_expires_at"]

    async def test_a_run_that_died_stays_dead(
        self, runs: Runs, database: Database, caller: Caller
    ) -> None:
        """Somebody may have been told so already."""
        late = await a_run(database, caller, lease_s=-1)
        assert await runs.beat(caller, late.run_id, 30, ["a"], first=1) == NO_LONGER_OURS
        events = await runs.events(caller, late.run_id)
        assert (events.run.status, events.run.died, events.frames) == ("failed", True, ())

    async def test_it_tells_of_a_stop(self, runs: Runs, started: RunStart, caller: Caller) -> None:
        await runs.request_stop(caller, started.thread_id)
        assert await runs.beat(caller, started.run_id, 30) == BeatResult(True, True)

    async def test_a_run_that_is_over_or_deleted_or_foreign_takes_nothing(
        self,
        runs: Runs,
        started: RunStart,
        database: Database,
        caller: Caller,
        stranger: Caller,
    ) -> None:
        assert await runs.beat(stranger, started.run_id, 30, ["x"], first=1) == NO_LONGER_OURS
        await runs.finish(caller, started.run_id, "completed")
        assert await runs.beat(caller, started.run_id, 30, ["x"], first=1) == NO_LONGER_OURS
        assert (await runs.events(caller, started.run_id)).frames == ()
        await PostgresStore(database).delete_thread(started.thread_id, caller)
        assert await runs.beat(caller, started.run_id, 30, ["x"], first=1) == NO_LONGER_OURS


class TestFinish:
    async def test_it_keeps_how_it_ended_and_the_last_frames(
        self, runs: Runs, started: RunStart, database: Database, caller: Caller
    ) -> None:
        await runs.beat(caller, started.run_id, 30, ["a"], first=1)
        before = database.round_trips
        done = await runs.finish(
            caller,
            started.run_id,
            "failed",
            error={"code": "model_unavailable"},
            usage=RunUsage(10, 5, 123.5),
            frames=["b"],
            first=2,
        )
        assert done
        assert database.round_trips - before == 1
        events = await runs.events(caller, started.run_id)
        assert events.frames == ((1, "a"), (2, "b"))
        assert (events.run.status, events.run.error) == ("failed", {"code": "model_unavailable"})
        assert events.run.ended_at is not None
        rows, days = await database.run(
            caller.user_id,
            Statement("select input_tokens, output_tokens, ttft_ms from runs"),
            Statement("select tokens from usage_days"),
        )
        assert rows == [{"input_tokens": 10, "output_tokens": 5, "ttft_ms": 123.5}]
        assert days == [{"tokens": 15}]

    async def test_a_second_end_changes_nothing(
        self, runs: Runs, started: RunStart, database: Database, caller: Caller
    ) -> None:
        usage = RunUsage(10, 5)
        assert await runs.finish(caller, started.run_id, "stopped", usage=usage)
        assert not await runs.finish(
            caller, started.run_id, "completed", usage=usage, frames=["x"], first=1
        )
        events = await runs.events(caller, started.run_id)
        assert (events.run.status, events.frames) == ("stopped", ())
        [days] = await database.run(caller.user_id, Statement("select tokens from usage_days"))
        assert days == [{"tokens": 15}]

    async def test_a_run_that_died_has_failed_and_its_tokens_count(
        self, runs: Runs, database: Database, caller: Caller
    ) -> None:
        late = await a_run(database, caller, lease_s=-1)
        usage = RunUsage(10, 5)
        for _ in range(2):
            done = await runs.finish(caller, late.run_id, "completed", usage=usage, frames=["x"])
            assert not done
        events = await runs.events(caller, late.run_id)
        assert (events.run.status, events.run.died, events.frames) == ("failed", True, ())
        [days] = await database.run(caller.user_id, Statement("select tokens from usage_days"))
        assert days == [{"tokens": 15}]

    async def test_another_user_cannot_end_it(
        self, runs: Runs, started: RunStart, caller: Caller, stranger: Caller
    ) -> None:
        assert not await runs.finish(stranger, started.run_id, "failed")
        assert (await runs.events(caller, started.run_id)).run.status == "running"

    async def test_the_thread_is_free_again(
        self, runs: Runs, started: RunStart, database: Database, caller: Caller
    ) -> None:
        await runs.finish(caller, started.run_id, "completed")
        again = RunStart(new_id("run"), started.thread_id)
        assert isinstance(await RunStarts(database).begin(caller, again), BegunRun)

    @pytest.mark.parametrize("lease_s", [30, -1])
    async def test_a_key_is_forgotten_whatever_became_of_its_run(
        self, runs: Runs, database: Database, caller: Caller, lease_s: float, owner_url: str
    ) -> None:
        run_starts = RunStarts(database)
        old = await a_run(database, caller, lease_s=lease_s)
        if lease_s > 0:
            await runs.finish(caller, old.run_id, "stopped")
        key, request_hash = old.idempotency_key, old.request_hash
        self.age(owner_url, [caller], timedelta(hours=23))
        assert isinstance(await run_starts.replay(caller, key, request_hash), Replay)
        self.age(owner_url, [caller], timedelta(hours=2))
        assert await run_starts.replay(caller, key, request_hash) is None
        again = await a_run(database, caller, key=key)
        with pytest.raises(KeyInProgress):
            await run_starts.replay(caller, key, again.request_hash)

    async def test_the_key_of_a_long_run_is_kept(
        self, started: RunStart, database: Database, caller: Caller
    ) -> None:
        """Whatever its clock says, it is alive."""
        with pytest.raises(KeyInProgress):
            await RunStarts(database, keep_s=-60).replay(
                caller, started.idempotency_key, started.request_hash
            )

    def age(self, owner_url: str, users: list[Caller], by: timedelta) -> None:
        ids = [user.user_id for user in users]
        with psycopg.connect(owner_url) as owner:
            for statement in (
                "update run_events set created_at = created_at - %s where user_id = any(%s)",
                "update runs set ended_at = ended_at - %s where user_id = any(%s)",
                "update runs set lease_expires_at = lease_expires_at - %s where user_id = any(%s)",
                "update usage_minutes set minute = minute - %s where user_id = any(%s)",
            ):
                owner.execute(statement, (by, ids))


class TestRequestStop:
    async def test_it_names_the_run(self, runs: Runs, started: RunStart, caller: Caller) -> None:
        for _ in range(2):
            assert await runs.request_stop(caller, started.thread_id) == started.run_id
        view = await runs.current(caller, started.thread_id)
        assert view is not None
        assert view.stop_requested

    async def test_nothing_is_running(
        self, runs: Runs, started: RunStart, database: Database, caller: Caller
    ) -> None:
        await runs.finish(caller, started.run_id, "completed")
        crashed = await a_run(database, caller, lease_s=-1)
        for start in (started, crashed):
            assert await runs.request_stop(caller, start.thread_id) is None

    async def test_another_users_thread(
        self, runs: Runs, started: RunStart, caller: Caller, stranger: Caller
    ) -> None:
        for thread_id in (started.thread_id, "thr_none"):
            with pytest.raises(RowNotFound):
                await runs.request_stop(stranger, thread_id)
        assert await runs.beat(caller, started.run_id, 30) == STILL_OURS


class TestCurrent:
    async def test_it_is_the_latest(
        self, runs: Runs, started: RunStart, database: Database, caller: Caller
    ) -> None:
        view = await runs.current(caller, started.thread_id)
        assert view is not None
        assert (view.run_id, view.status, view.last_event) == (started.run_id, "running", 0)
        assert started.item
        assert view.user_item_id == started.item.id
        await runs.finish(caller, started.run_id, "completed")
        again = RunStart(new_id("run"), started.thread_id)
        await RunStarts(database).begin(caller, again)
        view = await runs.current(caller, started.thread_id)
        assert view is not None
        assert (view.run_id, view.user_item_id) == (again.run_id, None)

    async def test_a_thread_without_a_run(
        self, runs: Runs, database: Database, caller: Caller
    ) -> None:
        thread = a_thread()
        await PostgresStore(database).save_thread(thread, caller)
        assert await runs.current(caller, thread.id) is None

    async def test_another_users_thread(
        self, runs: Runs, started: RunStart, stranger: Caller
    ) -> None:
        for thread_id in (started.thread_id, "thr_none"):
            with pytest.raises(RowNotFound):
                await runs.current(stranger, thread_id)


class TestEvents:
    @pytest.mark.parametrize("after", range(7))
    async def test_it_goes_on_anywhere_in_a_batch(
        self, runs: Runs, started: RunStart, caller: Caller, after: int
    ) -> None:
        await runs.beat(caller, started.run_id, 30, ["1", "2", "3"], first=1)
        await runs.beat(caller, started.run_id, 30, ["4"], first=4)
        await runs.finish(caller, started.run_id, "completed", frames=["5", "6"], first=5)
        events = await runs.events(caller, started.run_id, after)
        assert events.frames == tuple((n, str(n)) for n in range(after + 1, 7))
        assert events.run.status == "completed"

    async def test_another_users_run(self, runs: Runs, started: RunStart, stranger: Caller) -> None:
        for run_id in (started.run_id, "run_none"):
            with pytest.raises(RowNotFound):
                await runs.events(stranger, run_id)
