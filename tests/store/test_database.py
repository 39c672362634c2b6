import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

import psycopg
import pytest
from tests.store.proxy import Proxy

from sidestream.caller import Caller
from sidestream.problems import DatabaseUnavailable, Invalid, OutcomeUnknown
from sidestream.reasons import Reason
from sidestream.store.database import Database, Statement

ADD: Final = """
    insert into tickets (user_id, id, subject, request_hash) values (%s, %s, 'printer', '')
    on conflict do nothing
"""
LIST: Final = "select id from tickets order by id"
ONE = Statement("select 1 as one")


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[Database]:
    database = Database(url, **options)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def sent(database: Database) -> None:
    """Wait until the first call is on its way."""
    while database.round_trips == 0:  # noqa: ASYNC110
        await asyncio.sleep(0)


def end_connections(admin_url: str, user: str) -> None:
    """End the connections that last ran a statement as a user."""
    with psycopg.connect(admin_url) as admin:
        ended = admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where pid <> pg_backend_pid() and application_name = %s",
            (user,),
        ).fetchall()
    assert ended
    assert all(done for (done,) in ended)


def message_kinds(sent: bytes) -> str:
    """The letter of each message: Parse, Bind, Describe, Execute, Sync, H for Flush."""
    kinds = ""
    while sent:
        kinds += chr(sent[0])
        sent = sent[1 + int.from_bytes(sent[1:5]) :]
    return kinds


class TestRun:
    async def test_each_statement_gives_its_rows_in_one_round_trip(
        self, database: Database, caller: Caller
    ) -> None:
        before = database.round_trips
        results = await database.run(
            caller.user_id,
            Statement(ADD, (caller.user_id, "a")),
            Statement("select %(n)s::int as n, current_setting('app.user_id') as u", {"n": 1}),
            Statement("select id from tickets where false"),
            Statement(LIST),
        )
        assert results == [[], [{"n": 1, "u": caller.user_id}], [], [{"id": "a"}]]
        assert database.round_trips - before == 1

    async def test_all_or_nothing(self, database: Database, caller: Caller) -> None:
        with pytest.raises(psycopg.errors.DivisionByZero):
            await database.run(
                caller.user_id,
                Statement(ADD, (caller.user_id, "a")),
                Statement("select 1 / 0"),
                Statement(ADD, (caller.user_id, "b")),
            )
        assert await database.run(caller.user_id, Statement(LIST)) == [[]]

    @pytest.mark.parametrize("text", ["a\0", "\ud800", ["x", "a\0"]])
    async def test_text_that_cannot_be_sent_stops_all_of_it(
        self, database: Database, caller: Caller, text: str | list[str]
    ) -> None:
        with pytest.raises(Invalid):
            await database.run(
                caller.user_id,
                Statement(ADD, (caller.user_id, "a")),
                Statement("select %s::text", (text,)),
            )
        assert await database.run(caller.user_id, Statement(LIST)) == [[]]

    async def test_text_that_postgres_refuses(self, database: Database, caller: Caller) -> None:
        with pytest.raises(Invalid):
            await database.run(caller.user_id, Statement(r"""select '"\u0000"'::jsonb"""))

    async def test_without_a_user(self, database: Database) -> None:
        with pytest.raises(ValueError, match="user"):
            await database.run("", ONE)

    async def test_before_it_is_open(self, app_url: str) -> None:
        with pytest.raises(RuntimeError, match="not open"):
            await Database(app_url).run("u", ONE)

    async def test_a_cancelled_caller_leaves_nothing_half_done(
        self, app_url: str, database: Database, caller: Caller
    ) -> None:
        async with opened(app_url) as own:
            call = asyncio.create_task(
                own.run(
                    caller.user_id,
                    Statement(ADD, (caller.user_id, "a")),
                    Statement("select pg_sleep(0.1)::text"),
                    Statement(ADD, (caller.user_id, "b")),
                )
            )
            await sent(own)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        assert await database.run(caller.user_id, Statement(LIST)) == [[{"id": "a"}, {"id": "b"}]]

    async def test_a_parameter_that_cannot_be_adapted_stops_all_of_it(
        self, database: Database, caller: Caller
    ) -> None:
        with pytest.raises(psycopg.ProgrammingError):
            await database.run(
                caller.user_id,
                Statement(ADD, (caller.user_id, "a")),
                Statement("select %s::text", (object(),)),
            )
        assert await database.run(caller.user_id, Statement(LIST)) == [[]]

    async def test_nothing_follows_the_sync(self, app_url: str, caller: Caller) -> None:
        """A Flush that comes late would hold on to a pooler's server connection."""
        async with Proxy(app_url) as proxy, opened(proxy.url, max_size=1) as own:
            proxy.sent.clear()
            await own.run(caller.user_id, ONE, ONE)
            with pytest.raises(psycopg.errors.DivisionByZero):
                await own.run(caller.user_id, ONE, Statement("select 1 / 0"), ONE)
            kinds = message_kinds(bytes(proxy.sent))
        assert set(kinds) == set("PBDES")
        assert kinds.startswith("PBDE" * 3 + "S")
        assert kinds.count("S") == 2
        assert kinds.endswith("S")

    async def test_nothing_is_prepared(self, app_url: str, caller: Caller) -> None:
        async with opened(app_url, max_size=1) as own:
            for _ in range(10):
                await own.run(caller.user_id, ONE)
            prepared = Statement("select name from pg_prepared_statements")
            assert await own.run(caller.user_id, prepared) == [[]]


