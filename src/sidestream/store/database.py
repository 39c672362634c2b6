"""The door to Postgres: a pool, and one call that runs statements in one round trip.

All statements of a call travel together and form one transaction: a psycopg pipeline without
`BEGIN`, whose single Sync closes Postgres's implicit transaction. It starts by setting
`app.user_id` for that transaction alone, which is what row-level security reads; set for the
session it would leak to the next client of a pooler in transaction mode. For the same pooler,
statements are never prepared by name, and nothing is sent after the Sync (see `_connection`).

What the database's owner has set for a role or a database changes neither what statements mean nor
how values are read: what matters for the first is set beside the user, and rows come in the binary
format, which no setting changes.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from ..problems import DatabaseUnavailable, Invalid, OutcomeUnknown
from ..reasons import Reason, report
from ..secret import Secret
from ._connection import Connection
from .attempts import Attempts, Refused
from .failures import may_have_run, reason_of
from .silence import GIVES_UP
from .statement import Call, Rows, Statement, require_storable
from .waiting import Waiting

__all__ = ["Database", "Rows", "Statement", "require_storable"]

_logger = logging.getLogger(__name__)
_PART: Final = "database"
_SENDINGS: Final = 2
_CALLS_SHARE: Final = 0.8
_LEAST_S: Final = 0.1
_STATE: Final = "select current_setting('transaction_read_only') = 'on' as read_only"
# character_not_in_repertoire and untranslatable_character: text that Postgres cannot hold.
_UNSTORABLE_SQLSTATES: Final = frozenset({"22021", "22P05"})


def _leave_text_out(record: logging.LogRecord) -> bool:
    """Let the pool's log lines name an error by its reason and a connection by its type: the texts
    of both may quote the address."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            arg if isinstance(arg, str | int | float) else _name(arg) for arg in record.args
        )
    return True


def _name(arg: object) -> str:
    return reason_of(arg) if isinstance(arg, psycopg.Error) else type(arg).__name__


logging.getLogger("psycopg.pool").addFilter(_leave_text_out)


