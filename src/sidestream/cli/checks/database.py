"""The database: reachable, migrated, its rows guarded from the functions' role, its pooler known.

Source of the pooler's habits: "Features" of pgbouncer.org (what each pooling mode supports).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from sidestream.chat.tidy.ages import kept
from sidestream.cli.checks.finding import Broken, Finding, Unchecked, failed, ok, unchecked, warning
from sidestream.config import SettingsError, TidySettings
from sidestream.problems import Problem
from sidestream.reasons import Reason
from sidestream.store.database import Database, Statement
from sidestream.store.encryption import encrypted, stays_here
from sidestream.store.failures import reason_of
from sidestream.store.migrate import (
    STATEMENT_TIMEOUT,
    PostgresTooOld,
    pending,
    require_version,
)
from sidestream.store.tidy import Leftovers

_CONNECT_TIMEOUT_S: Final = 5
_TRIES: Final = 3
_MOST_LEFT: Final = 1_000
_DAY_S: Final = 24 * 3600.0
_LOOK: Final = "look at its address, its state and the network"
_ADVICE: Final = {
    Reason.UNREADABLE: "the address is `postgresql://role:password@host/database`",
    Reason.AUTHENTICATION: "look at the role and its password",
    Reason.FORBIDDEN: "let the role log in with `sidestream migrate --app-password`, and let this "
    "address in",
    Reason.MISSING: "look at the role and the database in the address",
    Reason.FULL: "DATABASE_POOL_MAX times environments must fit",
    Reason.TLS: "look at `sslmode` and the certificates",
}
_ROLE: Final = """
select r.rolname as name, r.rolsuper or r.rolbypassrls as bypasses, t.*,
  current_setting('statement_timeout') = '0' as unlimited
from pg_roles r, (
  select count(*) as count,
    count(*) filter (where pg_has_role(c.relowner, 'member')) as owned,
    count(*) filter (where not (c.relrowsecurity and c.relforcerowsecurity)) as unguarded
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
) t
where r.rolname = current_user
"""


async def reachable(url: str) -> Finding:
    """Whether the functions' role can log in."""
    async with _connect(url) as connection:
        try:
            version = require_version(connection)
        except PostgresTooOld as error:
            return failed(str(error))
        is_encrypted, host = connection.pgconn.ssl_in_use, connection.info.host
    if is_encrypted:
        return ok(f"Postgres {version} answers, over TLS.")
    if stays_here(host):
        return ok(f"Postgres {version} answers.")
    return warning(
        f"Postgres {version} answers, but what travels to it can be read on the way: have it take "
        "TLS, and put no `sslmode` below `require` into the address."
    )


async def role(url: str) -> Finding:
    """Whether row-level security binds the functions' role."""
    async with _connected(url) as connection:
        cursor = await connection.execute(_ROLE)
        found = await cursor.fetchone()
    assert found is not None
    advice = "give DATABASE_URL the role sidestream_app"
    if found["bypasses"]:
        return failed(f"The role {found['name']} bypasses row-level security: {advice}.")
    if not found["count"]:
        return failed("There are no tables: run `sidestream migrate`.")
    if found["owned"]:
        return failed(f"The role {found['name']} owns tables, or can become their owner: {advice}.")
    if found["unguarded"]:
        return failed(
            f"{found['unguarded']} tables do not force row-level security: run "
            "`sidestream migrate`, and look for `alter table` outside the migrations."
        )
    if found["unlimited"]:
        return warning(
            f"Statements of {found['name']} have no time limit: run `sidestream migrate`, or as "
            f"that role `alter role {found['name']} set statement_timeout = '{STATEMENT_TIMEOUT}'`."
        )
    return ok(f"Row-level security binds {found['name']} in all {found['count']} tables.")


