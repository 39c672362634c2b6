"""Reasons: why something outside failed us, in a few fixed words.

The database, the model, the task tools, the sign-in's keys and the bucket fail in the same ways. An
error's own text may quote an address, a password or a person's words, so it is shown to nobody; its
reason is, with the same words in the log, in `sidestream doctor` and in docs/operations.md.
"""

import logging
import socket
import ssl
from collections.abc import Iterator
from enum import StrEnum
from typing import Final
from urllib.error import HTTPError

_logger = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why a part could not be used."""

    UNREADABLE = "address cannot be read"
    NAME = "host name not found"
    REFUSED = "connection refused"
    NO_ROUTE = "cannot be reached"
    TLS = "TLS failed"
    TIMED_OUT = "timed out"
    CUT = "connection lost"
    AUTHENTICATION = "authentication failed"
    FORBIDDEN = "not allowed"
    MISSING = "does not exist"
    FULL = "no capacity left"
    STARTING = "starting or stopping"
    READ_ONLY = "read-only"
    BROKEN = "failed on its side"
    UNEXPECTED = "unexpected answer"
    ELSEWHERE = "leads elsewhere"
    TOO_MUCH = "answer too long"


# Libraries wrap what happened in errors of their own, which are told by the name of their kind: to
# import a library for that would cost a start more than the answer is worth.
_BY_NAME: Final = {
    "NoCredentialsError": Reason.AUTHENTICATION,
    "InvalidURL": Reason.UNREADABLE,
    "UnsupportedProtocol": Reason.UNREADABLE,
    "TimeoutException": Reason.TIMED_OUT,
    "APITimeoutError": Reason.TIMED_OUT,
    "ConnectTimeoutError": Reason.TIMED_OUT,
    "ReadTimeoutError": Reason.TIMED_OUT,
    "ReadError": Reason.CUT,
    "WriteError": Reason.CUT,
    "RemoteProtocolError": Reason.CUT,
    "ConnectionClosedError": Reason.CUT,
    "JSONDecodeError": Reason.UNEXPECTED,
}


def of_error(error: BaseException) -> Reason:
    """Give the reason of an error: of what caused it, where that is known."""
    known = (reason for each in _chain(error) if (reason := _of_one(each)))
    return next(known, Reason.NO_ROUTE)


def _of_one(error: BaseException) -> Reason | None:
    match error:
        case socket.gaierror():
            return Reason.NAME
        case ssl.SSLError():
            return Reason.TLS
        case ConnectionRefusedError():
            return Reason.REFUSED
        case ConnectionError():
            return Reason.CUT
        case TimeoutError():
            return Reason.TIMED_OUT
        case HTTPError():
            return of_status(error.code)
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((_BY_NAME[name] for name in names if name in _BY_NAME), None)


def of_status(status: int) -> Reason:
    """Give the reason of an HTTP status that is no success."""
    match status:
        case 401:
            return Reason.AUTHENTICATION
        case 403:
            return Reason.FORBIDDEN
        case 404:
            return Reason.MISSING
        case 408 | 504:
            return Reason.TIMED_OUT
        case 402 | 429:
            return Reason.FULL
        case _ if status >= 500:
            return Reason.BROKEN
        case _:
            return Reason.UNEXPECTED


def report(part: str, reason: Reason) -> None:
    """Log that a part failed us, and why: `database: authentication failed`."""
    _logger.warning("%s: %s", part, reason, extra={"part": part, "reason": reason.value})


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what is behind it, innermost first."""
    inner = [error.__cause__ or error.__context__, getattr(error, "reason", None)]
    if isinstance(error, BaseExceptionGroup):
        inner += error.exceptions
    for each in inner:
        if isinstance(each, BaseException):
            yield from _chain(each)
    yield error