class Database:
    """A pool of connections as the role that owns nothing, opened and closed explicitly.

    `idle_check_s`: a connection unused for longer is tried before use, because a frozen function or
    a suspended database loses connections in silence. `timeout_s` bounds the wait for a connection
    while nothing comes from the database, `queue_s` that for one which others use.
    `answer_timeout_s` bounds the wait for answers, a little less the work on each statement: what
    nobody waits for any more keeps no locks. All sendings of a call share these bounds. A database
    that refuses us is not waited for.
    """

    def __init__(
        self,
        url: Secret | str,
        *,
        min_size: int = 1,
        max_size: int = 4,
        idle_check_s: float = 20.0,
        timeout_s: float = 5.0,
        queue_s: float = 30.0,
        answer_timeout_s: float = 10.0,
    ) -> None:
        self.round_trips = 0
        """How many times a set of statements was sent and answered, retries included."""
        self._url = Secret.of(url)
        self._min_size = min_size
        self._max_size = max_size
        self._idle_check_s = idle_check_s
        self._timeout_s = timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._queue_s = queue_s
        self._waiting = Waiting(silence_s=timeout_s, longest_s=queue_s)
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._used_at: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self._attempts = Attempts(self._connected)
        self._calls: set[asyncio.Task[list[Rows]]] = set()

    async def open(self) -> None:
        """Connect, on the running loop. When the database is away it returns all the same: calls
        meet `DatabaseUnavailable`, and each of them tries to connect."""
        if self._pool is not None:
            return
        pool = self._pool = AsyncConnectionPool(
            lambda: self._url.text,
            connection_class=Connection,
            kwargs={
                "url": self._url,
                "attempts": self._attempts,
                "autocommit": True,
                "client_encoding": "utf8",
                "prepare_threshold": None,
                "row_factory": dict_row,
                "connect_timeout": max(1, round(self._timeout_s)),
                **GIVES_UP,
            },
            min_size=self._min_size,
            max_size=self._max_size,
            timeout=self._timeout_s,
            # The pool pauses twice as long after each failure to connect, without asking who waits.
            # Giving up early lets the next call after an outage connect at once.
            reconnect_timeout=self._timeout_s,
            max_idle=240,
            max_lifetime=1800,
            configure=self._note_use,
            check=self._check_if_idle,
            open=False,
        )
        await pool.open()
        try:
            async with self._attempts.heeded(), pool.connection():
                pass
        except (PoolTimeout, Refused) as error:
            report(_PART, self._reason(error))

    async def close(self) -> None:
        """Let the calls under way finish, then disconnect, all of it within `answer_timeout_s`:
        a call that is not answered by then fails. The database may be opened again."""
        ends_at = time.monotonic() + self._answer_timeout_s
        if self._calls:
            await asyncio.wait(self._calls, timeout=self._answer_timeout_s * _CALLS_SHARE)
        pool, self._pool = self._pool, None
        if pool is not None:
            for connection in list(self._used_at):
                connection.give_up()
            await pool.close(max(_LEAST_S, ends_at - time.monotonic()))
        if self._calls:
            await asyncio.wait(self._calls, timeout=_LEAST_S)

    async def run(self, user_id: str, *statements: Statement, tag: str = "") -> list[Rows]:
        """Run statements as one user in one transaction and one round trip; give each one's rows.

        All of them happen or none: a caller that is cancelled leaves the call to finish by itself.
        After a lost connection the whole call is sent once more, so every write has to be one that
        may be repeated. `tag` names the call in logs and, with the request, in a comment of each
        statement. Raises psycopg's error when Postgres refuses a statement, `Invalid` for text
        that it cannot hold (NUL, lone surrogates), `DatabaseUnavailable` when it cannot be used,
        and `OutcomeUnknown` when it cannot be told whether the call's writes were kept.
        """
        times = {"waiting_s": self._queue_s, "answer_s": self._answer_timeout_s}
        call = asyncio.create_task(self._run(Call(user_id, statements, tag, **times)))
        self._calls.add(call)
        call.add_done_callback(self._forget)
        _, *results = await asyncio.shield(call)
        return results

    async def ping(self) -> None:
        """Ask the database whether it takes writes. Raises `DatabaseUnavailable` when it cannot be
        reached, or takes none and another connection leads to no other."""
        for _ in range(_SENDINGS):
            [[state]] = await self.run("ping", Statement(_STATE), tag="ping")
            if not state["read_only"]:
                return
            if self._pool is not None:
                await self._leave(self._pool)
        report(_PART, Reason.READ_ONLY)
        raise DatabaseUnavailable

    async def answers(self) -> bool:
        """Tell whether it takes writes, as `ping` asks; why it does not is in the log."""
        try:
            await self.ping()
        except DatabaseUnavailable:
            return False
        return True

    def _forget(self, call: asyncio.Task[list[Rows]]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # seen, also when the caller was cancelled and will not look

    async def _run(self, call: Call) -> list[Rows]:
        pool = self._pool
        if pool is None:
            raise RuntimeError("the database is not open")
        unknown = False
        failure: Exception | None = None
        for _ in range(_SENDINGS):
            try:
                return await self._round_trip(pool, call)
            except (Refused, PoolTimeout, PoolClosed) as error:
                failure = failure or error
                break
            except TimeoutError as error:
                failure, unknown = error, True
                break
            except psycopg.errors.QueryCanceled as error:
                failure = error  # undone, and would take as long again
                break
            except psycopg.errors.ReadOnlySqlTransaction as error:
                failure = error
                await self._leave(pool)  # another server may take writes by now
            except psycopg.OperationalError as error:
                failure = error
                if may_have_run(error):
                    unknown = True
                    await self._leave(pool)  # the others are as old as the one that was lost
            _logger.info("%s failed: %s", call.name, self._reason(failure))
        report(_PART, self._reason(failure))
        if unknown and call.writes:
            raise OutcomeUnknown from failure
        raise DatabaseUnavailable from failure

    async def _round_trip(self, pool: AsyncConnectionPool[Connection], call: Call) -> list[Rows]:
        async with AsyncExitStack() as stack:
            async with self._attempts.heeded(), self._waiting.bounded(call.ends_at):
                connection = await stack.enter_async_context(pool.connection(self._queue_s))
            self.round_trips += 1
            statements = call.statements()
            answered = connection.answered_within(call.answer_s)
            try:
                with call.answering():
                    async with answered, connection.pipeline():
                        cursors = await _send(connection, statements)
            except psycopg.DataError as error:
                if error.sqlstate in _UNSTORABLE_SQLSTATES:
                    raise Invalid("The text contains a character that cannot be kept.") from error
                raise
            finally:
                if not connection.closed:
                    await self._note_use(connection)
            return await _rows(cursors, writes=call.writes)

    async def _leave(self, pool: AsyncConnectionPool[Connection]) -> None:
        """Give up all connections for new ones."""
        self._attempts.leave()
        await pool.drain()

    def _connected(self) -> bool:
        return any(not connection.closed for connection in self._used_at)

    def _reason(self, error: Exception | None) -> Reason:
        match error:
            case Refused() | PoolTimeout():
                # Without a failure to connect, they are all in use or nobody has answered yet.
                busy = Reason.FULL if self._connected() else Reason.TIMED_OUT
                return self._attempts.reason or busy
            case PoolClosed():
                return Reason.STARTING
            case TimeoutError():
                return Reason.TIMED_OUT
            case _:
                return reason_of(error) if error else Reason.NO_ROUTE

    async def _note_use(self, connection: Connection) -> None:
        self._used_at[connection] = time.monotonic()
        self._waiting.heard()

    async def _check_if_idle(self, connection: Connection) -> None:
        if self._used_at[connection] > time.monotonic() - self._idle_check_s:
            return
        try:
            # The rest of the wait is for another connection.
            async with connection.answered_within(self._timeout_s / 2):
                await AsyncConnectionPool.check_connection(connection)
        except Exception:
            # What was idle beside it is as dead, and after each one that it finds so the pool
            # pauses for longer: a few would use up the whole wait.
            if self._pool is not None:
                await self._leave(self._pool)
            raise


async def _send(
    connection: Connection, statements: Sequence[Statement]
) -> list[psycopg.AsyncCursor[DictRow]]:
    try:
        return [await connection.execute(each.sql, each.params, binary=True) for each in statements]
    except Exception as error:
        if getattr(error, "sqlstate", None) is None:
            # It did not come from Postgres, which would commit at the Sync what it has by now.
            connection.pgconn.finish()
        raise


async def _rows(cursors: Sequence[psycopg.AsyncCursor[DictRow]], *, writes: bool) -> list[Rows]:
    """Read what came back, once it is committed. Raises `OutcomeUnknown` for rows of a write that
    cannot be read: to call it a failure would be wrong."""
    try:
        return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]
    except Exception as error:
        if not writes:
            raise
        report(_PART, Reason.UNEXPECTED)
        raise OutcomeUnknown from error
