"""Length costs nothing: no operation reads more rows where there are many.

Counted by Postgres's own statistics, of the functions' role: rows that were read from tables and
entries that were read from indexes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
from tests.store.conformance import a_message, a_thread

from sidestream.caller import Caller
from sidestream.local.postgres import EmbeddedPostgres
from sidestream.store.database import Database, Statement
from sidestream.store.ids import new_id
from sidestream.store.migrate import migrate
from sidestream.store.run_start import RunStart
from sidestream.store.run_starts import RunStarts
from sidestream.store.run_view import RunUsage
from sidestream.store.runs import Runs
from sidestream.store.threads import PostgresStore

FEW, MANY = 10, 3_000
PAGE = 5
NEW = 20
"""Rows that an operation may read besides: what was made meanwhile, and checks of keys."""
FILL = (
    "insert into threads (id, user_id, created_at, updated_at, data)"
    " select %(user)s || '_' || n, %(user)s, now(), now() - n * interval '1 minute', replace("
    " replace(%(thread)s, 'THREAD', %(user)s || '_' || n), 'TITLE', 'a ' || n)::json"
    " from generate_series(1, %(count)s) as n",
    "insert into thread_items (thread_id, id, user_id, type, created_at, data)"
    " select %(user)s || '_1', 'msg_' || n, %(user)s, 'user_message', now(), replace("
    " replace(%(item)s, 'THREAD', %(user)s || '_1'), 'ITEM', 'msg_' || n)::json"
    " from generate_series(1, %(count)s) as n",
    "insert into runs (id, thread_id, user_id, status, idempotency_key, request_hash,"
    " lease_expires_at, started_at, ended_at)"
    " select 'run_' || %(user)s || n, %(user)s || '_' || 1 + n %% 3, %(user)s, 'completed',"
    " 'k' || n, 'h', now(), now() - n * interval '1 s', now() - n * interval '1 s'"
    " from generate_series(1, %(count)s) as n",
    "insert into run_events (run_id, user_id, first_event, last_event, frames)"
    " select 'run_' || %(user)s || n, %(user)s, 1, 1, '{x}'"
    " from generate_series(1, %(count)s) as n",
)
STATISTICS = """
    select
      (select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables)
      + (select sum(idx_tup_read) from pg_stat_user_indexes) as read
"""

type Operation = Callable[["Owner"], Awaitable[object]]


class Owner:
    """A user with a number of everything."""

    def __init__(self, database: Database, count: int) -> None:
        self.database = database
        self.caller = Caller(new_id("user"))
        self.count = count
        self.store = PostgresStore(database)
        self.runs = Runs(database)
        self.thread = f"{self.caller.user_id}_1"
        self.after = ""

    async def fill(self) -> None:
        thread = a_thread(id="THREAD", title="TITLE")
        params = {
            "user": self.caller.user_id,
            "count": self.count,
            "thread": thread.model_dump_json(),
            "item": a_message("THREAD", id="ITEM").model_dump_json(),
        }
        statements = [Statement(sql, params) for sql in FILL]
        await self.database.run(self.caller.user_id, *statements)

    async def begin(self) -> None:
        start = RunStart(
            new_id("run"),
            self.thread,
            item=a_message(self.thread),
            idempotency_key=new_id("key"),
            request_hash=b"h",
            history_limit=PAGE,
            requests_per_minute=1000,
            tokens_per_day=1000,
        )
        await RunStarts(self.database).begin(self.caller, start)
        await self.runs.beat(self.caller, start.run_id, 30, ["x"])
        await self.runs.finish(self.caller, start.run_id, "completed", usage=RunUsage(1, 1))

    async def retry(self) -> None:
        middle = f"msg_{self.count // 2}"
        run_id = new_id("run")
        start = RunStart(run_id, self.thread, until=middle, history_limit=PAGE)
        await RunStarts(self.database).begin(self.caller, start)
        await self.runs.finish(self.caller, run_id, "stopped")

    async def read(self, operation: Operation) -> int:
        """How much an operation reads."""
        before = await self._statistics()
        await operation(self)
        return await self._statistics() - before

    async def _statistics(self) -> int:
        user = self.caller.user_id
        await self.database.run(user, Statement("select pg_stat_force_next_flush()::text"))
        [[row]] = await self.database.run(user, Statement(STATISTICS))
        return int(row["read"])


OPERATIONS: dict[str, Operation] = {
    "threads": lambda o: o.store.load_threads(PAGE, None, "desc", o.caller),
    "threads, oldest": lambda o: o.store.load_threads(PAGE, None, "asc", o.caller),
    "threads, later page": lambda o: o.store.load_threads(
        PAGE, f"{o.caller.user_id}_{o.count // 2}", "desc", o.caller
    ),
    "thread": lambda o: o.store.load_thread(o.thread, o.caller),
    "save thread": lambda o: o.store.save_thread(a_thread(id=o.thread), o.caller),
    "items": lambda o: o.store.load_thread_items(o.thread, None, PAGE, "desc", o.caller),
    "items, oldest": lambda o: o.store.load_thread_items(o.thread, None, PAGE, "asc", o.caller),
    "items, later page": lambda o: o.store.load_thread_items(
        o.thread, f"msg_{o.count // 2}", PAGE, "desc", o.caller
    ),
    "item": lambda o: o.store.load_item(o.thread, f"msg_{o.count // 2}", o.caller),
    "add item": lambda o: o.store.add_thread_item(o.thread, a_message(o.thread), o.caller),
    "delete item": lambda o: o.store.delete_thread_item(o.thread, "msg_3", o.caller),
    "a run": Owner.begin,
    "a retry": Owner.retry,
    "the thread's run": lambda o: o.runs.current(o.caller, o.thread),
    "a run's events": lambda o: o.runs.events(o.caller, f"run_{o.caller.user_id}3"),
    "stop": lambda o: o.runs.request_stop(o.caller, o.thread),
    "files of a thread": lambda o: o.store.load_thread_attachments(o.thread, o.caller),
}


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    """A database of its own, so that nobody else counts."""
    name = new_id("db")
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        admin.execute(f"create database {name} owner sidestream_owner")
    migrate(postgres.owner_url.removesuffix("sidestream") + name)
    return postgres.app_url.removesuffix("sidestream") + name


@pytest.fixture
async def owners(url: str, postgres: EmbeddedPostgres) -> AsyncIterator[tuple[Owner, Owner]]:
    database = Database(url, max_size=1)
    await database.open()
    few, many = Owner(database, FEW), Owner(database, MANY)
    for owner in (few, many):
        await owner.fill()
    admin_url = postgres.admin_url.rpartition("/")[0] + "/" + url.rpartition("/")[2]
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("vacuum analyze")
    yield few, many
    await database.close()


async def test_no_operation_reads_more_where_there_are_many(owners: tuple[Owner, Owner]) -> None:
    few, many = owners
    read = {
        name: (await few.read(operation), await many.read(operation))
        for name, operation in OPERATIONS.items()
    }
    assert {name: both for name, both in read.items() if both[1] > both[0] * 1.2 + NEW} == {}
