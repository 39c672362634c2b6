"""Places of those who follow runs: a few for each user, wherever they are taken."""

import asyncio

import psycopg
import pytest
from tests.store.conformance import a_message, a_thread

from sidestream.caller import Caller
from sidestream.problems import RateLimited
from sidestream.store.codec import RowNotFound
from sidestream.store.database import Database
from sidestream.store.followers import Followers
from sidestream.store.ids import new_id
from sidestream.store.run_start import RunStart
from sidestream.store.run_starts import RunStarts
from sidestream.store.threads import PostgresStore


async def a_run(database: Database, caller: Caller) -> RunStart:
    thread = a_thread()
    start = RunStart(
        new_id("run"), thread.id, new_thread=thread, item=a_message(thread.id, id="msg_1")
    )
    await RunStarts(database).begin(caller, start)
    return start


@pytest.fixture
def followers(database: Database) -> Followers:
    return Followers(database)


async def test_a_few_for_each_user(
    followers: Followers, database: Database, caller: Caller, stranger: Caller
) -> None:
    first, second = [(await a_run(database, caller)).run_id for _ in range(2)]
    places = [await followers.join(caller, run, most=2, lease_s=60) for run in (first, second)]
    with pytest.raises(RateLimited) as refused:
        await followers.join(caller, first, most=2, lease_s=60)
    assert 0 < (refused.value.retry_after_s or 0) <= 60
    theirs = (await a_run(database, stranger)).run_id
    await followers.join(stranger, theirs, most=2, lease_s=60)
    await followers.leave(stranger, places[0])
    with pytest.raises(RateLimited):
        await followers.join(caller, first, most=2, lease_s=60)
    await followers.leave(caller, places[0])
    await followers.join(caller, first, most=2, lease_s=60)


async def test_a_place_that_is_not_given_back_ends(
    followers: Followers, database: Database, caller: Caller, owner_url: str
) -> None:
    run_id = (await a_run(database, caller)).run_id
    await followers.join(caller, run_id, most=1, lease_s=60)
    with psycopg.connect(owner_url) as owner:
        owner.execute(
            "update followers set expires_at = now() where user_id = %s", (caller.user_id,)
        )
    await followers.join(caller, run_id, most=1, lease_s=60)


async def test_those_who_come_at_once_are_counted(
    database: Database, pooled_database: Database, caller: Caller
) -> None:
    run_id = (await a_run(database, caller)).run_id
    joins = [
        Followers(place).join(caller, run_id, most=3, lease_s=60)
        for place in (database, pooled_database) * 6
    ]
    ends = await asyncio.gather(*joins, return_exceptions=True)
    assert len([end for end in ends if isinstance(end, str)]) == 3
    assert len([end for end in ends if isinstance(end, RateLimited)]) == 9


async def test_a_run_that_is_not_there_or_not_yours(
    followers: Followers, database: Database, caller: Caller, stranger: Caller
) -> None:
    theirs = (await a_run(database, stranger)).run_id
    for run_id in (theirs, new_id("run")):
        with pytest.raises(RowNotFound):
            await followers.join(caller, run_id, most=3, lease_s=60)


async def test_places_go_with_their_run(
    followers: Followers, database: Database, caller: Caller
) -> None:
    start = await a_run(database, caller)
    await followers.join(caller, start.run_id, most=1, lease_s=60)
    await PostgresStore(database).delete_thread(start.thread_id, caller)
    other = (await a_run(database, caller)).run_id
    await followers.join(caller, other, most=1, lease_s=60)
