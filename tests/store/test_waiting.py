"""Every wait on Postgres has a bound, and the one for a connection is in order and told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from tests.store.proxy import Proxy

from sidestream.caller import Caller
from sidestream.problems import DatabaseUnavailable, OutcomeUnknown
from sidestream.store.database import Database, Statement
from sidestream.store.waiting import measured_waits

ONE = Statement("select 1 as one")
WRITE = Statement("delete from tickets where false")
PATIENCE_S = 30


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[Database]:
    database = Database(url, **options)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def nap(seconds: float) -> Statement:
    return Statement("select pg_sleep(%s)::text", (seconds,))


class TestSilence:
    """The connection lives, and nothing comes."""

    OPTIONS: ClassVar = {"timeout_s": 0.4, "answer_timeout_s": 0.6, "min_size": 2, "max_size": 2}

    @pytest.mark.parametrize("idle_check_s", [0.0, 60.0])
    @pytest.mark.parametrize(
        ("statement", "kind"), [(ONE, DatabaseUnavailable), (WRITE, OutcomeUnknown)]
    )
    async def test_of_all_connections(
        self, app_url: str, idle_check_s: float, statement: Statement, kind: type[Exception]
    ) -> None:
        options = self.OPTIONS | {"idle_check_s": idle_check_s}
        async with Proxy(app_url) as proxy, opened(proxy.url, **options) as database:
            await asyncio.gather(*(database.run("u", nap(0.1)) for _ in range(2)))
            proxy.silence()
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(DatabaseUnavailable) as caught:
                    await database.run("u", statement)
            asked = idle_check_s > 0
            assert type(caught.value) is (kind if asked else DatabaseUnavailable)
            proxy.speak()

    async def test_of_those_beside_one_that_was_lost(self, app_url: str) -> None:
        async with Proxy(app_url) as proxy, opened(proxy.url, **self.OPTIONS) as database:
            await asyncio.gather(*(database.run("u", nap(0.1)) for _ in range(2)))
            await proxy.cut()
            proxy.silence()
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(DatabaseUnavailable):
                    await database.run("u", ONE)
            proxy.speak()

    async def test_while_many_wait(self, app_url: str) -> None:
        """Nobody waits for the turn of those before, when nothing comes of it."""
        options = self.OPTIONS | {"queue_s": 10 * PATIENCE_S, "answer_timeout_s": 1.0}
        async with Proxy(app_url) as proxy, opened(proxy.url, **options) as database:
            await database.run("u", ONE)
            proxy.silence()
            async with asyncio.timeout(PATIENCE_S):
                calls = (database.run("u", ONE) for _ in range(100))
                results = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(result) for result in results} == {DatabaseUnavailable}
            proxy.speak()

    async def test_in_closing(self, app_url: str) -> None:
        async with Proxy(app_url) as proxy:
            database = Database(proxy.url, answer_timeout_s=1.0, max_size=1)
            await database.open()
            await database.run("u", ONE)
            proxy.silence()
            calls = [asyncio.create_task(database.run("u", WRITE)) for _ in range(3)]
            while database.round_trips == 1:  # noqa: ASYNC110
                await asyncio.sleep(0)
            async with asyncio.timeout(PATIENCE_S):
                await database.close()
                results = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(result) for result in results] == [
                OutcomeUnknown,
                DatabaseUnavailable,
                DatabaseUnavailable,
            ]
            proxy.speak()


class TestClosing:
    async def test_what_is_under_way_ends(self, app_url: str) -> None:
        database = Database(app_url)
        await database.open()
        call = asyncio.create_task(database.run("u", nap(0.3)))
        while database.round_trips == 0:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await database.close()
        assert call.done()
        assert await call == [[{"pg_sleep": ""}]]

    async def test_one_limit_for_all_of_it(self, app_url: str) -> None:
        """What waits in line behind one connection would take ten times as long."""
        database = Database(app_url, answer_timeout_s=2.0, max_size=1)
        await database.open()
        calls = [asyncio.create_task(database.run("u", nap(1))) for _ in range(20)]
        while database.round_trips == 0:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await database.close()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert results[0] == [[{"pg_sleep": ""}]]
        assert {type(result) for result in results[5:]} == {DatabaseUnavailable}


class TestOneBoundForAllSendings:
    async def test_the_second_has_what_the_first_has_left(self, app_url: str) -> None:
        timeout = Statement("select current_setting('statement_timeout') as timeout")
        async with Proxy(app_url) as proxy, opened(proxy.url, answer_timeout_s=10) as database:
            [[whole]] = await database.run("u", timeout)
            call = asyncio.create_task(database.run("u", timeout, nap(1)))
            while database.round_trips == 1:  # noqa: ASYNC110
                await asyncio.sleep(0)
            await asyncio.sleep(0.5)
            await proxy.cut()
            [[left], _] = await call
        assert whole["timeout"] == "8s"
        assert left["timeout"].endswith("ms")
        assert int(left["timeout"][:-2]) <= 7_600

    async def test_a_second_that_finds_silence(self, app_url: str, caller: Caller) -> None:
        """Its answer is not waited for as long as the first one's was."""
        async with Proxy(app_url) as proxy, opened(proxy.url, answer_timeout_s=3) as database:
            call = asyncio.create_task(database.run(caller.user_id, nap(2), WRITE))
            while database.round_trips == 0:  # noqa: ASYNC110
                await asyncio.sleep(0)
            await asyncio.sleep(1)
            await proxy.cut()
            with pytest.raises(OutcomeUnknown):
                await call
            assert database.round_trips == 2


class TestLine:
    """More calls than connections."""

    async def test_is_served_in_order_for_longer_than_one_would_wait(self, app_url: str) -> None:
        served: list[int] = []

        async def one(number: int, database: Database) -> None:
            await database.run("u", nap(0.4))
            served.append(number)

        async with opened(app_url, max_size=1, timeout_s=1.5) as database:
            with measured_waits() as waits:
                await asyncio.gather(*(one(number, database) for number in range(8)))
        assert served == list(range(8))
        assert waits.count == 8
        assert waits.total_ms > sum(400 * before for before in range(8))

    async def test_has_an_end(self, app_url: str) -> None:
        async with opened(app_url, max_size=1, queue_s=1.5) as database:
            calls = (database.run("u", nap(0.5)) for _ in range(10))
            results = await asyncio.gather(*calls, return_exceptions=True)
        kinds = [type(result) for result in results]
        answered = kinds.count(list)
        assert 0 < answered < 10
        assert kinds == [list] * answered + [DatabaseUnavailable] * (10 - answered)
