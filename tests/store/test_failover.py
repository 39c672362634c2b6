"""A failover: the server that was the first takes no writes any more, and another one does."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from tests.postgres import embedded
from tests.store.proxy import Proxy
from tests.tickets import DOMAIN

from sidestream.caller import Caller
from sidestream.local.postgres import EmbeddedPostgres
from sidestream.problems import DatabaseUnavailable
from sidestream.reasons import Reason
from sidestream.store.database import Database, Statement
from sidestream.store.migrate import migrate

ADD = "insert into tickets (user_id, id, subject, request_hash) values (%s, 'a', 'x', '')"
COUNT = Statement("select count(*) as tickets from tickets")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[EmbeddedPostgres, EmbeddedPostgres]]:
    """Two of them, which let the functions in with one password."""
    with embedded(None, None) as first, embedded(None, None) as second:
        for server in (first, second):
            migrate(server.owner_url, first.app_password, folders=DOMAIN.migration_folders)
        yield first, second


@pytest.fixture
def first(servers: tuple[EmbeddedPostgres, EmbeddedPostgres]) -> Iterator[EmbeddedPostgres]:
    yield servers[0]
    take_writes(servers[0], True)


@pytest.fixture
def second(servers: tuple[EmbeddedPostgres, EmbeddedPostgres]) -> EmbeddedPostgres:
    return servers[1]


@pytest.fixture
async def proxy(first: EmbeddedPostgres) -> AsyncIterator[Proxy]:
    """The one address of both, which leads to the first."""
    async with Proxy(first.app_url) as proxy:
        yield proxy


@pytest.fixture
async def database(proxy: Proxy) -> AsyncIterator[Database]:
    database = Database(proxy.url, min_size=3)
    await database.open()
    yield database
    await database.close()


def take_writes(server: EmbeddedPostgres, yes: bool) -> None:
    """Have a server take writes or refuse them, those of open connections too."""
    setting = sql.SQL("alter system set default_transaction_read_only = {}")
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute("set default_transaction_read_only = off")
        admin.execute(setting.format(sql.Literal("off" if yes else "on")))
        admin.execute("select pg_reload_conf()")
    probe = server.app_url
    with psycopg.connect(probe, autocommit=True) as connection:
        while connection.execute("show transaction_read_only").fetchone() != (
            "off" if yes else "on",
        ):
            pass


async def test_a_write_goes_to_the_server_that_takes_it(
    first: EmbeddedPostgres,
    second: EmbeddedPostgres,
    proxy: Proxy,
    database: Database,
    caller: Caller,
) -> None:
    await database.ping()
    take_writes(first, False)
    proxy.lead_to(second.app_url)
    before = database.round_trips
    assert await database.run(caller.user_id, Statement(ADD, (caller.user_id,))) == [[]]
    assert database.round_trips - before == 2
    for server, tickets in ((first, 0), (second, 1)):
        with psycopg.connect(server.admin_url) as admin:
            query = "select count(*) from tickets where user_id = %s"
            assert admin.execute(query, (caller.user_id,)).fetchone() == (tickets,)
    # No connection is left that leads to the first.
    port = Statement("select inet_server_port() as port")
    for _ in range(5):
        [[row]] = await database.run(caller.user_id, port)
        assert row["port"] == urlsplit(second.admin_url).port


async def test_health_tells_the_truth(
    first: EmbeddedPostgres,
    second: EmbeddedPostgres,
    proxy: Proxy,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also when no write has met the change yet, and until there is a server to go to."""
    take_writes(first, False)
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    assert f"database: {Reason.READ_ONLY}\n" in caplog.text
    proxy.lead_to(second.app_url)
    await database.ping()


async def test_what_only_reads_goes_on(
    first: EmbeddedPostgres, database: Database, caller: Caller
) -> None:
    take_writes(first, False)
    assert await database.run(caller.user_id, COUNT) == [[{"tickets": 0}]]
