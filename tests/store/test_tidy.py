"""What is past keeping goes, whoever's it is, and nothing else does."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from tests.store.conformance import a_message, a_thread, an_attachment
from tests.store.test_runs import a_run

from sidestream.caller import Caller
from sidestream.store.database import Database
from sidestream.store.feedback import Feedback
from sidestream.store.ids import new_id
from sidestream.store.migrate import migrate, rollback
from sidestream.store.run_start import RunStart
from sidestream.store.run_view import RunUsage
from sidestream.store.runs import Runs
from sidestream.store.threads import PostgresStore
from sidestream.store.tidy import Kept, Leftovers

_DAY_S = 24 * 3600.0
KEPT = Kept(events_s=2 * _DAY_S, runs_s=10 * _DAY_S, files_s=3 * _DAY_S)


@pytest.fixture
def leftovers(database: Database) -> Leftovers:
    return Leftovers(database, KEPT)


@pytest.fixture
def owner(owner_url: str) -> str:
    return owner_url


async def ended(database: Database, caller: Caller, owner: str, days: float) -> RunStart:
    """A run with events that ended so many days ago."""
    start = await a_run(database, caller)
    await Runs(database).finish(
        caller, start.run_id, "completed", usage=RunUsage(1, 1), frames=["a", "b"]
    )
    age(owner, start.run_id, days)
    return start


def age(owner: str, run_id: str, days: float) -> None:
    with psycopg.connect(owner) as connection:
        connection.execute(
            "update runs set ended_at = ended_at - make_interval(secs => %(s)s),"
            " lease_expires_at = lease_expires_at - make_interval(secs => %(s)s) where id = %(id)s",
            {"s": days * _DAY_S, "id": run_id},
        )
        connection.execute(
            "update run_events set created_at = created_at - make_interval(secs => %(s)s)"
            " where run_id = %(id)s",
            {"s": days * _DAY_S, "id": run_id},
        )


def kept_of(owner: str, *starts: RunStart) -> list[tuple[bool, bool]]:
    """Of each run, whether it and its events are there."""
    query = """
        select exists (select from runs where id = %(id)s),
          exists (select from run_events where run_id = %(id)s)
    """
    with psycopg.connect(owner) as connection:
        rows = [connection.execute(query, {"id": s.run_id}).fetchone() for s in starts]
    return [(row[0], row[1]) for row in rows if row]


async def emptied(leftovers: Leftovers) -> None:
    """Go on until there is nothing left, as the job does."""
    while any((await leftovers.remove_rows(1_000)).values()):
        pass


async def test_events_go_before_their_runs_and_both_in_their_time(
    leftovers: Leftovers, database: Database, caller: Caller, stranger: Caller, owner: str
) -> None:
    fresh = await ended(database, caller, owner, 1)
    past_events = await ended(database, stranger, owner, 3)
    past_all = await ended(database, stranger, owner, 11)
    alive = await a_run(database, caller)
    await emptied(leftovers)
    assert kept_of(owner, fresh, past_events, past_all, alive) == [
        (True, True),
        (True, False),
        (False, False),
        (True, False),
    ]


async def test_a_run_that_died_and_is_not_settled_keeps_its_events(
    leftovers: Leftovers, database: Database, caller: Caller, owner: str
) -> None:
    dead = await a_run(database, caller, lease_s=30)
    await Runs(database).beat(caller, dead.run_id, 30, ["a"])
    age(owner, dead.run_id, 400)
    await emptied(leftovers)
    assert kept_of(owner, dead) == [(True, True)]


async def test_a_thread_with_what_was_said_stays(
    leftovers: Leftovers, database: Database, caller: Caller, owner: str
) -> None:
    old = await ended(database, caller, owner, 400)
    await emptied(leftovers)
    page = await PostgresStore(database).load_thread_items(old.thread_id, None, 10, "asc", caller)
    assert len(page.data) == 1
    assert await Runs(database).current(caller, old.thread_id) is None


async def test_what_was_spent_goes_with_the_runs(
    leftovers: Leftovers, database: Database, caller: Caller, owner: str
) -> None:
    await ended(database, caller, owner, 0)
    with psycopg.connect(owner) as connection:
        connection.execute("update usage_minutes set minute = minute - interval '2 hours'")
        connection.execute(
            "insert into usage_days values (%s, now() - interval '12 days', 5)", (caller.user_id,)
        )
    await emptied(leftovers)
    with psycopg.connect(owner) as connection:
        mine = (caller.user_id,)
        assert connection.execute(
            "select count(*) from usage_minutes where user_id = %s", mine
        ).fetchone() == (0,)
        assert connection.execute(
            "select tokens from usage_days where user_id = %s", mine
        ).fetchall() == [(2,)]


async def test_files_that_no_message_took_go(
    leftovers: Leftovers, database: Database, caller: Caller, owner: str
) -> None:
    store = PostgresStore(database)
    thread = a_thread()
    await store.save_thread(thread, caller)
    unsent, young, sent = (an_attachment(id=new_id("atc")) for _ in range(3))
    for file in (unsent, young, sent):
        key = {"key": f"attachments/x/{file.id}"}
        thread_id = thread.id if file is sent else None
        await store.save_attachment(
            file.model_copy(update={"thread_id": thread_id, "metadata": key}), caller
        )
    with psycopg.connect(owner) as connection:
        connection.execute(
            "update attachments set created_at = now() - interval '4 days' where id = any(%s)",
            ([unsent.id, sent.id],),
        )
    taken = await leftovers.take_files(1_000)
    assert f"attachments/x/{unsent.id}" in taken
    assert not {key.rpartition("/")[2] for key in taken} & {young.id, sent.id}
    assert await leftovers.known_files([unsent.id, young.id, sent.id]) == {young.id, sent.id}


async def test_a_day_is_kept_whatever_is_asked_for(
    database: Database, caller: Caller, owner: str
) -> None:
    eager = Leftovers(database, Kept(events_s=0, runs_s=-5, files_s=0))
    run = await ended(database, caller, owner, 0.9)
    store = PostgresStore(database)
    file = an_attachment(id=new_id("atc"))
    await store.save_attachment(file, caller)
    await emptied(eager)
    assert await eager.take_files(10) == []
    assert kept_of(owner, run) == [(True, True)]
    assert await store.load_attachment(file.id, caller)


async def test_many_at_once_share_the_work(
    leftovers: Leftovers, database: Database, owner: str
) -> None:
    runs = [await ended(database, Caller(new_id("user")), owner, 20) for _ in range(12)]
    results = await asyncio.gather(*(leftovers.remove_rows(5) for _ in range(6)))
    assert max(result["run_events"] for result in results) <= 5
    await emptied(leftovers)
    assert kept_of(owner, *runs) == [(False, False)] * 12


async def test_what_is_left_too_long_can_be_seen(
    leftovers: Leftovers, database: Database, caller: Caller, stranger: Caller, owner: str
) -> None:
    await emptied(leftovers)
    await leftovers.take_files(1_000)
    assert await leftovers.overdue(10) == 0
    for each in (caller, stranger):
        await ended(database, each, owner, 3)
    assert await leftovers.overdue(10) == 2
    assert await leftovers.overdue(1) == 1
    await emptied(leftovers)
    assert await leftovers.overdue(10) == 0


@pytest.fixture
def bound_url(empty_url: str, admin_url: str) -> Iterator[str]:
    """The URL of a database's owner who bypasses nothing, as on most servers."""
    role, database = new_id("owner"), empty_url.rpartition("/")[2]
    admin_of = f"{admin_url.rpartition('/')[0]}/{database}"
    with psycopg.connect(admin_of, autocommit=True) as admin:
        for statement in (
            f"create role {role} login createrole password 'x'",
            f"alter database {database} owner to {role}",
            f"alter schema public owner to {role}",
        ):
            admin.execute(statement.encode())
        yield f"postgresql://{role}:x@{empty_url.rpartition('@')[2]}"
        for statement in (
            f"reassign owned by {role} to sidestream_owner",
            f"drop owned by {role}",
            f"drop role {role}",
        ):
            admin.execute(statement.encode())


