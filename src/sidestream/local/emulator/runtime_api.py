"""The Lambda Runtime API of one execution environment.

Source: "Using the Lambda runtime API for custom runtimes" in the Lambda Developer Guide and its
OpenAPI file (2018-06-01); the state checks and their messages are those of AWS's RAPID. The
`restore` endpoints are absent from the guide and are used by every AWS runtime client.
"""

import asyncio
import json
from contextlib import suppress
from typing import Protocol

from .cors import Headers
from .faults import Faults
from .http1 import DisconnectedError, Exchange, HttpServer
from .invocation import (
    ERROR_TYPE,
    FunctionError,
    Invocation,
    Outcome,
    Phase,
    reported_error,
    trailing_error,
)
from .response import MalformedResponseError, ResponseTooLargeError

_PREFIX = "/2018-06-01/runtime/"
_MAX_ERROR_BYTES = 6 * 1024 * 1024
_REMEMBERED = 50  # settled invocations, to tell a late response from an unknown one
_SETTLE_S = 0.02
_SETTLE_LIMIT_S = 1.0


class Environment(Protocol):
    """What the Runtime API asks of, and tells, the environment it serves."""

    def polled(self) -> bool:
        """The runtime asks for an event. False when it may not do that now."""

    def snapshot_due(self) -> bool:
        """The runtime is ready for its snapshot. False when it may not be."""

    def init_failed(self, error: FunctionError) -> bool:
        """The runtime reports that it cannot start. False when it has started."""

    def restore_failed(self, error: FunctionError) -> bool:
        """The runtime reports that it cannot be restored. False when it is not being restored."""


