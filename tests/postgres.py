"""Fixtures with a real Postgres: one server per test session, migrated, reached as each role.

Tests do not clean up: each takes fresh users, and users never meet. `pgbouncer_url` goes through
Debian's PgBouncer in transaction mode, a stricter pooler than the ones in the cloud.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from sidestream.caller import Caller
from sidestream.local.ports import free_port
from sidestream.local.postgres import EmbeddedPostgres
from sidestream.local.settings import PROJECT
from sidestream.store.database import Database
from sidestream.store.ids import new_id
from sidestream.store.migrate import migrate
from tests.tickets import DOMAIN

_VERSIONS = Path(__file__).parents[1] / ".tools" / "postgres" / "node_modules"
_LOCALES = {
    "C": ("--locale=C",),
    "icu": ("--locale=C", "--locale-provider=icu", "--icu-locale=en-US"),
    "en_US": ("--locale=en_US.UTF-8", "--locale-provider=libc"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `scripts/pytest-postgres` choose another server for every test."""
    parser.addoption("--postgres", help="a version that scripts/postgres-versions has installed")
    parser.addoption("--pgbouncer", help="another PgBouncer than the one that is installed")
    parser.addoption("--collation", choices=sorted(_LOCALES), help="instead of the builtin one")


@contextmanager
def embedded(version: str | None, collation: str | None) -> Iterator[EmbeddedPostgres]:
    """A server of its own: the embedded one, or another version, with its own collation."""
    locale = {"locale": _LOCALES[collation]} if collation else {}
    with _OpenFolder() as folder:
        programs = None
        if version:
            [home] = _VERSIONS.glob(f"{version}-*")
            # Where root's checkout is closed to others, the server's account could not read it.
            programs = shutil.copytree(home / "native", folder / "native", symlinks=True) / "bin"
            for program in programs.iterdir():
                program.chmod(0o755)
        with EmbeddedPostgres(
            folder / "postgres", durable=False, programs=programs, **locale
        ) as server:
            yield server


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[EmbeddedPostgres]:
    """The running server, migrated."""
    chosen = (pytestconfig.getoption("--postgres"), pytestconfig.getoption("--collation"))
    with embedded(*chosen) as server:
        migrate(server.owner_url, server.app_password, folders=DOMAIN.migration_folders)
        yield server


@pytest.fixture(scope="session")
def admin_url(postgres: EmbeddedPostgres) -> str:
    """The superuser's URL, for what an accident does: ending connections."""
    return postgres.admin_url


@pytest.fixture(scope="session")
def owner_url(postgres: EmbeddedPostgres) -> str:
    """The URL of the tables' owner, who sees every user's rows."""
    return postgres.owner_url


@pytest.fixture(scope="session")
def app_url(postgres: EmbeddedPostgres) -> str:
    """The URL of the functions' role, which sees one user's rows at a time."""
    return postgres.app_url


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def direct_database(app_url: str) -> AsyncIterator[Database]:
    """An open `Database` as the functions' role."""
    opened = Database(app_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def database(direct_database: Database) -> Database:
    """The `Database` to use when it does not matter which."""
    return direct_database


@contextmanager
def pgbouncer(app_url: str, pytestconfig: pytest.Config, more: str = "") -> Iterator[str]:
    """The functions' URL through PgBouncer in transaction mode, with two server connections and
    more settings."""
    program = pytestconfig.getoption("--pgbouncer") or _pgbouncer()
    target = urlsplit(app_url)
    port = free_port()
    with _OpenFolder() as folder:
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            "[databases]\n"
            f"sidestream = host=127.0.0.1 port={target.port} dbname=sidestream "
            f"user={target.username} password={target.password}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n"
            "max_client_conn = 200\nadmin_users = admin\nstats_users = admin\n"
            f"{more}\n"
        )
        account = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
        process = subprocess.Popen(
            [program, "-q", str(settings)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **account,  # type: ignore[call-overload]
        )
        try:
            _wait_for_port(port, process)
            yield f"postgresql://{target.username}@127.0.0.1:{port}/sidestream"
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="session")
def pgbouncer_url(app_url: str, pytestconfig: pytest.Config) -> Iterator[str]:
    """The functions' URL through PgBouncer."""
    with pgbouncer(app_url, pytestconfig) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pooled_database(pgbouncer_url: str) -> AsyncIterator[Database]:
    """An open `Database` through PgBouncer, with more connections than PgBouncer has itself."""
    opened = Database(pgbouncer_url, min_size=3)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def caller() -> Caller:
    """A user whom no other test knows."""
    return Caller(new_id("user"))


@pytest.fixture
def stranger() -> Caller:
    """Another one."""
    return Caller(new_id("user"))


class _OpenFolder:
    """A temporary folder that the server's account may enter when root runs the tests."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="sidestream-"))
        self._path.chmod(0o755)
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def _pgbouncer() -> str:
    subprocess.run([PROJECT / "scripts/system-packages", "pgbouncer"], check=True)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    program = shutil.which("pgbouncer", path=path)
    assert program is not None
    return program


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"pgbouncer ended with {process.returncode}")
