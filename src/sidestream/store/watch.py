"""A look at whether a server still answers, for statements that may take as long as they need.

What goes silent and yet acknowledges what it is sent (a frozen machine behind a proxy, a stopped
process) is no failure to TCP, and no bound of time tells it from a long statement. Another
connection does: a server that is at work on one answers on the next.
"""

import os
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import psycopg

EVERY_S: Final = 10.0
ANSWER_S: Final = 10
TIMES: Final = 3
"""After how many attempts to connect without an answer the server is taken for silent."""


class Watch:
    """Connects to a server, again and again while the block runs; once that gets no answer several
    times in a row, it ends the connections that were added. Whoever waits on one of them then
    meets `ConnectionTimeout`."""

    def __init__(
        self, url: str, *, every_s: float = EVERY_S, answer_s: int = ANSWER_S, times: int = TIMES
    ) -> None:
        self.url = url
        self._every_s = every_s
        self._answer_s = answer_s
        self._times = times
        self._watched: list[psycopg.Connection[Any]] = []
        self._silent = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def add(self, connection: psycopg.Connection[Any]) -> None:
        """Watch over a connection, as long as it is open."""
        self._watched.append(connection)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._silent and isinstance(error, psycopg.Error):
            raise psycopg.errors.ConnectionTimeout("no answer: timed out") from error

    def _look(self) -> None:
        unanswered = 0
        while not self._done.wait(self._every_s):
            unanswered = 0 if self._answers() else unanswered + 1
            if unanswered >= self._times:
                self._silent = True
                for connection in self._watched:
                    _end(connection)
                return

    def _answers(self) -> bool:
        """Whether the server says anything, be it a refusal."""
        try:
            psycopg.connect(self.url, connect_timeout=self._answer_s).close()
        except psycopg.errors.ConnectionTimeout:
            return False
        except psycopg.Error:
            pass
        return True


def _end(connection: psycopg.Connection[Any]) -> None:
    """Make whoever waits on a connection see its end, which closing it from here would not."""
    with (
        suppress(OSError, psycopg.OperationalError),  # it may have ended by itself
        socket.socket(fileno=os.dup(connection.fileno())) as same,
    ):
        same.shutdown(socket.SHUT_RDWR)
