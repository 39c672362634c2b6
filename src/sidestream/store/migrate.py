"""Migrations: plain SQL files, run by yoyo on a direct connection as the owner of the tables.

The chat's own are here. Whoever has tables beside them names `folders` with more of the same kind,
whose files have names that no other folder has: by its name a migration is known as applied.

A pooler in transaction mode is no place for this: use the database's direct URL. A statement takes
as long as it needs, as long as the server answers others (`Watch`); a server that does not is given
up. Imports yoyo only when called, because the functions do not carry it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from .encryption import encrypted
from .silence import GIVES_UP
from .watch import Watch

MIGRATIONS: Final = Path(__file__).parent / "migrations"
OLDEST: Final = 15
"""The oldest Postgres that will do: views with `security_invoker` came with it."""
APP_ROLE: Final = "sidestream_app"
STATEMENT_TIMEOUT: Final = "30s"
"""How long a statement of the functions' role may take where nothing shorter is set. A call sets
less; this is for whatever else logs in by that role, and for what a call left behind."""
_LOCK: Final = 0x51DE57
_LOCK_TIMEOUT: Final = "10min"
_BOUNDS: Final[dict[str, Any]] = {"connect_timeout": 10, **GIVES_UP}


class PostgresTooOld(Exception):
    """The server is older than `OLDEST`. The text is a sentence."""


def require_version(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> int:
    """Give the server's major version. Raises `PostgresTooOld`."""
    version = connection.info.server_version // 10_000
    if version < OLDEST:
        raise PostgresTooOld(
            f"This is Postgres {version}; Sidestream needs Postgres {OLDEST} or newer."
        )
    return version


def migrate(
    direct_url: str, app_password: str | None = None, *, folders: Sequence[Path] = ()
) -> list[str]:
    """Apply what is missing, ours before those of `folders`, by their names. Gives the names of the
    migrations it applied.

    Two callers at once are safe: the second waits and finds nothing to do. With `app_password` the
    functions' role `sidestream_app` may log in with it. Where the owner may set it, that role's
    statements end after `STATEMENT_TIMEOUT` in this database. Raises `PostgresTooOld` before
    anything is made, as `rollback` and `pending` do.
    """
    with _watched(direct_url) as watch:
        with _locked(watch, folders) as (backend, known):
            missing = backend.to_apply(known)
            backend.apply_migrations(missing)
            applied = [migration.id for migration in missing]
            _limit_statements(watch)
        if app_password is not None:
            _let_app_log_in(watch, app_password)
    return applied


def rollback(
    direct_url: str,
    steps: int | None = None,
    *,
    to: str | None = None,
    folders: Sequence[Path] = (),
) -> list[str]:
    """Undo the last `steps` migrations, or all that came after `to`, the last applied first.

    Their data is dropped. Without either, undoes everything. Gives the names of what it undid.
    Raises `ValueError` when `to` is not among the applied migrations.
    """
    with _watched(direct_url) as watch, _locked(watch, folders) as (backend, known):
        order = backend.get_applied_migration_hashes()
        applied = sorted(backend.to_rollback(known), key=lambda each: -order.index(each.hash))
        names = [migration.id for migration in applied]
        if to is not None:
            if to not in names:
                raise ValueError(f"{to} is not an applied migration")
            steps = names.index(to)
        undone = known.replace(applied[:steps])
        backend.rollback_migrations(undone)
        return [migration.id for migration in undone]


def pending(direct_url: str, *, folders: Sequence[Path] = ()) -> list[str]:
    """Give the names of the migrations that the database lacks, in the order of `migrate`."""
    with _watched(direct_url) as watch:
        with _connect(watch) as connection:
            require_version(connection)
        with _backend(watch, folders) as (backend, known):
            return [migration.id for migration in backend.to_apply(known)]


@contextmanager
def _locked(watch: Watch, folders: Sequence[Path]) -> Iterator[tuple[Any, Any]]:
    """Let one migrator in at a time.

    Yoyo's own lock is a row, which a killed process leaves behind for good; an advisory lock goes
    with its session. So whoever holds the advisory lock may break a row that it finds.
    """
    with _connect(watch) as connection:
        require_version(connection)
        connection.execute(f"set lock_timeout = '{_LOCK_TIMEOUT}'")
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        with _backend(watch, folders) as (backend, known):
            backend.break_lock()
            with backend.lock():
                yield backend, known


@contextmanager
def _backend(watch: Watch, folders: Sequence[Path]) -> Iterator[tuple[Any, Any]]:
    from yoyo import default_migration_table, read_migrations  # type: ignore[import-untyped]
    from yoyo.backends.core.postgresql import (  # type: ignore[import-untyped]
        PostgresqlPsycopgBackend,
    )
    from yoyo.connections import parse_uri  # type: ignore[import-untyped]

    class Watched(PostgresqlPsycopgBackend):  # type: ignore[misc]
        """Makes a connection for each migration."""

        def connect(self, dburi: Any) -> psycopg.Connection[Any]:
            connection: psycopg.Connection[Any] = super().connect(dburi)
            watch.add(connection)
            return connection

    _, _, rest = watch.url.partition("://")
    joint = "&" if "?" in rest else "?"
    # The functions look there, whatever search_path the owner of the tables has.
    options = urlencode({**_BOUNDS, "schema": "public"})
    uri = parse_uri(f"postgresql+psycopg://{rest}{joint}{options}")
    with Watched(uri, default_migration_table) as backend:
        backend.init_database()
        yield backend, read_migrations(*map(str, (MIGRATIONS, *folders)))


def _let_app_log_in(watch: Watch, password: str) -> None:
    statement = sql.SQL("alter role {} login password {}")
    with _connect(watch) as connection:
        connection.execute(statement.format(sql.Identifier(APP_ROLE), sql.Literal(password)))


def _limit_statements(watch: Watch) -> None:
    statement = sql.SQL("alter role {} in database {} set statement_timeout = {}")
    with _connect(watch) as connection, suppress(psycopg.errors.InsufficientPrivilege):
        # `doctor` names what is left to do where somebody else made the role.
        role, name = sql.Identifier(APP_ROLE), sql.Identifier(connection.info.dbname)
        connection.execute(statement.format(role, name, sql.Literal(STATEMENT_TIMEOUT)))


def _watched(direct_url: str) -> Watch:
    return Watch(encrypted(direct_url))


def _connect(watch: Watch) -> psycopg.Connection[Any]:
    connection = psycopg.connect(watch.url, autocommit=True, **_BOUNDS)
    watch.add(connection)
    return connection