async def pooler(url: str, *, deployed: bool) -> Finding:
    """How connections are pooled, and whether our way of asking works through it."""
    async with _connected(url) as one, _connected(url) as other:
        shared = False
        for _ in range(_TRIES):
            shared = shared or await _backend(one) == await _backend(other)
        database = Database(url, timeout_s=_CONNECT_TIMEOUT_S)
        try:
            await database.open()
            asked = Statement("select current_setting('app.user_id', true) as user_id")
            answers = [await database.run("doctor", asked) for _ in range(_TRIES)]
        except (Problem, psycopg.Error) as error:
            raise Broken(
                f"Statements fail through the pooler ({type(error).__name__}): it has to allow "
                "the extended query protocol in transaction mode."
            ) from None
        finally:
            await database.close()
        left = [await _user(connection) for connection in (one, other)]
    if any(rows[0]["user_id"] != "doctor" for [rows] in answers) or any(left):
        return failed("The caller of one transaction is seen in another: use another pooler.")
    if shared:
        return ok("A pooler in transaction mode, and statements work through it.")
    sentence = "A direct connection, or a pooler in session mode; statements work."
    if deployed:
        return warning(f"{sentence} Use the pooled address: each environment holds its own.")
    return ok(sentence)


async def migrated(direct_url: str | None, folders: Sequence[Path] | None) -> Finding:
    """Whether every migration is applied, ours and those of the domain's `folders`; None: they are
    not known. Only the tables' owner can tell."""
    if not direct_url:
        return unchecked("Set DIRECT_DATABASE_URL, or run `sidestream migrate`.")
    if folders is None:
        return unchecked("Needs the domain, which DOMAIN names.")
    async with _connect(direct_url):
        pass  # says why not, which yoyo would not
    try:
        missing = await asyncio.to_thread(pending, direct_url, folders=folders)
    except PostgresTooOld as error:
        return failed(str(error))
    if missing:
        return failed(f"Run `sidestream migrate`: {', '.join(missing)} not applied.")
    return ok("Every migration is applied.")


async def tidied(url: str) -> Finding:
    """Whether what is past keeping goes. What is left for a day more says that nobody tidies."""
    try:
        late = kept(TidySettings.load(database_url=url), more_s=_DAY_S)
    except SettingsError as error:
        return failed(str(error))
    async with _connected(url):
        pass
    database = Database(url, timeout_s=_CONNECT_TIMEOUT_S)
    await database.open()
    try:
        left = await Leftovers(database, late).overdue(_MOST_LEFT)
    except psycopg.errors.UndefinedFunction:
        raise Unchecked("Run `sidestream migrate`.") from None
    except psycopg.errors.InsufficientPrivilege:
        raise Unchecked("Needs the role sidestream_app.") from None
    except Problem:
        raise Unchecked("Needs the database.") from None
    finally:
        await database.close()
    if left:
        count = f"{left} rows or more" if left == _MOST_LEFT else f"{left} rows"
        return warning(
            f"{count} are past keeping for over a day: look at the log of TidyFunction, or run "
            "`sidestream tidy`."
        )
    return ok("Nothing is left that is past keeping.")


async def _backend(connection: psycopg.AsyncConnection[Any]) -> int:
    cursor = await connection.execute("select pg_backend_pid() as pid")
    row = await cursor.fetchone()
    assert row is not None
    return int(row["pid"])


async def _user(connection: psycopg.AsyncConnection[Any]) -> str | None:
    cursor = await connection.execute("select current_setting('app.user_id', true) as user_id")
    row = await cursor.fetchone()
    assert row is not None
    user: str | None = row["user_id"]
    return user


@asynccontextmanager
async def _connect(url: str) -> AsyncIterator[psycopg.AsyncConnection[dict[str, Any]]]:
    """Connect as the functions do. Raises `Broken`."""
    try:
        connection = await psycopg.AsyncConnection.connect(
            encrypted(url),
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=_CONNECT_TIMEOUT_S,
            row_factory=dict_row,
        )
    except psycopg.Error as error:
        raise Broken(why_not_connected(error)) from None
    async with connection:
        yield connection


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[psycopg.AsyncConnection[dict[str, Any]]]:
    """Connect for a check that is not about that. Raises `Unchecked`."""
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(_connect(url))
        except Broken:
            raise Unchecked("Needs the database.") from None
        yield connection


def why_not_connected(error: psycopg.Error) -> str:
    """The reason for a failed connection, in the words of the functions' logs, and what to do.
    libpq's own words may quote the address."""
    reason = reason_of(error)
    return f"The database: {reason}; {_ADVICE.get(reason, _LOOK)}."
