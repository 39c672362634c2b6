"""The table of the tasks: its migration is the domain's, and was the chat's once."""

from concurrent.futures import ThreadPoolExecutor
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
OURS = [
    "0003_tasks",
    "0005_tasks_indexes",
    "0008_tasks_search",
    "0010_tasks_due_on",
    "0011_tasks_pieces",
]
DUE_ON = OURS.index("0010_tasks_due_on")


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
    rollback(empty_url, len(OURS) - DUE_ON, folders=FOLDERS)
    task_id = new_id("tsk")
    with psycopg.connect(empty_url) as owner:
        owner.execute(
            "insert into tasks (user_id, id, title, due_at) values ('u', %s, 'x', %s)",
            (task_id, due_at),
        )
    assert migrate(empty_url, folders=FOLDERS) == OURS[DUE_ON:]
    database = Database(empty_url, max_size=1)
    await database.open()
    try:
        assert (await TaskRepository(database).get("u", task_id)).document()["due_at"] == due
    finally:
        await database.close()
    rollback(empty_url, len(OURS) - DUE_ON, folders=FOLDERS)
    with psycopg.connect(empty_url) as owner:
        [[again]] = owner.execute(
            "select to_char(due_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from tasks"
        ).fetchall()
    assert again == due_at


async def test_a_day_is_one_whatever_the_zone_of_the_database(empty_url: str) -> None:
    migrate(empty_url, folders=FOLDERS)
    rollback(empty_url, len(OURS) - DUE_ON, folders=FOLDERS)
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
        owner.execute("vacuum analyze tasks, task_pieces")
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
            " where relname in ('tasks', 'task_blocks', 'task_pieces')"
        ).fetchall()
    assert sorted(scans) == [
        ("task_blocks_pkey", True),
        ("task_pieces_by_piece", True),
        ("task_pieces_pkey", True),
        ("tasks_by_state", True),
        ("tasks_idempotency_key", True),
        ("tasks_pkey", True),
    ]


FIRST_FORM = """
    alter table tasks add column words text
      generated always as (lower(normalize(title || e'\\n' || notes))) stored;
    create function task_grams(owner text, words text, shortest integer default 1)
      returns bigint[] language sql immutable as $$ select array[1::bigint] $$;
    create table task_search (
      user_id text not null, id text not null, grams bigint[] not null, primary key (user_id, id),
      constraint task_search_task foreign key (user_id, id)
        references tasks (user_id, id) on delete cascade);
    create function task_searchable() returns trigger language plpgsql as $$
    begin
      insert into task_search values (new.user_id, new.id, task_grams(new.user_id, new.words))
        on conflict do nothing;
      return null;
    end $$;
    create trigger tasks_made_searchable after insert on tasks
      for each row execute function task_searchable();
    create trigger tasks_kept_searchable after update on tasks
      for each row when (old.words is distinct from new.words) execute function task_searchable();
    alter table task_search enable row level security;
    alter table task_search force row level security
"""


@pytest.mark.parametrize("form", ["", FIRST_FORM])
async def test_what_there_is_is_made_searchable_while_others_work(
    empty_url: str, form: str
) -> None:
    """Also where an earlier form of the search was."""
    migrate(empty_url, folders=FOLDERS)
    rollback(empty_url, 1, folders=FOLDERS)
    count = "select count(*) from task_pieces"
    add = (
        "insert into tasks (user_id, id, title, notes) select 'u', 'tsk_' || lpad(n::text, 9, '0'),"
    )
    with psycopg.connect(empty_url, autocommit=True) as other, ThreadPoolExecutor() as pool:
        if form:
            other.execute(form)
            other.execute("alter table task_search no force row level security")
        other.execute("alter table tasks no force row level security")
        other.execute(
            f"{add} 'milk', string_agg(md5(n::text || m), ' ')"
            " from generate_series(1, 600) as n, generate_series(1, 60) as m group by n"
        )
        migrating = pool.submit(migrate, empty_url, folders=FOLDERS)
        met = False
        while not met and not migrating.done():
            made = other.execute("select to_regclass('task_pieces') is not null").fetchone()
            met = made == (True,) and 0 < _number(other.execute(count)) < 600
        assert met, "it came all at once"
        other.execute("set lock_timeout = '5s'")
        other.execute(f"{add} 'milk', '' from generate_series(601, 620) as n")
        for n in range(1, 600, 40):
            for change in ("update tasks set completed = true", "update tasks set title = 'bread'"):
                other.execute(f"{change} where id = %s", (f"tsk_{n:09}",))
            other.execute("delete from tasks where id = %s", (f"tsk_{n + 1:09}",))
        assert migrating.result() == OURS[-1:]
        for name in ("task_search", "task_searchable", "task_grams"):
            assert other.execute(
                "select to_regclass(%s), to_regproc(%s)", (name, name)
            ).fetchone() == (None, None)
        other.execute("set app.user_id = 'u'")
        for word in ("milk", "bread"):
            found = other.execute(
                "select array(select search_tasks('u', array[%s], array[%s], null, null, 1000))",
                (word, f"%{word}%"),
            ).fetchone()
            assert (
                found
                == other.execute(
                    "select array(select id from tasks where title = %s order by id desc)", (word,)
                ).fetchone()
            )
        states = "select array(select id from {} where completed order by id)"
        marked = other.execute(states.format("task_pieces")).fetchone()
        assert marked == other.execute(states.format("tasks")).fetchone() != ([],)
        sizes = other.execute("select count(*), sum(size) from task_blocks").fetchone()
        assert sizes == (2, 620)


def _number(cursor: psycopg.Cursor[tuple[int]]) -> int:
    row = cursor.fetchone()
    return row[0] if row else 0
