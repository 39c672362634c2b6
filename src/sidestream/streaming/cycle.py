"""One HTTP request through the ASGI application, and its response onto the wire.

The cycle is a state machine; :class:`ResponseState` draws it. It follows the HTTP part of the ASGI
specification (https://asgi.readthedocs.io/en/latest/specs/www.html).
"""

import asyncio
import contextlib
import enum
import logging
import time
from dataclasses import dataclass

from .asgi import App, Message, Scope
from .context import END_KEY
from .errors import (
    DeadlineError,
    ErrorReport,
    NoResponseError,
    ResponseClosedError,
    ShutdownError,
    StreamingError,
    error_type,
    sole_error,
)
from .events import HttpRequest
from .prelude import Prelude
from .response import InvocationResponse

log = logging.getLogger(__package__)

# A larger piece of body goes out in several chunks, so that what is queued stays small.
_MAX_CHUNK_BYTES = 256 * 1024


class ResponseState(enum.Enum):
    """How far the response has come.

    ::

        REQUEST ──start──▶ STARTED ──body, or the end of the loop's turn──▶ STREAMING
           │                  │                                                │
           │ error            │ error                   last body, end(), return of the app,
           ▼                  ▼                         or an error: trailers  │
        COMPLETE ◀────────── COMPLETE ◀────────────────────────────────────────┘
        (POST /error)        (POST /error)

        any of the first three ──Lambda hangs up or refuses──▶ LOST

    * **REQUEST**: the application has sent nothing.
    * **STARTED**: it has sent ``http.response.start``, and nothing is on the wire. The prelude
      waits for the rest of this run of the event loop, so that a first piece of body that is at
      hand shares its write and an application that fails at once gets a real error.
    * **STREAMING**: the prelude is on the wire; an error can only be told in trailers.
    * **COMPLETE**: the answer has been sent whole. The application may go on: what it does until
      it returns is background work, and the next invocation waits for it.
    * **LOST**: Lambda takes no more of this response.
    """

    REQUEST = enum.auto()
    STARTED = enum.auto()
    STREAMING = enum.auto()
    COMPLETE = enum.auto()
    LOST = enum.auto()


_OPEN = frozenset({ResponseState.REQUEST, ResponseState.STARTED, ResponseState.STREAMING})


@dataclass(frozen=True, slots=True)
class CycleOptions:
    """How a cycle treats a response, and when it has to end.

    The margin before the deadline is spent in three steps: at its start the app is told with
    ``http.disconnect``, after a quarter its task is cancelled, and after three eighths the response
    is ended without it. With the default margin of 2 s that is 1.25 s before the deadline.
    """

    request_id: str
    deadline_ms: int
    deadline_margin_ms: int
    preamble_bytes: int = 0
    strip_cors_headers: bool = False

    def margin_s(self, now_s: float) -> float:
        """The margin in seconds, at most half of the time there is."""
        remaining_s = max(0.0, self.deadline_ms / 1000 - now_s)
        return min(self.deadline_margin_ms / 1000, remaining_s / 2)


