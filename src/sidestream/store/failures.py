"""What a failure of the database means: its reason, and whether the statements may have run.

Sources: PostgreSQL's appendix "Error Codes"; the words of libpq, PgBouncer, Neon and Supabase for
a connection that fails, which comes without a code.
"""

import re
from typing import Final

import psycopg

from ..reasons import Reason, of_error

_QUOTED: Final = re.compile(r'"[^"]*"|\'[^\']*\'')
_BY_WORDS: Final = (
    (Reason.UNREADABLE, ("startup parameter",)),
    (Reason.NAME, ("failed to resolve host", "could not translate host name")),
    (Reason.CUT, ("ssl syscall error: eof", "closed the connection", "connection has been closed")),
    (Reason.TLS, ("ssl error", "certificate", "not support ssl", "ssl negotiation", "sslmode")),
    (Reason.TLS, ("channel binding",)),
    (Reason.BROKEN, ("control plane", "server login has been failing")),
    (Reason.AUTHENTICATION, ("authentication failed", "password", "sasl", "scram")),
    (Reason.FORBIDDEN, ("not permitted", "pg_hba.conf", "permission denied", "disabled")),
    (Reason.FULL, ("too many", "remaining connection slots", "no more connections", "max clients")),
    (Reason.FULL, ("quota",)),
    (Reason.STARTING, ("starting up", "shutting down", "not accepting", "recovery mode")),
    (Reason.MISSING, ("does not exist", "no such", "not found", "not be found")),
    (Reason.REFUSED, ("connection refused",)),
    (Reason.TIMED_OUT, ("timeout", "timed out")),
    (Reason.CUT, ("connection reset", "broken pipe", "connection is lost", "server conn crashed")),
)
_BY_CODE: Final = {
    "28": Reason.AUTHENTICATION,
    "3D": Reason.MISSING,
    "42501": Reason.FORBIDDEN,
    "53": Reason.FULL,
    "57014": Reason.TIMED_OUT,
    "57P": Reason.STARTING,
    "25006": Reason.READ_ONLY,
    "08": Reason.CUT,
}
REFUSALS: Final = frozenset(
    {
        Reason.UNREADABLE,
        Reason.TLS,
        Reason.AUTHENTICATION,
        Reason.FORBIDDEN,
        Reason.MISSING,
    }
)
"""Reasons that do not pass by themselves: to try again at once only adds to the load."""


def reason_of(error: BaseException) -> Reason:
    """Give the reason of an error of psycopg, without what its text quotes."""
    if not isinstance(error, psycopg.Error):
        return of_error(error)
    code = error.sqlstate or ""
    for beginning, reason in _BY_CODE.items():
        if code.startswith(beginning):
            return reason
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return Reason.TIMED_OUT
    if isinstance(error, psycopg.ProgrammingError):
        return Reason.UNREADABLE
    said = _QUOTED.sub("", str(error)).lower()
    for reason, words in _BY_WORDS:
        if any(each in said for each in words):
            return reason
    return Reason.NO_ROUTE


def may_have_run(error: psycopg.Error) -> bool:
    """Whether the transaction that was under way may have been committed: nobody said that it was
    not, because the connection broke before the answer."""
    code = error.sqlstate or ""
    return not code or code.startswith(("08", "57P"))
