"""A Postgres that is too old is told so in a sentence, before anything is made in it.

`scripts/pytest-postgres` runs this, with a real Postgres 14.
"""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from tests.command import run
from tests.postgres import embedded

from sidestream.local.postgres import EmbeddedPostgres
from sidestream.store.migrate import PostgresTooOld, migrate, pending, rollback

SENTENCE = "This is Postgres 14; Sidestream needs Postgres 15 or newer."


@pytest.fixture(scope="module")
def old() -> Iterator[EmbeddedPostgres]:
    with embedded("14", "C") as server:
        yield server


@pytest.mark.parametrize("work", [migrate, rollback, pending])
def test_nothing_is_made(old: EmbeddedPostgres, work: Callable[[str], list[str]]) -> None:
    with pytest.raises(PostgresTooOld, match=SENTENCE):
        work(old.owner_url)
    with psycopg.connect(old.owner_url) as connection:
        made = connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
        )
        assert made.fetchall() == []
        roles = connection.execute("select 1 from pg_roles where rolname = 'sidestream_app'")
        assert roles.fetchall() == []


def test_the_commands_say_so(old: EmbeddedPostgres) -> None:
    done = run("migrate", "--url", old.owner_url)
    assert (done.returncode, done.stderr) == (1, f"sidestream: {SENTENCE}\n")
    urls = {"DATABASE_URL": old.owner_url, "DIRECT_DATABASE_URL": old.owner_url}
    report = run("doctor", "--url", "http://127.0.0.1:9", env=urls).stdout
    said = [line.split()[:2] for line in report.splitlines() if SENTENCE in line]
    assert said == [["failed", "database"], ["failed", "migrations"]]
