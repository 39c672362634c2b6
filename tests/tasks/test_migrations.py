"""The table of the tasks: its migration is the domain's, and was the chat's once."""

from pathlib import Path
from shutil import copy

import psycopg
import pytest

from sidestream.local.postgres import EmbeddedPostgres
from sidestream.store.database import Database
from sidestream.store.ids import new_id
from sidestream.store.migrate import MIGRATIONS, migrate, pending, rollback
from sidestream.tasks.pack import DOMAIN
from sidestream.tasks.repository import TaskRepository
from sidestream.tasks.task import TaskChanges, TaskDraft, TaskFilter

FOLDERS = DOMAIN.migration_folders
OURS = ["0003_tasks", "0005_tasks_indexes", "0008_tasks_search", "0010_tasks_due_on"]


def _add(url: str) -> None:
    with psycopg.connect(url) as owner:
        owner.execute("insert into tasks (user_id, id, title) values ('u', 'k', 'milk')")


def test_forward_and_back_with_data_in_it(empty_url: str) -> None:
    applied = migrate(empty_url, folders=FOLDERS)
    assert [name for name in applied if name in OURS] == OURS
    _add(empty_url)
    ours_begin = applied.index(OURS[0])
    undone = rollback(empty_url, to=applied[ours_begin - 1], folders=FOLDERS)
    assert undone == applied[ours_begin:][::-1]
    assert migrate(empty_url, folders=FOLDERS) == applied[ours_begin:]
    _add(empty_url)
    assert rollback(empty_url, folders=FOLDERS) == applied[::-1]


