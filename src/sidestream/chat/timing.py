"""Where the time before the first word goes: the phases of a request, measured as they end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sidestream import headers
from sidestream.store.waiting import measured_waits

STOPWATCH: Final = "sidestream.stopwatch"
QUEUE: Final = "queue"


class Stopwatch:
    """The phases of one request by name, in milliseconds, in the order in which they ended."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self.cold_start = False

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure what happens inside. A phase that fails is not counted. The wait for one of the
        connections to the database is a phase of its own, `queue`."""
        started = time.perf_counter()
        with measured_waits() as waits:
            yield
        spent_ms = (time.perf_counter() - started) * 1000 - waits.total_ms
        self.phases[name] = round(spent_ms, 3)
        if waits.count:
            self.phases[QUEUE] = round(self.phases.pop(QUEUE, 0.0) + waits.total_ms, 3)

    def header(self) -> str:
        """Give the `Server-Timing` header (https://www.w3.org/TR/server-timing/)."""
        entries = [f"{name};dur={ms:g}" for name, ms in self.phases.items()]
        return ", ".join(["cold", *entries] if self.cold_start else entries)


class ServerTiming:
    """ASGI middleware that gives each request a stopwatch, and its phases to the response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope[STOPWATCH] = stopwatch = Stopwatch()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start" and (timing := stopwatch.header()):
                MutableHeaders(scope=message)[headers.SERVER_TIMING] = timing
            await send(message)

        await self._app(scope, receive, timed)