class TestOutcome:
    """Whether a call's writes were kept is told as it is: yes, no, or nobody knows."""

    @pytest.mark.parametrize(("sql", "kind"), [(ADD, OutcomeUnknown), (LIST, DatabaseUnavailable)])
    async def test_lost_after_it_was_asked(
        self, app_url: str, caller: Caller, sql: LiteralString, kind: type[Exception]
    ) -> None:
        async with Proxy(app_url) as proxy, opened(proxy.url, timeout_s=0.5) as database:
            statement = Statement(sql, (caller.user_id, "a") if sql == ADD else ())
            nap = Statement("select pg_sleep(0.2)::text")
            call = asyncio.create_task(database.run(caller.user_id, statement, nap))
            await sent(database)
            await proxy.refuse()
            with pytest.raises(DatabaseUnavailable) as caught:
                await call
            assert type(caught.value) is kind
            await proxy.accept()

    async def test_no_answer(self, app_url: str, caller: Caller) -> None:
        async with Proxy(app_url) as proxy, opened(proxy.url, answer_timeout_s=0.3) as database:
            await database.run(caller.user_id, ONE)
            proxy.silence()
            with pytest.raises(OutcomeUnknown):
                await database.run(caller.user_id, Statement(ADD, (caller.user_id, "a")))
            proxy.speak()

    async def test_a_statement_that_takes_too_long_is_undone(
        self, app_url: str, database: Database, owner_url: str, caller: Caller
    ) -> None:
        """By the server, which waits for a lock: the connection and the others' locks are free."""
        add = Statement(ADD, (caller.user_id, "a"))
        async with opened(app_url, answer_timeout_s=1.5, max_size=1) as own:
            with psycopg.connect(owner_url) as owner:
                owner.execute("lock table tickets in exclusive mode")
                with pytest.raises(DatabaseUnavailable) as caught:
                    await own.run(caller.user_id, add)
                assert type(caught.value) is DatabaseUnavailable
                assert own.round_trips == 1
                mine = Statement("select pid from pg_locks where relation = 'tickets'::regclass")
                assert len((await own.run(caller.user_id, mine))[0]) == 1
            assert await own.run(caller.user_id, add) == [[]]
        assert await database.run(caller.user_id, Statement(LIST)) == [[{"id": "a"}]]

    async def test_never_asked(self, app_url: str, caller: Caller) -> None:
        async with Proxy(app_url) as proxy:
            await proxy.refuse()
            async with opened(proxy.url, timeout_s=0.3) as database:
                with pytest.raises(DatabaseUnavailable) as caught:
                    await database.run(caller.user_id, Statement(ADD, (caller.user_id, "a")))
            assert type(caught.value) is DatabaseUnavailable
            await proxy.accept()

    async def test_done_and_unreadable(self, database: Database, caller: Caller) -> None:
        """It was committed, so it did not fail."""
        returning = ADD + " returning timestamptz 'infinity' as moment"
        with pytest.raises(OutcomeUnknown):
            await database.run(caller.user_id, Statement(returning, (caller.user_id, "a")))
        assert await database.run(caller.user_id, Statement(LIST)) == [[{"id": "a"}]]
        with pytest.raises(psycopg.DataError):
            await database.run(caller.user_id, Statement("select timestamptz 'infinity'"))


