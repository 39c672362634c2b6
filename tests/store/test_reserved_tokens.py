"""Tokens of runs: reserved as they begin, in place of what is not known yet, and settled at the
end, whatever has become of the run."""

import asyncio
from dataclasses import replace

import psycopg
import pytest
from tests.store.conformance import a_message, a_thread

from sidestream.caller import Caller
from sidestream.problems import RateLimited
from sidestream.store.database import Database, Statement
from sidestream.store.ids import new_id
from sidestream.store.run_start import BegunRun, RunStart
from sidestream.store.run_starts import RunStarts
from sidestream.store.run_view import RunUsage
from sidestream.store.runs import Runs
from sidestream.store.threads import PostgresStore

RESERVED = 1000
USAGE = RunUsage(10, 5)


def a_start() -> RunStart:
    thread = a_thread()
    return RunStart(
        new_id("run"),
        thread.id,
        new_thread=thread,
        item=a_message(thread.id),
        tokens_per_day=2 * RESERVED,
        reserved_tokens=RESERVED,
    )


async def begun(database: Database, caller: Caller) -> RunStart:
    start = a_start()
    assert isinstance(await RunStarts(database).begin(caller, start), BegunRun)
    return start


async def counted(database: Database, caller: Caller) -> int:
    query = "select coalesce(sum(tokens), 0)::int as tokens from usage_days"
    [[row]] = await database.run(caller.user_id, Statement(query))
    return int(row["tokens"])


def die(owner_url: str, start: RunStart) -> None:
    with psycopg.connect(owner_url) as owner:
        owner.execute("update runs set lease_expires_at = now() where id = %s", (start.run_id,))


async def test_those_that_begin_at_once(
    database: Database, pooled_database: Database, caller: Caller
) -> None:
    begins = [
        RunStarts(place).begin(caller, a_start()) for place in (database, pooled_database) * 3
    ]
    ends = await asyncio.gather(*begins, return_exceptions=True)
    assert len([end for end in ends if isinstance(end, BegunRun)]) == 2
    assert len([end for end in ends if isinstance(end, RateLimited)]) == 4
    assert await counted(database, caller) == 2 * RESERVED


async def test_the_end_says_what_it_was(database: Database, caller: Caller) -> None:
    start = await begun(database, caller)
    assert await counted(database, caller) == RESERVED
    for _ in range(2):
        await Runs(database).finish(
            caller, start.run_id, "completed", usage=USAGE, reserved_tokens=RESERVED
        )
        assert await counted(database, caller) == 15


async def test_nothing_spent(database: Database, caller: Caller) -> None:
    start = await begun(database, caller)
    await Runs(database).finish(caller, start.run_id, "failed", reserved_tokens=RESERVED)
    assert await counted(database, caller) == 0


@pytest.mark.parametrize("settled", [False, True])
async def test_a_process_that_died(
    database: Database, caller: Caller, owner_url: str, settled: bool
) -> None:
    """What it spent is not known, and may be told late."""
    runs, start = Runs(database), await begun(database, caller)
    die(owner_url, start)
    if settled:
        assert await runs.settle(caller, start.run_id)
    assert await counted(database, caller) == RESERVED
    for _ in range(2):
        await runs.finish(caller, start.run_id, "completed", usage=USAGE, reserved_tokens=RESERVED)
        assert await counted(database, caller) == 15


async def test_a_thread_that_is_deleted_meanwhile(database: Database, caller: Caller) -> None:
    start = await begun(database, caller)
    await PostgresStore(database).delete_thread(start.thread_id, caller)
    assert await counted(database, caller) == RESERVED
    assert not await Runs(database).finish(
        caller, start.run_id, "failed", usage=USAGE, reserved_tokens=RESERVED
    )
    assert await counted(database, caller) == 15


async def test_without_a_limit_nothing_is_reserved_and_all_is_counted(
    database: Database, caller: Caller
) -> None:
    start = replace(a_start(), tokens_per_day=None, reserved_tokens=0)
    await RunStarts(database).begin(caller, start)
    await Runs(database).finish(caller, start.run_id, "completed", usage=USAGE)
    assert await counted(database, caller) == 15
