"""Row-level security, met without any predicate of ours."""

import psycopg
import pytest
from tests.store.conformance import a_message, a_thread, an_attachment

from sidestream.caller import Caller
from sidestream.store.database import Database, Statement
from sidestream.store.feedback import Feedback
from sidestream.store.followers import Followers
from sidestream.store.ids import new_id
from sidestream.store.run_start import RunStart
from sidestream.store.run_starts import RunStarts
from sidestream.store.run_view import RunUsage
from sidestream.store.runs import Runs
from sidestream.store.threads import PostgresStore

TABLES = (
    "threads",
    "thread_items",
    "attachments",
    "feedback",
    "runs",
    "run_events",
    "followers",
    "tickets",
    "usage_minutes",
    "usage_days",
)
VIEWS = ("chat_sessions", "chat_messages")


async def fill(database: Database, caller: Caller) -> None:
    """Give a user one row at least in every table."""
    thread, runs = a_thread(), Runs(database)
    start = RunStart(
        new_id("run"), thread.id, new_thread=thread, item=a_message(thread.id, id="msg_1")
    )
    await RunStarts(database).begin(caller, start)
    await runs.finish(
        caller, start.run_id, "completed", usage=RunUsage(1, 1), frames=["a"], first=1
    )
    await Followers(database).join(caller, start.run_id, most=1, lease_s=60)
    await Feedback(database).save(caller, thread.id, ["msg_1"], "positive")
    await PostgresStore(database).save_attachment(an_attachment(thread_id=thread.id), caller)
    add = "insert into tickets (user_id, id, subject, request_hash) values (%s, 'tck_1', 'x', '')"
    await database.run(caller.user_id, Statement(add, (caller.user_id,)))


def seen(connection: psycopg.Connection, table: str) -> set[str]:
    rows = connection.execute(f"select user_id from {table}").fetchall()  # noqa: S608
    return {str(user_id) for (user_id,) in rows}


@pytest.fixture
async def two_users(database: Database, caller: Caller, stranger: Caller) -> None:
    await fill(database, caller)
    await fill(database, stranger)


@pytest.mark.usefixtures("two_users")
@pytest.mark.parametrize("table", TABLES + VIEWS)
class TestReading:
    def test_the_caller_alone(self, app_url: str, caller: Caller, table: str) -> None:
        with psycopg.connect(app_url) as app:
            app.execute("select set_config('app.user_id', %s, true)", (caller.user_id,))
            assert seen(app, table) == {caller.user_id}

    def test_nobody_without_a_caller(self, app_url: str, table: str) -> None:
        with psycopg.connect(app_url) as app:
            assert seen(app, table) == set()
            app.execute("select set_config('app.user_id', '', true)")
            assert seen(app, table) == set()

    def test_the_owner_sees_all(
        self, owner_url: str, caller: Caller, stranger: Caller, table: str
    ) -> None:
        with psycopg.connect(owner_url) as owner:
            assert {caller.user_id, stranger.user_id} <= seen(owner, table)

    async def test_a_pooled_connection_forgets_its_caller(
        self, pooled_database: Database, pgbouncer_url: str, caller: Caller, table: str
    ) -> None:
        for _ in range(4):
            await pooled_database.run(caller.user_id, Statement("select 1"))
        with psycopg.connect(pgbouncer_url, autocommit=True, prepare_threshold=None) as next_one:
            for _ in range(4):
                assert seen(next_one, table) == set()


@pytest.mark.usefixtures("two_users")
@pytest.mark.parametrize("table", TABLES)
class TestWriting:
    def test_another_users_rows_are_out_of_reach(
        self, app_url: str, owner_url: str, caller: Caller, stranger: Caller, table: str
    ) -> None:
        with psycopg.connect(app_url) as app:
            app.execute("select set_config('app.user_id', %s, true)", (caller.user_id,))
            target = (stranger.user_id,)
            for statement in (
                f"update {table} set user_id = user_id where user_id = %s",  # noqa: S608
                f"delete from {table} where user_id = %s",  # noqa: S608
            ):
                assert app.execute(statement, target).rowcount == 0
        with psycopg.connect(owner_url) as owner:
            assert stranger.user_id in seen(owner, table)

    def test_no_row_can_be_given_to_another_user(
        self, app_url: str, caller: Caller, stranger: Caller, table: str
    ) -> None:
        with psycopg.connect(app_url) as app:
            app.execute("select set_config('app.user_id', %s, true)", (caller.user_id,))
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                app.execute(
                    f"update {table} set user_id = %s",  # noqa: S608
                    (stranger.user_id,),
                )


def test_every_table_is_guarded(owner_url: str) -> None:
    query = """
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
          and a.attname = 'user_id' and c.relrowsecurity and c.relforcerowsecurity
    """
    everything = """
        select relname from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like '%yoyo%'
    """
    with psycopg.connect(owner_url) as owner:
        guarded = {name for (name,) in owner.execute(query)}
        assert guarded == {name for (name,) in owner.execute(everything)}
    # Other domains' tables may stand beside these.
    assert guarded >= set(TABLES)


def test_the_functions_role_owns_nothing_and_bypasses_nothing(app_url: str) -> None:
    with psycopg.connect(app_url) as app:
        role = app.execute(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles"
            " where rolname = current_user"
        ).fetchone()
        assert role == (False, False, False, False)
        owned = app.execute(
            "select relname from pg_class c join pg_roles r on r.oid = c.relowner"
            " where r.rolname = current_user"
        ).fetchall()
        assert owned == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("create table mine (id int)")
