from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from sidestream.local.postgres import EmbeddedPostgres
from sidestream.store.ids import new_id
from sidestream.store.migrate import migrate, pending, rollback

ALL = ["0001_chat", "0002_runs", "0003_tasks", "0004_usage"]


@pytest.fixture
def empty_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The owner's URL of a database of its own."""
    name = new_id("db")
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} owner sidestream_owner").format(sql.Identifier(name))
        )
        yield postgres.owner_url.removesuffix("sidestream") + name
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def tables(url: str) -> set[str]:
    query = "select table_name from information_schema.tables where table_schema = 'public'"
    with psycopg.connect(url) as connection:
        names = {str(name) for (name,) in connection.execute(query)}
    return {name for name in names if "yoyo" not in name}


def test_forward_and_back_with_data_in_it(empty_url: str) -> None:
    assert pending(empty_url) == ALL
    assert migrate(empty_url) == ALL
    assert migrate(empty_url) == []
    assert pending(empty_url) == []
    whole = tables(empty_url)
    with psycopg.connect(empty_url) as owner:
        for statement in (
            "insert into threads (id, user_id, created_at, data) values ('t', 'u', now(), '{}')",
            "insert into thread_items (thread_id, id, user_id, type, created_at, data)"
            " values ('t', 'm', 'u', 'user_message', now(), '{}')",
            "insert into attachments (id, user_id, thread_id, data) values ('a', 'u', 't', '{}')",
            "insert into feedback (thread_id, item_id, user_id, kind)"
            " values ('t', 'm', 'u', 'positive')",
            "insert into runs (id, thread_id, user_id, lease_expires_at)"
            " values ('r', 't', 'u', now())",
            "insert into run_events (run_id, user_id, first_event, last_event, frames)"
            " values ('r', 'u', 1, 1, '{x}')",
            "insert into tasks (user_id, id, title) values ('u', 'k', 'milk')",
            "insert into usage_minutes values ('u', now(), 1)",
            "insert into usage_days values ('u', now(), 1)",
        ):
            owner.execute(statement)
    assert rollback(empty_url, 1) == ["0004_usage"]
    assert rollback(empty_url, to="0001_chat") == ["0003_tasks", "0002_runs"]
    with psycopg.connect(empty_url) as owner:
        assert owner.execute("select count(*) from threads").fetchone() == (1,)
    assert migrate(empty_url) == ALL[1:]
    assert tables(empty_url) == whole
    with psycopg.connect(empty_url) as owner:
        assert owner.execute("select count(*) from threads").fetchone() == (1,)
    assert rollback(empty_url) == ALL[::-1]
    assert tables(empty_url) == set()
    assert migrate(empty_url) == ALL


def test_back_to_what_never_was(empty_url: str) -> None:
    migrate(empty_url)
    with pytest.raises(ValueError, match="0009_never"):
        rollback(empty_url, to="0009_never")
    assert pending(empty_url) == []


def test_two_at_once(empty_url: str) -> None:
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(migrate, [empty_url] * 3))
    assert sorted(results) == [[], [], ALL]


def test_a_lock_that_a_killed_process_left(empty_url: str) -> None:
    migrate(empty_url)
    rollback(empty_url, 1)
    with psycopg.connect(empty_url) as owner:
        owner.execute("insert into yoyo_lock (locked, ctime, pid) values (1, now(), 1)")
    assert migrate(empty_url) == ["0004_usage"]


def test_one_that_was_committed_but_not_noted(empty_url: str) -> None:
    migrate(empty_url)
    with psycopg.connect(empty_url) as owner:
        owner.execute("delete from _yoyo_migration")
    assert migrate(empty_url) == ALL


def test_the_tables_are_where_the_functions_look(
    empty_url: str, postgres: EmbeddedPostgres
) -> None:
    name = empty_url.rpartition("/")[2]
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        setting = sql.SQL("alter database {} set search_path = elsewhere, public")
        admin.execute(setting.format(sql.Identifier(name)))
    with psycopg.connect(empty_url) as owner:
        owner.execute("create schema elsewhere")
    assert migrate(f"{empty_url}?application_name=migrate") == ALL
    assert "threads" in tables(empty_url)
    assert pending(empty_url) == []


def test_the_owner_is_no_superuser(empty_url: str) -> None:
    with psycopg.connect(empty_url) as owner:
        row = owner.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    assert row == (False,)
