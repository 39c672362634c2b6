"""The table of the tasks: its migration is the domain's, and was the chat's once."""

from pathlib import Path
from shutil import copy

import psycopg
import pytest

from sidestream.store.migrate import MIGRATIONS, migrate, pending, rollback
from sidestream.tasks.pack import DOMAIN

FOLDERS = DOMAIN.migration_folders


def _add(url: str) -> None:
    with psycopg.connect(url) as owner:
        owner.execute("insert into tasks (user_id, id, title) values ('u', 'k', 'milk')")


def test_forward_and_back_with_data_in_it(empty_url: str) -> None:
    applied = migrate(empty_url, folders=FOLDERS)
    assert applied[-1] == "0003_tasks"
    _add(empty_url)
    assert rollback(empty_url, 1, folders=FOLDERS) == ["0003_tasks"]
    assert migrate(empty_url, folders=FOLDERS) == ["0003_tasks"]
    _add(empty_url)
    assert rollback(empty_url, folders=FOLDERS) == applied[::-1]


def test_a_database_from_before_the_domain_had_them_stays_as_it_is(
    empty_url: str, tmp_path: Path
) -> None:
    """It was made from one folder, in the order of the numbers."""
    one = tmp_path / "one"
    one.mkdir()
    for folder in (MIGRATIONS, *FOLDERS):
        for path in folder.glob("*.sql"):
            copy(path, one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sidestream.store.migrate.MIGRATIONS", one)
        before = migrate(empty_url)
    assert before == ["0001_chat", "0002_runs", "0003_tasks", "0004_usage"]
    _add(empty_url)

    assert pending(empty_url, folders=FOLDERS) == []
    assert migrate(empty_url, folders=FOLDERS) == []
    assert rollback(empty_url, 1, folders=FOLDERS) == ["0004_usage"]
    assert migrate(empty_url, folders=FOLDERS) == ["0004_usage"]
    with psycopg.connect(empty_url) as owner:
        assert owner.execute("select title from tasks").fetchall() == [("milk",)]