class TestAnOwnerWhomRowSecurityBinds:
    async def test_tidies(self, bound_url: str, admin_url: str, app_url: str) -> None:
        migrate(bound_url)
        database = bound_url.rpartition("/")[2]
        admin_of = f"{admin_url.rpartition('/')[0]}/{database}"
        app = Database(f"{app_url.rpartition('/')[0]}/{database}")
        await app.open()
        try:
            start = await ended(app, Caller("u"), admin_of, 20)
            with psycopg.connect(bound_url) as owner:
                assert owner.execute("select count(*) from runs").fetchone() == (0,)
            leftovers = Leftovers(app, KEPT)
            assert await leftovers.overdue(10) == 2
            await emptied(leftovers)
            assert kept_of(admin_of, start) == [(False, False)]
        finally:
            await app.close()

    def test_keeps_the_feedback_of_what_is_there(self, bound_url: str, admin_url: str) -> None:
        migrate(bound_url)
        rollback(bound_url, to="0004_usage")
        with psycopg.connect(
            f"{admin_url.rpartition('/')[0]}/{bound_url.rpartition('/')[2]}"
        ) as admin:
            for statement in (
                "insert into threads (id, user_id, created_at, data)"
                " values ('t', 'u', now(), '{}')",
                "insert into thread_items (thread_id, id, user_id, type, created_at, data)"
                " values ('t', 'm', 'u', 'user_message', now(), '{}')",
                "insert into feedback (thread_id, item_id, user_id, kind)"
                " values ('t', 'm', 'u', 'positive'), ('t', 'gone', 'u', 'positive')",
            ):
                admin.execute(statement.encode())
            admin.commit()
            migrate(bound_url)
            assert admin.execute("select item_id from feedback").fetchall() == [("m",)]
            forced = "select bool_and(relforcerowsecurity) from pg_class where relname = any(%s)"
            assert admin.execute(forced, (["feedback", "thread_items"],)).fetchone() == (True,)


def test_the_functions_reach_no_further(app_url: str) -> None:
    """The role that calls them sees nothing by the setting that lets their owner through."""
    with psycopg.connect(app_url) as app:
        app.execute("select set_config('app.tidying', 'on', true)")
        for table in ("runs", "run_events", "attachments", "usage_minutes", "usage_days"):
            query = f"select count(*) from {table}"  # noqa: S608
            assert app.execute(query.encode()).fetchone() == (0,)


class TestFeedback:
    async def test_goes_with_its_item(self, database: Database, caller: Caller, owner: str) -> None:
        store, feedback = PostgresStore(database), Feedback(database)
        thread = a_thread()
        await store.save_thread(thread, caller)
        for item_id in ("msg_1", "msg_2"):
            await store.add_thread_item(thread.id, a_message(thread.id, id=item_id), caller)
        await feedback.save(caller, thread.id, ["msg_1", "msg_2"], "positive")
        await store.delete_thread_item(thread.id, "msg_1", caller)
        query = "select item_id from feedback where thread_id = %s"
        with psycopg.connect(owner) as connection:
            assert connection.execute(query, (thread.id,)).fetchall() == [("msg_2",)]
        await store.delete_thread(thread.id, caller)
        with psycopg.connect(owner) as connection:
            assert connection.execute(query, (thread.id,)).fetchall() == []
