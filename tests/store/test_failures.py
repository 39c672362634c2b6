"""Why the database cannot be used: told in the log, and not waited for when it refuses us."""

import asyncio
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from tests.store.proxy import Proxy

from sidestream.caller import Caller
from sidestream.problems import DatabaseUnavailable
from sidestream.reasons import Reason
from sidestream.store.database import Database, Statement
from sidestream.store.failures import reason_of
from sidestream.store.ids import new_id

ONE = Statement("select 1 as one")


def wrong(app_url: str, kind: str) -> str:
    """The functions' URL with one thing wrong in it."""
    parts = urlsplit(app_url)
    netloc = f"{parts.username}:%s@{parts.hostname}:{parts.port}"
    changes = {
        "password": {"netloc": netloc % "replaced-since"},
        "role": {"netloc": f"nobody:planted@{parts.hostname}:{parts.port}"},
        "database": {"path": "/no-such-place"},
        "host": {"netloc": f"{parts.username}:{parts.password}@nowhere.invalid:5432"},
        "port": {"netloc": f"{parts.username}:{parts.password}@127.0.0.1:1"},
        "tls": {"query": "sslmode=require"},
        "channel binding": {"query": "channel_binding=require"},
        "certificate": {"query": "sslmode=verify-full&sslrootcert=/no/such/file"},
    }
    return parts._replace(**changes[kind]).geturl()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("password", Reason.AUTHENTICATION),
        ("role", Reason.AUTHENTICATION),
        ("database", Reason.MISSING),
        ("host", Reason.NAME),
        ("port", Reason.REFUSED),
        ("tls", Reason.TLS),
        ("channel binding", Reason.TLS),
        ("certificate", Reason.TLS),
    ],
)
async def test_the_log_names_the_reason_and_nothing_else(
    app_url: str, caplog: pytest.LogCaptureFixture, kind: str, reason: Reason
) -> None:
    url = wrong(app_url, kind)
    database = Database(url, timeout_s=1)
    await database.open()
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    await database.close()
    ours = {each.message for each in caplog.records if each.name == "sidestream.reasons"}
    assert ours == {f"database: {reason}"}
    parts = urlsplit(url)
    said = "".join(record.message for record in caplog.records)
    for secret in (parts.username, parts.password, parts.hostname, parts.path[1:]):
        assert secret
        assert secret not in said


async def test_options_that_a_pooler_does_not_take(
    pgbouncer_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(f"{pgbouncer_url}?options=-cstatement_timeout%3D1000", timeout_s=60)
    async with asyncio.timeout(30):
        await database.open()
        with pytest.raises(DatabaseUnavailable):
            await database.ping()
    await database.close()
    assert f"database: {Reason.UNREADABLE}" in caplog.messages


class TestRefusals:
    @pytest.fixture
    async def role(self, admin_url: str) -> str:
        """A role of its own whose password can be replaced."""
        name = new_id("role")
        with psycopg.connect(admin_url, autocommit=True) as admin:
            create = "create role {} login password 'old' in role sidestream_app"
            admin.execute(sql.SQL(create).format(sql.Identifier(name)))
        return name

    def replace(self, admin_url: str, role: str, password: str) -> None:
        with psycopg.connect(admin_url, autocommit=True) as admin:
            statement = sql.SQL("alter role {} password {}")
            admin.execute(statement.format(sql.Identifier(role), sql.Literal(password)))

    def url(self, app_url: str, role: str, password: str) -> str:
        parts = urlsplit(app_url)
        netloc = f"{role}:{password}@{parts.hostname}:{parts.port}"
        return parts._replace(netloc=netloc).geturl()

    async def test_a_refused_password_is_not_waited_for_and_not_hammered(
        self, app_url: str, role: str
    ) -> None:
        """A minute of patience is never used, and a thousand calls are few attempts."""
        async with Proxy(self.url(app_url, role, "other")) as proxy:
            database = Database(proxy.url, timeout_s=60)
            async with asyncio.timeout(30):
                await database.open()
                for _ in range(1000):
                    with pytest.raises(DatabaseUnavailable):
                        await database.run("alice", ONE)
            assert proxy.connections <= 5
            await database.close()

    async def test_it_works_again_when_the_password_is_good(
        self, app_url: str, admin_url: str, role: str
    ) -> None:
        database = Database(self.url(app_url, role, "new"), timeout_s=60)
        await database.open()
        with pytest.raises(DatabaseUnavailable):
            await database.run("alice", ONE)
        self.replace(admin_url, role, "new")
        async with asyncio.timeout(30):
            while True:
                try:
                    assert await database.run("alice", ONE) == [[{"one": 1}]]
                    break
                except DatabaseUnavailable:
                    await asyncio.sleep(0.05)
        await database.close()

    async def test_connections_that_are_open_stay_in_use(
        self, app_url: str, admin_url: str, role: str
    ) -> None:
        database = Database(self.url(app_url, role, "old"), max_size=2, timeout_s=60)
        await database.open()
        await database.run("alice", ONE)
        self.replace(admin_url, role, "new")
        nap = Statement("select pg_sleep(0.05)::text")
        async with asyncio.timeout(30):
            await asyncio.gather(*(database.run("alice", nap) for _ in range(6)))
            assert await database.run("alice", ONE) == [[{"one": 1}]]
        await database.close()

    async def test_many_that_wait_are_told_at_once(self, app_url: str, role: str) -> None:
        database = Database(self.url(app_url, role, "other"), timeout_s=60)
        async with asyncio.timeout(30):
            await database.open()
            calls = [database.run("alice", ONE) for _ in range(20)]
            results = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(result) for result in results} == {DatabaseUnavailable}
        await database.close()


