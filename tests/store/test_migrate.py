from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sidestream.local.postgres import EmbeddedPostgres
from sidestream.store.ids import new_id
from sidestream.store.migrate import STATEMENT_TIMEOUT, migrate, pending, rollback
from sidestream.store.silence import GIVES_UP

ALL = [
    "0001_chat",
    "0002_runs",
    "0004_usage",
    "0006_kept_runs",
    "0007_runs_keys",
    "0009_tidy",
    "0014_runs_by_key",
    "0015_followers",
    "0016_reserved_tokens",
]


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
            "insert into followers values ('f', 'r', 'u', now())",
            "insert into usage_minutes values ('u', now(), 1)",
            "insert into usage_days values ('u', now(), 1)",
        ):
            owner.execute(statement)
    assert rollback(empty_url, to="0002_runs") == ALL[:1:-1]
    assert rollback(empty_url, to="0001_chat") == ["0002_runs"]
    with psycopg.connect(empty_url) as owner:
        assert owner.execute("select count(*) from threads").fetchone() == (1,)
    assert migrate(empty_url) == ALL[1:]
    assert tables(empty_url) == whole
    with psycopg.connect(empty_url) as owner:
        assert owner.execute("select count(*) from threads").fetchone() == (1,)
    assert rollback(empty_url) == ALL[::-1]
    assert tables(empty_url) == set()
    assert migrate(empty_url) == ALL


def test_statements_of_the_functions_role_have_a_time_limit(
    empty_url: str, postgres: EmbeddedPostgres
) -> None:
    migrate(empty_url)
    name = empty_url.rpartition("/")[2]
    with psycopg.connect(postgres.app_url.rpartition("/")[0] + f"/{name}") as app:
        assert app.execute("show statement_timeout").fetchone() == (STATEMENT_TIMEOUT,)


def test_a_role_that_the_owner_may_not_change_is_left_as_it_is(
    empty_url: str, postgres: EmbeddedPostgres
) -> None:
    other = new_id("owner")
    name = sql.Identifier(empty_url.rpartition("/")[2])
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {} login password 'pw'").format(sql.Identifier(other)))
        admin.execute(sql.SQL("alter database {} owner to {}").format(name, sql.Identifier(other)))
        _, _, rest = empty_url.partition("@")
        assert migrate(f"postgresql://{other}:pw@{rest}") == ALL


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
    assert migrate(empty_url) == ALL[-1:]


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


@pytest.fixture
def more(tmp_path: Path) -> Path:
    """A folder with migrations of somebody else's tables."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for number, table in ((1, "cities"), (2, "cities_roads")):
        name = f"000{number}_{table}"
        (folder / f"{name}.sql").write_text(
            f"create table {table} (user_id text);\ngrant select on {table} to sidestream_app;"
        )
        (folder / f"{name}.rollback.sql").write_text(f"drop table {table};")
    return folder


OTHERS = ["0001_cities", "0002_cities_roads"]


def test_further_folders_come_after_ours(empty_url: str, more: Path) -> None:
    assert pending(empty_url, folders=[more]) == [*ALL, *OTHERS]
    assert migrate(empty_url, folders=[more]) == [*ALL, *OTHERS]
    assert {"threads", "cities"} < tables(empty_url)
    assert pending(empty_url, folders=[more]) == pending(empty_url) == []
    assert rollback(empty_url, 1, folders=[more]) == OTHERS[1:]
    assert rollback(empty_url, to="0002_runs", folders=[more]) == ["0001_cities", *ALL[:1:-1]]
    assert migrate(empty_url, folders=[more]) == [*ALL[2:], *OTHERS]
    assert rollback(empty_url, folders=[more]) == [*OTHERS[::-1], *ALL[::-1]]
    assert tables(empty_url) == set()


def test_what_was_applied_last_is_undone_first(empty_url: str, more: Path) -> None:
    migrate(empty_url, folders=[more])
    rollback(empty_url, to="0001_cities", folders=[more])
    with psycopg.connect(empty_url) as owner:
        # As on a database that had these tables before ours were complete.
        owner.execute(
            "update _yoyo_migration set applied_at_utc = now() + interval '1 day'"
            " where migration_id = %s",
            ALL[-1:],
        )
    assert rollback(empty_url, 2, folders=[more]) == [ALL[-1], "0001_cities"]


def test_the_tables_of_a_domain_that_is_no_longer_named_stay(empty_url: str, more: Path) -> None:
    migrate(empty_url, folders=[more])
    assert rollback(empty_url, 1) == ALL[-1:]
    assert migrate(empty_url) == ALL[-1:]
    assert "cities" in tables(empty_url)


def test_a_peer_that_goes_silent_is_left(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By every connection: the one that holds the lock, and yoyo's."""
    opened: list[dict[str, str]] = []
    connect = psycopg.connect

    def noted(*args: Any, **options: Any) -> psycopg.Connection[Any]:
        connection = connect(*args, **options)
        opened.append(connection.info.get_parameters())
        return connection

    monkeypatch.setattr(psycopg, "connect", noted)
    migrate(f"{empty_url}?application_name=migrate")
    assert len(opened) > 3  # ours, and yoyo's besides
    wanted = {"connect_timeout": 10, **GIVES_UP}
    for parameters in opened:
        assert {name: int(parameters[name]) for name in wanted} == wanted
