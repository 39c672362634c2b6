import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from sidestream.local.postgres import EmbeddedPostgres


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's account may enter also when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="sidestream-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)


def pid_of(server: EmbeddedPostgres) -> int:
    return int((server.data_dir / "cluster" / "postmaster.pid").read_text().split()[0])


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def test_a_second_start_keeps_the_data(folder: Path) -> None:
    with EmbeddedPostgres(folder / "pg", durable=False) as server:
        rows(server.owner_url, "create table kept as select 'سلام' as word")
        assert rows(server.owner_url, "select current_user, lower('ÀÉ')") == [
            ("sidestream_owner", "àé")
        ]
        pid = pid_of(server)
    assert not is_alive(pid)
    with EmbeddedPostgres(folder / "pg", durable=False) as server:
        assert rows(server.owner_url, "select word from kept") == [("سلام",)]


async def test_as_an_async_context_manager(folder: Path) -> None:
    async with EmbeddedPostgres(folder / "pg", durable=False) as server:
        assert rows(server.admin_url, "select current_user") == [("postgres",)]


def test_a_parent_that_was_killed(folder: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from sidestream.local.postgres import EmbeddedPostgres\n"
        "EmbeddedPostgres(sys.argv[1], durable=False).start()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(folder / "pg")], check=False)
    assert killed.returncode == -signal.SIGKILL
    with EmbeddedPostgres(folder / "pg", durable=False) as server:
        pid = pid_of(server)
        assert rows(server.owner_url, "select 1") == [(1,)]
    assert not is_alive(pid)


def test_a_server_that_was_killed(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "pg", durable=False)
    server.start()
    rows(server.owner_url, "create table kept as select 1 as n")
    process = psutil.Process(pid_of(server))
    family = [process, *process.children(recursive=True)]
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family)
    with server:
        assert rows(server.owner_url, "select n from kept") == [(1,)]


@pytest.mark.parametrize("text", ["", "12", f"{os.getpid()}\n/elsewhere\n1\n5432\n\n\n\nready\n"])
def test_a_stale_pid_file(folder: Path, text: str) -> None:
    with EmbeddedPostgres(folder / "pg", durable=False) as server:
        pass
    (server.data_dir / "cluster" / "postmaster.pid").write_text(text)
    server.stop()
    (server.data_dir / "cluster" / "postmaster.pid").write_text(text)
    with server:
        assert rows(server.owner_url, "select 1") == [(1,)]


def test_an_initdb_that_was_killed(folder: Path) -> None:
    partial = folder / "pg" / "cluster.partial"
    partial.mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18")
    with EmbeddedPostgres(folder / "pg", durable=False) as server:
        assert rows(server.owner_url, "select 1") == [(1,)]


def test_starting_twice_is_one_server(folder: Path) -> None:
    first = EmbeddedPostgres(folder / "pg", durable=False)
    with first, EmbeddedPostgres(folder / "pg", durable=False) as second:
        assert second.owner_url == first.owner_url
    first.stop()


def test_no_permission_outside_changes(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    server = EmbeddedPostgres(private / "pg", durable=False)
    try:
        with server:
            assert rows(server.owner_url, "select 1") == [(1,)]
        assert private.stat().st_mode & 0o777 == 0o700
    finally:
        subprocess.run(["rm", "-rf", str(server.data_dir)], check=True)
