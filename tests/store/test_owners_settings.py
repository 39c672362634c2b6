"""What a database's owner may have set for the functions' role changes no value and no answer."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql
from tests.store.conformance import a_message, a_thread

from examples.tickets.repository import TicketRepository
from examples.tickets.ticket import TicketChanges, TicketDraft, TicketFilter
from sidestream.caller import Caller
from sidestream.store.database import Database, Statement
from sidestream.store.ids import new_id
from sidestream.store.run_start import BegunRun, RunStart
from sidestream.store.run_starts import RunStarts
from sidestream.store.run_view import RunUsage
from sidestream.store.runs import Runs
from sidestream.store.threads import PostgresStore
from sidestream.store.usage import count_request

ROLE = "sidestream_app"
SETTINGS = [
    ("datestyle", "German"),
    ("datestyle", "SQL, DMY"),
    ("datestyle", "Postgres, DMY"),
    ("intervalstyle", "sql_standard"),
    ("timezone", "Asia/Kathmandu"),
    ("timezone", "<odd>-00:20"),
    ("bytea_output", "escape"),
    ("extra_float_digits", "-15"),
    ("standard_conforming_strings", "off"),
    ("client_encoding", "LATIN1"),
    ("client_encoding", "SQL_ASCII"),
    ("search_path", "elsewhere"),
    ("row_security", "off"),
    ("array_nulls", "off"),
    ("transform_null_equals", "on"),
    ("quote_all_identifiers", "on"),
    ("client_min_messages", "debug5"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_deferrable", "on"),
    ("plan_cache_mode", "force_generic_plan"),
    ("statement_timeout", "20s"),
    ("lock_timeout", "20s"),
    ("lc_monetary", "C"),
]


@pytest.fixture(params=SETTINGS, ids=[" ".join(pair) for pair in SETTINGS])
def setting(request: pytest.FixtureRequest, admin_url: str) -> Iterator[str]:
    """One setting of the functions' role, in force for every connection from now on."""
    name, value = request.param
    role, setting = sql.Identifier(ROLE), sql.Identifier(name)
    words = sql.SQL(", ").join(sql.Literal(word) for word in value.split(", "))
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("alter role {} set {} = {}").format(role, setting, words))
        try:
            end_connections(admin)
            yield name
        finally:
            admin.execute(sql.SQL("alter role {} reset {}").format(role, setting))
            end_connections(admin)


def end_connections(admin: psycopg.Connection) -> None:
    """Have a pooler connect anew."""
    admin.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", (ROLE,)
    )


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, max_size=1)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.mark.parametrize("way", ["app_url", "pgbouncer_url"])
@pytest.mark.usefixtures("setting")
async def test_everything_is_written_and_read_as_ever(
    request: pytest.FixtureRequest, way: str, caller: Caller
) -> None:
    async with opened(request.getfixturevalue(way)) as database:
        await check_tickets(TicketRepository(database), caller)
        await check_turn(database, caller)
        assert await database.run(caller.user_id, Statement(r"select 'a\b' as text")) == [
            [{"text": r"a\b"}]
        ]


async def check_tickets(tickets: TicketRepository, caller: Caller) -> None:
    before = datetime.now(UTC)
    draft = TicketDraft(r"پرنٹر 'a\b' %", "NULL")
    made = await tickets.add(caller.user_id, draft, "key")
    assert (made.subject, made.body) == (draft.subject, draft.body)
    assert abs((made.created_at - before).total_seconds()) < 60
    assert await tickets.add(caller.user_id, draft, "key") == made
    found = await tickets.list(caller.user_id, TicketFilter(words=("پرنٹر", r"a\b")))
    assert found.tickets == (made,)
    later = await tickets.update(caller.user_id, made.id, TicketChanges(status="closed"))
    assert (later.status, later.created_at) == ("closed", made.created_at)
    assert (await tickets.delete(caller.user_id, made.id)).document() == later.document()


async def check_turn(database: Database, caller: Caller) -> None:
    run_starts, runs = RunStarts(database), Runs(database)
    thread = a_thread(title=r"سلام 'a\b'")
    item = a_message(thread.id, r"hello \ 'سلام'")
    start = RunStart(
        new_id("run"),
        thread.id,
        new_thread=thread,
        item=item,
        idempotency_key="key",
        request_hash=bytes(range(256)),
        requests_per_minute=1000,
        tokens_per_day=1000,
    )
    run = await run_starts.begin(caller, start)
    assert isinstance(run, BegunRun)
    assert [each.model_dump_json() for each in run.items] == [item.model_dump_json()]
    assert (await runs.beat(caller, start.run_id, 30, ['{"a": "\\\\ سلام"}'])).still_owner
    usage = RunUsage(10, 5, 123.456789012345)
    error = {"code": "سلام"}
    assert await runs.finish(caller, start.run_id, "failed", error=error, usage=usage)
    again = await run_starts.replay(caller, "key", start.request_hash)
    assert again is not None
    events = await runs.events(caller, start.run_id)
    assert (events.frames, events.run.error) == (((1, '{"a": "\\\\ سلام"}'),), error)
    [[row]] = await database.run(caller.user_id, Statement("select ttft_ms from runs"))
    assert row == {"ttft_ms": usage.ttft_ms}
    await count_request(database, caller, requests_per_minute=2, tokens_per_day=1000)
    [[minute]] = await database.run(
        caller.user_id, Statement("select sum(requests) as requests from usage_minutes")
    )
    assert minute["requests"] == 2
    other = a_thread()
    store = PostgresStore(database)
    await store.save_thread(other, caller)
    page = await store.load_threads(1, None, "desc", caller)
    rest = await store.load_threads(1, page.after, "desc", caller)
    assert [each.id for each in [*page.data, *rest.data]] == [other.id, thread.id]