class HttpCycle:
    """Runs the application once. Use :meth:`run` once, then throw the object away."""

    def __init__(
        self, request: HttpRequest, response: InvocationResponse, options: CycleOptions
    ) -> None:
        self.state = ResponseState.REQUEST
        self._request = request
        self._response = response
        self._options = options
        self._prelude: Prelude | None = None
        self._has_body = False
        self._request_taken = False
        self._disconnected = asyncio.Event()
        self._cause: StreamingError | None = None
        self._app_task: asyncio.Task[None] | None = None
        self._margin_s = options.margin_s(time.time())

    async def run(self, app: App) -> None:
        """Serve the request; return when the app has returned and Lambda has its answer."""
        scope: Scope = {**self._request.scope, END_KEY: self.end}
        self._response.on_lost = self._lose
        self._app_task = asyncio.create_task(_call(app, scope, self), name="app")
        guard = asyncio.create_task(self._guard_deadline(), name="deadline")
        cancelled = False
        try:
            await asyncio.wait({self._app_task})
        except asyncio.CancelledError:
            cancelled = True
            self._cause = ShutdownError("the environment is shutting down")
            self._app_task.cancel()
            await asyncio.wait({self._app_task})
        finally:
            guard.cancel()
        await self._settle(self._outcome(self._app_task))
        await self._response.close()
        if cancelled:
            raise asyncio.CancelledError

    async def end(self) -> None:
        """End the response now and cleanly; the app reaches this as ``scope["aws.end"]``.

        From here on ``receive`` gives ``http.disconnect`` and ``send`` raises
        :class:`ResponseClosedError`; the app may still work until it returns.

        Raises:
            NoResponseError: no response has been started.
        """
        if self.state is ResponseState.REQUEST:
            raise NoResponseError("there is no response to end")
        if self.state in _OPEN:
            await self._finish(None)

    async def receive(self) -> Message:
        if not self._request_taken:
            self._request_taken = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a message from the app.

        Raises:
            InvalidResponseError: the response cannot be put into a prelude.
            ResponseClosedError: the response has ended.
            RuntimeError: the message is not the one that is due.
        """
        kind = message["type"]
        if self.state not in _OPEN:
            raise ResponseClosedError("the response has ended")
        if kind == "http.response.start" and self.state is ResponseState.REQUEST:
            self._start(message)
        elif kind == "http.response.body" and self.state is not ResponseState.REQUEST:
            await self._body(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"unexpected ASGI message {kind!r} in state {self.state.name}")

    def _start(self, message: Message) -> None:
        self._prelude = Prelude(
            message,
            self._request.method,
            strip_cors_headers=self._options.strip_cors_headers,
        )
        self.state = ResponseState.STARTED
        asyncio.get_running_loop().call_soon(self._open_and_flush)

    async def _body(self, body: bytes | memoryview, *, more: bool) -> None:
        assert self._prelude is not None
        if body and self._prelude.allows_body:
            self._open()
            self._has_body = True
            pieces = memoryview(body)
            while len(pieces) > _MAX_CHUNK_BYTES:
                self._response.put(pieces[:_MAX_CHUNK_BYTES])
                pieces = pieces[_MAX_CHUNK_BYTES:]
                await self._response.flush()
            self._response.put(pieces)
        if not more:
            await self._finish(None)
        elif body:
            await self._response.flush()

    def _open(self) -> None:
        """Put the prelude before whatever is queued next."""
        if self.state is ResponseState.STARTED:
            assert self._prelude is not None
            self.state = ResponseState.STREAMING
            self._response.begin(self._prelude.encoded)
            self._response.put(self._prelude.preamble(self._options.preamble_bytes))

    def _open_and_flush(self) -> None:
        app_failed = self._app_task is not None and self._app_task.done()
        if self.state is ResponseState.STARTED and not app_failed:
            self._open()
            self._response.flush_soon()

    async def _finish(self, report: ErrorReport | None) -> None:
        """End a response that has been started."""
        self._open()
        if self.state is not ResponseState.STREAMING:
            return
        self.state = ResponseState.COMPLETE
        assert self._prelude is not None
        if not self._has_body:
            self._response.put(self._prelude.empty_body)
        self._response.end(report)
        self._disconnected.set()
        with contextlib.suppress(ResponseClosedError):
            await self._response.flush()

    async def _settle(self, error: BaseException | None) -> None:
        """Send what the wire still lacks, once the app has returned, failed or run out of time."""
        if self.state is ResponseState.REQUEST and error is None:
            error = NoResponseError("the application returned without a response")
        if error is not None:
            _log_failure(error, self.state)
        report = ErrorReport.of(error, self._options.request_id) if error is not None else None
        match self.state:
            case ResponseState.REQUEST | ResponseState.STARTED if report is not None:
                self.state = ResponseState.COMPLETE
                self._disconnected.set()
                await self._response.send_error(report)
            case ResponseState.STARTED | ResponseState.STREAMING:
                await self._finish(report)

    def _outcome(self, app_task: asyncio.Task[None]) -> BaseException | None:
        """The error the response has to tell of, if any."""
        error: BaseException | None
        if app_task.cancelled():
            # Cancelled by us, for a cause, or by the app itself, which is an error of its own.
            error = self._cause or asyncio.CancelledError()
        else:
            error = app_task.exception()
        # An app that stops because it was told to has not finished its response.
        return error or (self._cause if self.state in _OPEN else None)

    def _lose(self) -> None:
        if self.state in _OPEN:
            self.state = ResponseState.LOST
            self._cause = ResponseClosedError("Lambda closed the response")
            self._disconnected.set()
            if self._app_task is not None:
                loop = asyncio.get_running_loop()
                loop.call_later(self._margin_s / 4, self._app_task.cancel)

    async def _guard_deadline(self) -> None:
        """Tell the app, then cancel it, then end its response, all before the deadline."""
        options, margin_s = self._options, self._margin_s
        if not options.deadline_ms or not options.deadline_margin_ms:
            return
        ends_at_s = options.deadline_ms / 1000
        await asyncio.sleep(ends_at_s - margin_s - time.time())
        self._cause = self._cause or DeadlineError("the deadline is near")
        self._disconnected.set()
        await asyncio.sleep(margin_s / 4)
        if self._app_task is not None:
            self._app_task.cancel()
        await asyncio.sleep(margin_s / 8)
        await self._settle(self._cause)


async def _call(app: App, scope: Scope, cycle: HttpCycle) -> None:
    await app(scope, cycle.receive, cycle.send)


def _log_failure(error: BaseException, state: ResponseState) -> None:
    if isinstance(error, DeadlineError | ShutdownError):
        what = "The response" if state in _OPEN else "Work after the response"
        log.warning("%s was cut short: %s", what, error)
    elif not isinstance(sole_error(error), ResponseClosedError):
        log.error("%s in the application", error_type(error), exc_info=error)
