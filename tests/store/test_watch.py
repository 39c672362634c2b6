"""Migrations and a server that goes silent: it acknowledges what it is sent, and says nothing."""

import asyncio
from functools import partial
from pathlib import Path

import psycopg
import pytest
from tests.store.proxy import Proxy
from tests.store.test_migrate import ALL

from sidestream.store import migrate as migrations
from sidestream.store.migrate import migrate
from sidestream.store.watch import Watch

SLOW = "select pg_sleep(3)"


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A migration that takes three seconds."""
    (tmp_path / "0001_slow.sql").write_text(SLOW)
    return tmp_path


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    often = partial(Watch, every_s=0.1, answer_s=2, times=1)
    monkeypatch.setattr(migrations, "Watch", often)


async def running(url: str, text: str) -> None:
    """Wait until a statement of that text is at work."""
    query = "select count(*) from pg_stat_activity where query like %s and state = 'active'"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            found = await (await connection.execute(query, [f"%{text}%"])).fetchone()
            if found and found[0]:
                return
            await asyncio.sleep(0.02)


async def test_a_server_that_goes_silent_in_mid_statement_is_left(
    empty_url: str, slow: Path
) -> None:
    async with Proxy(empty_url) as proxy:
        call = asyncio.create_task(asyncio.to_thread(migrate, proxy.url, folders=[slow]))
        await running(empty_url, SLOW)
        proxy.silence()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            await call
        proxy.speak()
    assert await asyncio.to_thread(migrate, empty_url, folders=[slow]) == ["0001_slow"]


async def test_a_server_that_is_silent_from_the_start_is_left(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(migrations._BOUNDS, "connect_timeout", 2)
    async with Proxy(empty_url) as proxy:
        proxy.silence()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            await asyncio.to_thread(migrate, proxy.url)
        proxy.speak()


async def test_who_waits_for_the_lock_of_a_silent_server_leaves_it(empty_url: str) -> None:
    lock = "select pg_advisory_lock"
    async with await psycopg.AsyncConnection.connect(empty_url, autocommit=True) as other:
        await other.execute(f"{lock}({migrations._LOCK})")
        async with Proxy(empty_url) as proxy:
            call = asyncio.create_task(asyncio.to_thread(migrate, proxy.url))
            await running(empty_url, f"{lock}($1)")
            proxy.silence()
            with pytest.raises(psycopg.errors.ConnectionTimeout):
                await call
            proxy.speak()


def test_a_long_migration_takes_as_long_as_it_needs(empty_url: str, slow: Path) -> None:
    assert migrate(empty_url, folders=[slow]) == [*ALL, "0001_slow"]