async def test_a_database_from_before_the_domain_had_them_stays_as_it_is(
    empty_url: str, tmp_path: Path
) -> None:
    """It was made from one folder, in the order of the numbers."""
    one = tmp_path / "one"
    one.mkdir()
    for folder in (MIGRATIONS, *FOLDERS):
        for number in ("0001", "0002", "0003", "0004"):
            for path in folder.glob(f"{number}*.sql"):
                copy(path, one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sidestream.store.migrate.MIGRATIONS", one)
        before = migrate(empty_url)
    assert before == ["0001_chat", "0002_runs", "0003_tasks", "0004_usage"]
    _add(empty_url)

    later = pending(empty_url, folders=FOLDERS)
    assert [name for name in later if name in OURS] == OURS[1:]
    assert migrate(empty_url, folders=FOLDERS) == later
    undone = rollback(empty_url, len(later) + 1, folders=FOLDERS)
    assert undone == [*later[::-1], "0004_usage"]
    assert migrate(empty_url, folders=FOLDERS) == ["0004_usage", *later]
    with psycopg.connect(empty_url) as owner:
        assert owner.execute("select title from tasks").fetchall() == [("milk",)]
    # What was there before can be searched.
    database = Database(empty_url, max_size=1)
    await database.open()
    found = await TaskRepository(database).list("u", TaskFilter(words=("ILK",)))
    await database.close()
    assert [task.title for task in found.tasks] == ["milk"]


@pytest.mark.parametrize(
    ("due_at", "due"),
    [
        # A day that a model named.
        ("2026-12-24T00:00:00Z", "2026-12-24"),
        # A day that was entered on the page, whose last minute it was: Karachi, New York in winter
        # and in summer, Mumbai, Kathmandu, St John's, Honolulu, Auckland.
        ("2026-12-24T18:59:00Z", "2026-12-24"),
        ("2026-12-25T04:59:00Z", "2026-12-24"),
        ("2026-07-05T03:59:00Z", "2026-07-04"),
        ("2026-12-24T18:29:00Z", "2026-12-24"),
        ("2026-12-24T18:14:00Z", "2026-12-24"),
        ("2026-12-25T03:29:00Z", "2026-12-24"),
        ("2027-01-01T09:59:00Z", "2026-12-31"),
        ("2026-12-24T10:59:00Z", "2026-12-24"),
        # Moments.
        ("2026-12-24T09:00:00Z", "2026-12-24T09:00:00Z"),
        ("2026-12-24T12:00:00Z", "2026-12-24T12:00:00Z"),
        ("2026-12-24T18:59:01Z", "2026-12-24T18:59:01Z"),
        ("2026-12-24T16:29:00Z", "2026-12-24T16:29:00Z"),
        (None, None),
    ],
)
async def test_what_there_was_keeps_its_day(
    empty_url: str, due_at: str | None, due: str | None
) -> None:
    migrate(empty_url, folders=FOLDERS)
    rollback(empty_url, 1, folders=FOLDERS)
    task_id = new_id("tsk")
    with psycopg.connect(empty_url) as owner:
        owner.execute(
            "insert into tasks (user_id, id, title, due_at) values ('u', %s, 'x', %s)",
            (task_id, due_at),
        )
    assert migrate(empty_url, folders=FOLDERS) == OURS[-1:]
    database = Database(empty_url, max_size=1)
    await database.open()
    try:
        assert (await TaskRepository(database).get("u", task_id)).document()["due_at"] == due
    finally:
        await database.close()
    rollback(empty_url, 1, folders=FOLDERS)
    with psycopg.connect(empty_url) as owner:
        [[again]] = owner.execute(
            "select to_char(due_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from tasks"
        ).fetchall()
    assert again == due_at


async def test_a_day_is_one_whatever_the_zone_of_the_database(empty_url: str) -> None:
    migrate(empty_url, folders=FOLDERS)
    rollback(empty_url, 1, folders=FOLDERS)
    name = empty_url.rpartition("/")[2]
    with psycopg.connect(empty_url, autocommit=True) as owner:
        owner.execute(
            "insert into tasks (user_id, id, title, due_at)"
            " values ('u', 'tsk_1', 'x', '2026-12-25T04:59:00Z')"
        )
        owner.execute(f"alter database \"{name}\" set timezone = 'Asia/Kathmandu'")
    migrate(empty_url, folders=FOLDERS)
    with psycopg.connect(empty_url) as owner:
        owner.execute("alter table tasks no force row level security")
        assert owner.execute("select due_on::text from tasks").fetchall() == [("2026-12-24",)]


async def test_each_index_serves_a_query(empty_url: str, postgres: EmbeddedPostgres) -> None:
    """Of the functions' role, for which row-level security decides. Each is written with every
    row."""
    migrate(empty_url, folders=FOLDERS)
    with psycopg.connect(empty_url) as owner:
        owner.execute("alter table tasks no force row level security")
        owner.execute(
            "insert into tasks (user_id, id, title, completed, idempotency_key) select"
            " 'user ' || greatest(7, n / 100), 'tsk_' || n, 'milk ' || n, n % 100 > 0, n::text"
            " from generate_series(1, 3000) as n"
        )
    with psycopg.connect(empty_url, autocommit=True) as owner:
        owner.execute("vacuum analyze tasks, task_search")
    name = empty_url.rpartition("/")[2]
    database = Database(f"{postgres.app_url.rpartition('/')[0]}/{name}", max_size=1)
    await database.open()
    try:
        tasks = TaskRepository(database)
        added = await tasks.add("user 7", TaskDraft("bread"), "key")
        await tasks.list("user 7", TaskFilter())
        await tasks.list("user 7", TaskFilter(completed=False))
        await tasks.list("user 7", TaskFilter(words=("brea",)))
        await tasks.update("user 7", added.id, TaskChanges(completed=True))
        await tasks.delete("user 7", added.id)
    finally:
        await database.close()  # the server counts what a connection did when it ends
    with psycopg.connect(empty_url) as owner:
        scans = owner.execute(
            "select indexrelname, idx_scan > 0 from pg_stat_user_indexes"
            " where relname in ('tasks', 'task_search')"
        ).fetchall()
    assert sorted(scans) == [
        ("task_search_by_grams", True),
        ("task_search_pkey", True),
        ("tasks_by_state", True),
        ("tasks_idempotency_key", True),
        ("tasks_pkey", True),
    ]