class RuntimeApi:
    """The listener behind `AWS_LAMBDA_RUNTIME_API`. Invocations go in by `offer`."""

    def __init__(self, environment: Environment, function_arn: str, faults: Faults) -> None:
        self.restored = asyncio.Event()
        self._environment = environment
        self._function_arn = function_arn
        self._faults = faults
        self._server = HttpServer(self._route)
        self._queue: asyncio.Queue[Invocation] = asyncio.Queue()
        self._known: dict[str, Invocation] = {}
        self._posts: dict[str, Exchange] = {}
        self._settled = asyncio.Event()
        self._settled.set()

    async def start(self) -> None:
        """Listen on a free port."""
        await self._server.start()

    async def close(self) -> None:
        """Close the listener and every connection."""
        await self._server.close()

    @property
    def address(self) -> str:
        """`host:port`, the value of `AWS_LAMBDA_RUNTIME_API`."""
        return f"127.0.0.1:{self._server.port}"

    async def settle(self) -> None:
        """Wait for responses that are being received; for a runtime that has ended."""
        # What it wrote last may still be waiting to be accepted or read.
        await asyncio.sleep(_SETTLE_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_LIMIT_S):
                await self._settled.wait()

    def offer(self, invocation: Invocation) -> None:
        """Hand an invocation to the next `/next`."""
        self._known[invocation.request_id] = invocation
        settled = [id_ for id_, known in self._known.items() if known.phase is Phase.DONE]
        for request_id in settled[:-_REMEMBERED]:
            del self._known[request_id]
        self._queue.put_nowait(invocation)

    def interrupt(self, invocation: Invocation) -> None:
        """Reset the connection on which the runtime posts, as Lambda does after a time-out."""
        if post := self._posts.get(invocation.request_id):
            post.abort()

    async def _route(self, exchange: Exchange) -> None:
        match exchange.method, exchange.target.removeprefix(_PREFIX).split("/"):
            case "GET", ["invocation", "next"]:
                await self._next(exchange)
            case "POST", ["invocation", request_id, ("response" | "error") as kind]:
                await self._post(exchange, request_id, kind)
            case "POST", ["init", "error"]:
                allowed = self._environment.init_failed(await _read_error(exchange))
                await (
                    _accepted(exchange) if allowed else _refused_transition(exchange, "InitError")
                )
            case "GET", ["restore", "next"]:
                await self._restore_next(exchange)
            case "POST", ["restore", "error"]:
                allowed = self._environment.restore_failed(await _read_error(exchange))
                await (
                    _accepted(exchange)
                    if allowed
                    else _refused_transition(exchange, "RestoreError")
                )
            case _:
                await _refused(exchange, 404, "NotFound", "no such endpoint")

    async def _next(self, exchange: Exchange) -> None:
        await exchange.body(_MAX_ERROR_BYTES)
        if self._faults.take_refused_next() or not self._environment.polled():
            await _refused_transition(exchange, "InvocationNext")
            return
        invocation = await self._take(exchange)
        if invocation is None:
            exchange.abort()
            return
        invocation.phase = Phase.RUNNING
        head = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", self._function_arn),
            ("Lambda-Runtime-Trace-Id", invocation.trace_id),
            ("Lambda-Runtime-Invocation-Id", invocation.invocation_id),
        ]
        await exchange.respond(200, head, invocation.event)

    async def _take(self, exchange: Exchange) -> Invocation | None:
        """Wait for an invocation that is still wanted; None when the runtime left meanwhile."""
        left = asyncio.ensure_future(exchange.peer_left())
        offered = asyncio.ensure_future(self._wanted())
        try:
            await asyncio.wait((offered, left), return_when=asyncio.FIRST_COMPLETED)
            if not left.done():
                return offered.result()
            if offered.done():
                self._queue.put_nowait(offered.result())
            return None
        finally:
            left.cancel()
            offered.cancel()
            # The connection's reader serves one reader at a time.
            await asyncio.gather(left, offered, return_exceptions=True)

    async def _wanted(self) -> Invocation:
        while (invocation := await self._queue.get()).phase is not Phase.QUEUED:
            pass
        return invocation

    async def _restore_next(self, exchange: Exchange) -> None:
        await exchange.body(_MAX_ERROR_BYTES)
        if not self._environment.snapshot_due():
            await _refused_transition(exchange, "RestoreNext")
            return
        await self.restored.wait()
        await exchange.respond(200, [("Content-Type", "application/json")], b"{}")

    async def _post(self, exchange: Exchange, request_id: str, kind: str) -> None:
        invocation = self._known.get(request_id)
        if invocation is None:
            await _drain(exchange)
            await _refused(exchange, 400, "InvalidRequestID", "Invalid request ID")
            return
        # Runtimes older than the header do not echo it.
        echoed = exchange.headers.get("lambda-runtime-invocation-id", invocation.invocation_id)
        if self._faults.take_stale_response():
            invocation.fail(FunctionError("Sandbox.Timedout", "called stale by a test"))
        if echoed != invocation.invocation_id or _lost(invocation):
            await _drain(exchange)
            await _refused(exchange, 410, "InvocationExpired", "The invocation has ended")
            return
        if invocation.phase is not Phase.RUNNING:
            await _drain(exchange)
            await _refused_transition(exchange, f"Invocation{kind.capitalize()}", invocation.phase)
            return
        self._posts[request_id] = exchange
        self._settled.clear()
        try:
            if kind == "error":
                invocation.fail(await _read_error(exchange))
                await _accepted(exchange)
            else:
                await self._receive(exchange, invocation)
        except DisconnectedError:
            invocation.fail(FunctionError("Runtime.TruncatedResponse"))
        finally:
            del self._posts[request_id]
            if not self._posts:
                self._settled.set()

    async def _receive(self, exchange: Exchange, invocation: Invocation) -> None:
        mode = exchange.headers.get("lambda-runtime-function-response-mode", "")
        if mode not in ("", "streaming"):
            invocation.fail(FunctionError("Runtime.InvalidResponseModeHeader", mode))
            await _drain(exchange)
            await _refused(
                exchange, 400, "InvalidFunctionResponseMode", "Invalid function response mode"
            )
            return
        invocation.phase = Phase.RESPONDING
        invocation.answer.begin(exchange.headers.get("content-type", ""), mode == "streaming")
        try:
            await self._copy(exchange, invocation)
        except ResponseTooLargeError:
            message = "Response payload size exceeded maximum allowed payload size."
            invocation.fail(FunctionError("Function.ResponseSizeTooLarge", message))
            await _drain(exchange)
            await _refused(exchange, 413, "RequestEntityTooLarge", message)
            return
        except MalformedResponseError as error:
            # To Lambda any bytes are a success; it is the URL's front that cannot use them.
            invocation.fail(FunctionError("Runtime.MalformedResponse", str(error)))
            await _drain(exchange)
        else:
            failure = trailing_error(exchange.trailers)
            invocation.finish(Outcome(error=failure, trailers=exchange.trailers))
        await _accepted(exchange)

    async def _copy(self, exchange: Exchange, invocation: Invocation) -> None:
        cut_after_bytes = self._faults.take_cut()
        size_bytes = 0
        while (data := await exchange.read()) is not None:
            await invocation.answer.feed(data)
            size_bytes += len(data)
            if cut_after_bytes is not None and size_bytes >= cut_after_bytes:
                invocation.fail(FunctionError("Sandbox.Timedout", "cut by a test"))
                exchange.abort()
                raise DisconnectedError("cut by a test")


def _lost(invocation: Invocation) -> bool:
    """Whether the platform has given up on it, as against its having been answered."""
    if not invocation.outcome.done():
        return False
    error = invocation.outcome.result().error
    return error is not None and error.type.startswith("Sandbox.")


async def _drain(exchange: Exchange) -> None:
    while await exchange.read() is not None:
        pass


async def _read_error(exchange: Exchange) -> FunctionError:
    body = await exchange.body(_MAX_ERROR_BYTES)
    return reported_error(exchange.headers.get(ERROR_TYPE, ""), body)


async def _accepted(exchange: Exchange) -> None:
    await _answer(exchange, 202, {"status": "OK"})


async def _refused_transition(exchange: Exchange, wanted: str, phase: Phase | None = None) -> None:
    state = phase.value if phase else "its current state"
    message = (
        f"State transition from {state} to {wanted} failed for runtime. "
        "Error: State transition is not allowed"
    )
    await _refused(exchange, 403, "InvalidStateTransition", message)


async def _refused(exchange: Exchange, status: int, error_type: str, message: str) -> None:
    await _answer(exchange, status, {"errorMessage": message, "errorType": error_type})


async def _answer(exchange: Exchange, status: int, body: dict[str, str]) -> None:
    head: Headers = [("Content-Type", "application/json")]
    await exchange.respond(status, head, json.dumps(body).encode())
