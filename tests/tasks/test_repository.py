"""The queries on real Postgres: one round trip each, and the owner's rows alone."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import psycopg
import pytest

from sidestream.caller import Caller
from sidestream.problems import KeyReused, NotFound
from sidestream.store.database import Database, Statement
from sidestream.tasks.repository import TaskRepository
from sidestream.tasks.task import Task, TaskChanges, TaskDraft, TaskFilter

type Call = Callable[[TaskRepository, str, Task], Awaitable[object]]


@pytest.fixture
def tasks(database: Database) -> TaskRepository:
    return TaskRepository(database)


@pytest.mark.parametrize(
    "call",
    [
        lambda tasks, user, _: tasks.add(user, TaskDraft("x"), "key"),
        lambda tasks, user, task: tasks.get(user, task.id),
        lambda tasks, user, _: tasks.list(user, TaskFilter(words=("x",))),
        lambda tasks, user, task: tasks.update(user, task.id, TaskChanges(title="y")),
        lambda tasks, user, task: tasks.delete(user, task.id),
    ],
    ids=["add", "get", "list", "update", "delete"],
)
async def test_each_call_is_one_round_trip(
    tasks: TaskRepository, database: Database, caller: Caller, call: Call
) -> None:
    task = await tasks.add(caller.user_id, TaskDraft("x"))
    before = database.round_trips
    await call(tasks, caller.user_id, task)
    assert database.round_trips - before == 1


async def test_a_task_comes_back_as_it_went_in(tasks: TaskRepository, caller: Caller) -> None:
    due_at = datetime(2026, 12, 24, 18, 30, 0, 123_456, tzinfo=UTC)
    added = await tasks.add(caller.user_id, TaskDraft("دودھ", "نوٹ\n2", due_at))
    found = await tasks.get(caller.user_id, added.id)
    assert found == added
    assert (found.title, found.notes, found.due_at) == ("دودھ", "نوٹ\n2", due_at)
    assert found.created_at.tzinfo is not None


async def test_a_day_comes_back_as_a_day(tasks: TaskRepository, caller: Caller) -> None:
    day, moment = date(2026, 12, 31), datetime(2026, 12, 31, 12, tzinfo=UTC)
    added = await tasks.add(caller.user_id, TaskDraft("x", due_at=day), "key")
    assert added.due_at == day
    assert not isinstance(added.due_at, datetime)
    assert await tasks.add(caller.user_id, TaskDraft("x", due_at=day), "key") == added
    for due_at in (moment, day, moment):
        changed = await tasks.update(caller.user_id, added.id, TaskChanges(due_at=due_at))
        assert (type(changed.due_at), changed.due_at) == (type(due_at), due_at)
    kept = await tasks.update(caller.user_id, added.id, TaskChanges(title="y"))
    assert kept.due_at == moment
    cleared = await tasks.update(caller.user_id, added.id, TaskChanges(clear_due_at=True))
    assert cleared.due_at is None


async def test_a_moment_that_a_release_without_days_wrote_is_one(
    tasks: TaskRepository, database: Database, caller: Caller
) -> None:
    """While two releases overlap: it changes `due_at`, and knows no column beside it."""
    added = await tasks.add(caller.user_id, TaskDraft("x", due_at=date(2026, 12, 31)))
    moment = datetime(2027, 1, 1, 4, 59, tzinfo=UTC)
    for due_at in (moment, None):
        change = "update tasks set due_at = %(due_at)s where id = %(id)s"
        await database.run(caller.user_id, Statement(change, {"due_at": due_at, "id": added.id}))
        assert (await tasks.get(caller.user_id, added.id)).due_at == due_at


async def test_a_key_may_be_repeated_after_the_task_was_changed(
    tasks: TaskRepository, caller: Caller
) -> None:
    added = await tasks.add(caller.user_id, TaskDraft("x"), "key")
    changed = await tasks.update(caller.user_id, added.id, TaskChanges(title="y", completed=True))
    assert await tasks.add(caller.user_id, TaskDraft("x"), "key") == changed
    with pytest.raises(KeyReused):
        await tasks.add(caller.user_id, TaskDraft("y"), "key")


async def test_foreign_tasks_are_out_of_reach(
    tasks: TaskRepository, caller: Caller, stranger: Caller
) -> None:
    task = await tasks.add(caller.user_id, TaskDraft("mine"), "key")
    for call in (
        tasks.get(stranger.user_id, task.id),
        tasks.update(stranger.user_id, task.id, TaskChanges(title="theirs")),
        tasks.delete(stranger.user_id, task.id),
    ):
        with pytest.raises(NotFound):
            await call
    assert (await tasks.list(stranger.user_id, TaskFilter())).tasks == ()
    theirs = await tasks.add(stranger.user_id, TaskDraft("theirs"), "key")
    assert theirs.id != task.id
    assert await tasks.get(caller.user_id, task.id) == task


async def test_row_level_security_stands_behind_the_predicates(
    tasks: TaskRepository, database: Database, caller: Caller, stranger: Caller
) -> None:
    task = await tasks.add(caller.user_id, TaskDraft("mine"))
    everything = Statement("select id from tasks")
    (rows,) = await database.run(stranger.user_id, everything)
    assert rows == []
    (rows,) = await database.run(caller.user_id, everything)
    assert rows == [{"id": task.id}]
    forged = "insert into tasks (user_id, id, title) values (%s, 'tsk_x', 'x')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await database.run(stranger.user_id, Statement(forged, (caller.user_id,)))


async def test_the_predicates_isolate_without_row_level_security(
    owner_url: str, tasks: TaskRepository, caller: Caller, stranger: Caller
) -> None:
    """As the tables' owner, whom row-level security spares."""
    task = await tasks.add(caller.user_id, TaskDraft("x"), "key")
    database = Database(owner_url)
    await database.open()
    try:
        unguarded = TaskRepository(database)
        every = Statement("select id from tasks where id = %s", (task.id,))
        assert await database.run(stranger.user_id, every) == [[{"id": task.id}]]
        for call in (
            unguarded.get(stranger.user_id, task.id),
            unguarded.update(stranger.user_id, task.id, TaskChanges(title="y")),
            unguarded.delete(stranger.user_id, task.id),
        ):
            with pytest.raises(NotFound):
                await call
        assert (await unguarded.list(stranger.user_id, TaskFilter())).tasks == ()
        assert (await unguarded.add(stranger.user_id, TaskDraft("x"), "key")).id != task.id
    finally:
        await database.close()
    assert await tasks.get(caller.user_id, task.id) == task