class TestLostConnections:
    async def test_an_ended_connection_costs_one_more_round_trip(
        self, app_url: str, admin_url: str, caller: Caller
    ) -> None:
        url = f"{app_url}?application_name={caller.user_id}"
        async with opened(url, min_size=3, max_size=3) as database:
            nap = Statement("select pg_sleep(0.1)::text")
            await asyncio.gather(*(database.run(caller.user_id, nap) for _ in range(3)))
            before = database.round_trips
            end_connections(admin_url, caller.user_id)
            assert await database.run(caller.user_id, ONE) == [[{"one": 1}]]
            assert database.round_trips - before == 2

    async def test_one_that_was_idle_is_tried_first(
        self, app_url: str, admin_url: str, caller: Caller
    ) -> None:
        url = f"{app_url}?application_name={caller.user_id}"
        async with opened(url, idle_check_s=0, max_size=1) as database:
            await database.run(caller.user_id, ONE)
            before = database.round_trips
            end_connections(admin_url, caller.user_id)
            assert await database.run(caller.user_id, ONE) == [[{"one": 1}]]
            assert database.round_trips - before == 1

    @pytest.mark.parametrize("idle_check_s", [0.0, 20.0])
    async def test_many_cost_no_more_than_one(
        self, app_url: str, admin_url: str, caller: Caller, idle_check_s: float
    ) -> None:
        """As after a night: to find them out one by one would take longer than a call may wait."""
        url = f"{app_url}?application_name={caller.user_id}"
        options = {"min_size": 4, "max_size": 4, "timeout_s": 2.5, "idle_check_s": idle_check_s}
        async with opened(url, **options) as database:
            nap = Statement("select pg_sleep(0.1)::text")
            await asyncio.gather(*(database.run(caller.user_id, nap) for _ in range(4)))
            before = database.round_trips
            end_connections(admin_url, caller.user_id)
            assert await database.run(caller.user_id, ONE) == [[{"one": 1}]]
            assert database.round_trips - before == (2 if idle_check_s else 1)

    async def test_one_that_is_cut_during_a_call(self, app_url: str, caller: Caller) -> None:
        async with Proxy(app_url) as proxy, opened(proxy.url) as database:
            call = asyncio.create_task(
                database.run(
                    caller.user_id,
                    Statement(ADD, (caller.user_id, "a")),
                    Statement("select pg_sleep(0.2)::text"),
                    Statement(LIST),
                )
            )
            await sent(database)
            await proxy.cut()
            *_, rows = await call
            assert rows == [{"id": "a"}]
            assert database.round_trips == 2

    async def test_a_server_that_goes_silent(self, app_url: str, caller: Caller) -> None:
        async with (
            Proxy(app_url) as proxy,
            opened(proxy.url, answer_timeout_s=0.3) as database,
        ):
            await database.run(caller.user_id, ONE)
            proxy.silence()
            with pytest.raises(DatabaseUnavailable):
                await database.run(caller.user_id, ONE)
            proxy.speak()
            assert await database.run(caller.user_id, ONE) == [[{"one": 1}]]

    async def test_first_call_after_a_long_outage_connects_at_once(self, app_url: str) -> None:
        async with Proxy(app_url) as proxy, opened(proxy.url, timeout_s=0.4) as database:
            await database.run("alice", ONE)
            await proxy.refuse()
            for _ in range(6):
                with pytest.raises(DatabaseUnavailable):
                    await database.run("alice", ONE)
            await asyncio.sleep(1)  # the last attempt to connect is over
            await proxy.accept()
            assert await database.run("alice", ONE) == [[{"one": 1}]]

    async def test_a_server_that_goes_away_and_comes_back(
        self, app_url: str, caller: Caller
    ) -> None:
        async with Proxy(app_url) as proxy, opened(proxy.url, timeout_s=1) as database:
            await database.run(caller.user_id, ONE)
            await proxy.refuse()
            with pytest.raises(DatabaseUnavailable):
                await database.run(caller.user_id, ONE)
            await proxy.accept()
            while True:
                try:
                    assert await database.run(caller.user_id, ONE) == [[{"one": 1}]]
                    break
                except DatabaseUnavailable:
                    continue

    async def test_opening_without_a_server(self, app_url: str, caller: Caller) -> None:
        async with Proxy(app_url) as proxy:
            await proxy.refuse()
            async with opened(proxy.url, timeout_s=0.3) as database:
                with pytest.raises(DatabaseUnavailable):
                    await database.run(caller.user_id, ONE)
            await proxy.accept()

    @pytest.mark.parametrize(
        ("address", "reason"),
        [
            ('{"password":"planted"}', Reason.UNREADABLE),
            ("postgresql://a@planted:1/x", Reason.NAME),
        ],
    )
    async def test_the_pools_log_names_a_reason_and_not_the_errors_text(
        self, caplog: pytest.LogCaptureFixture, address: str, reason: Reason
    ) -> None:
        with caplog.at_level(logging.DEBUG, "psycopg.pool"):
            async with opened(address, timeout_s=0.2):
                pass
        assert re.search(f"error connecting in 'pool-[0-9]+': {reason}\n", caplog.text)
        assert f"database: {reason}\n" in caplog.text
        assert "planted" not in caplog.text

    async def test_closed_and_opened_again(self, app_url: str, caller: Caller) -> None:
        async with opened(app_url) as database:
            await database.open()
            await database.close()
            await database.close()
            await database.open()
            assert await database.run(caller.user_id, ONE) == [[{"one": 1}]]