class TestReadOnly:
    async def test_a_database_that_takes_no_writes_and_then_does(
        self, admin_url: str, app_url: str, caller: Caller, caplog: pytest.LogCaptureFixture
    ) -> None:
        """As after a failover, when the connections lead to the server that was the first."""
        role = new_id("role")
        with psycopg.connect(admin_url, autocommit=True) as admin:
            create = "create role {} login password 'pw' in role sidestream_app"
            admin.execute(sql.SQL(create).format(sql.Identifier(role)))
            setting = sql.SQL("alter role {} set default_transaction_read_only = {}")
            admin.execute(setting.format(sql.Identifier(role), sql.SQL("on")))
            parts = urlsplit(app_url)
            netloc = f"{role}:pw@{parts.hostname}:{parts.port}"
            database = Database(parts._replace(netloc=netloc).geturl(), min_size=2)
            await database.open()
            add = (
                "insert into tickets (user_id, id, subject, request_hash) values (%s, 'a', 'x', '')"
            )
            write = Statement(add, (caller.user_id,))
            with pytest.raises(DatabaseUnavailable) as caught:
                await database.run(caller.user_id, write)
            assert type(caught.value) is DatabaseUnavailable
            assert f"database: {Reason.READ_ONLY}\n" in caplog.text
            admin.execute(setting.format(sql.Identifier(role), sql.SQL("off")))
            assert await database.run(caller.user_id, write) == [[]]
            await database.close()


class TestNoConnectionInTime:
    async def test_all_are_in_use(self, app_url: str, caplog: pytest.LogCaptureFixture) -> None:
        database = Database(app_url, max_size=1, timeout_s=0.3)
        await database.open()
        nap = asyncio.create_task(database.run("u", Statement("select pg_sleep(1)::text")))
        while database.round_trips == 0:  # noqa: ASYNC110
            await asyncio.sleep(0)
        with pytest.raises(DatabaseUnavailable):
            await database.run("u", ONE)
        assert f"database: {Reason.FULL}\n" in caplog.text
        await nap
        await database.close()

    async def test_nobody_answers(self, app_url: str, caplog: pytest.LogCaptureFixture) -> None:
        async with Proxy(app_url) as proxy:
            proxy.silence()
            database = Database(proxy.url, timeout_s=0.3)
            await database.open()
            with pytest.raises(DatabaseUnavailable):
                await database.run("u", ONE)
            assert f"database: {Reason.TIMED_OUT}\n" in caplog.text
            proxy.speak()
            await database.close()


class TestSilence:
    async def test_one_that_was_idle_and_has_gone_silent(self, app_url: str) -> None:
        async with Proxy(app_url) as proxy:
            database = Database(proxy.url, idle_check_s=0, timeout_s=0.4, max_size=1)
            await database.open()
            await database.run("u", ONE)
            proxy.silence()
            async with asyncio.timeout(30):
                with pytest.raises(DatabaseUnavailable):
                    await database.run("u", ONE)
            proxy.speak()
            await database.close()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (psycopg.OperationalError('FATAL:  no such database: "x"'), Reason.MISSING),
        (psycopg.OperationalError("FATAL:  Tenant or user not found"), Reason.MISSING),
        (psycopg.OperationalError("ERROR: The endpoint has been disabled."), Reason.FORBIDDEN),
        (psycopg.OperationalError("FATAL:  sorry, too many clients already"), Reason.FULL),
        (psycopg.OperationalError("ERROR: exceeded the compute time quota."), Reason.FULL),
        (psycopg.OperationalError("ERROR: Control plane request failed"), Reason.BROKEN),
        (
            psycopg.OperationalError("FATAL:  server login has been failing, try again later"),
            Reason.BROKEN,
        ),
        (psycopg.OperationalError("FATAL:  the database system is starting up"), Reason.STARTING),
        (psycopg.OperationalError("FATAL:  no pg_hba.conf entry for host"), Reason.FORBIDDEN),
        (psycopg.OperationalError("server closed the connection unexpectedly"), Reason.CUT),
        (psycopg.OperationalError('to host "ssl error authentication failed"'), Reason.NO_ROUTE),
        (psycopg.errors.ConnectionTimeout("timeout expired"), Reason.TIMED_OUT),
        (psycopg.errors.QueryCanceled(), Reason.TIMED_OUT),
        (psycopg.errors.AdminShutdown(), Reason.STARTING),
        (psycopg.errors.TooManyConnections(), Reason.FULL),
        (psycopg.errors.InsufficientPrivilege(), Reason.FORBIDDEN),
        (ConnectionRefusedError(), Reason.REFUSED),
    ],
)
def test_reasons_of_errors(error: Exception, reason: Reason) -> None:
    assert reason_of(error) == reason
