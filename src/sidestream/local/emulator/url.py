"""A Function URL on loopback: the front that clients talk to."""

import asyncio
import json
import secrets
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from .cors import Headers
from .environment import Environment, InitError
from .events import UrlRequest, function_url_event, rest_proxy_event
from .faults import Faults
from .function import FunctionSpec, InvokeMode
from .http1 import BodyTooLargeError, Exchange, HttpServer
from .invocation import FunctionError, Invocation, InvocationRecord
from .pool import Pool, ThrottledError
from .response import (
    BufferedAnswer,
    MalformedResponseError,
    Reply,
    StreamedAnswer,
)

MAX_REQUEST_BYTES = 6 * 1024 * 1024
_RECORDS = 1000

OnLog = Callable[[str, str], None]


def show(name: str, line: str) -> None:
    """Write a function's line to standard error."""
    sys.stderr.write(f"{name}: {line}\n")


class FunctionUrl:
    """One deployed function behind an HTTP listener. An async context manager.

    `on_log(function_name, line)` gets every line that the function prints, unchanged, and the lines
    that Lambda itself writes to the function's log (`REPORT`, time-outs, crashes); unless told,
    they are shown.
    `min_environments` are initialised before `start` returns. `invocations` keeps the last 1000
    requests that reached the function or failed on the way to it.
    """

    def __init__(self, spec: FunctionSpec, on_log: OnLog = show, min_environments: int = 0) -> None:
        self.spec = spec
        self.invocations: deque[InvocationRecord] = deque(maxlen=_RECORDS)
        self.faults = Faults()
        self._on_log = on_log
        self._min_environments = min_environments
        self._server = HttpServer(self._serve)
        self._pool = Pool(spec, self.faults, self._log)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def environments(self) -> tuple[Environment, ...]:
        """The environments that live; `kill()` on one is a crash."""
        return self._pool.environments

    async def start(self) -> None:
        """Listen, then warm up. Raises `OSError` when the port is taken, `InitError`."""
        await self._server.start(self.spec.port)
        try:
            await self.warm(self._min_environments)
        except InitError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop listening and end every process. Requests in progress are cut."""
        await self._server.close()
        await self._pool.close()

    async def warm(self, count: int = 1) -> None:
        """Have `count` environments initialised and waiting. Raises `InitError`."""
        await self._pool.warm(count)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def _log(self, line: str) -> None:
        self._on_log(self.spec.name, line)

    async def _serve(self, exchange: Exchange) -> None:
        request_id = str(uuid.uuid4())
        trace_header = _trace_header(exchange.headers.get("x-amzn-trace-id", ""))
        added: Headers = [
            ("x-amzn-RequestId", request_id),
            ("X-Amzn-Trace-Id", f"{trace_header};Sampled=0"),
        ]
        if self.spec.cors:
            leave = self.spec.cors.preflight(exchange.method, exchange.headers)
            if leave is not None:
                await exchange.body(MAX_REQUEST_BYTES)
                await exchange.respond(200, [*added, *leave])
                return
            added += self.spec.cors.response_headers(exchange.headers)
        visit = _Visit(self, exchange, request_id, trace_header, added)
        try:
            body = await exchange.body(MAX_REQUEST_BYTES)
        except BodyTooLargeError:
            await visit.too_large()
            return
        await visit.run(body, self._pool)


class _Visit:
    """One request to the function, from its body to its record."""

    def __init__(
        self, url: FunctionUrl, exchange: Exchange, request_id: str, trace: str, added: Headers
    ) -> None:
        self._url = url
        self._exchange = exchange
        self._request_id = request_id
        self._trace = trace
        self._reply = Reply(exchange, added, self._record)
        self._received_s = time.monotonic()
        self._invocation: Invocation | None = None
        self._environment: Environment | None = None
        self._cold = False
        self._error: FunctionError | None = None

    async def run(self, body: bytes, pool: Pool) -> None:
        """Invoke the function and answer."""
        spec = self._url.spec
        request = UrlRequest.of(self._exchange, body, self._request_id, self._trace)
        build = rest_proxy_event if spec.payload_version == "1.0" else function_url_event
        event = json.dumps(build(request), ensure_ascii=False).encode()
        if len(event) > MAX_REQUEST_BYTES:
            await self.too_large()
            return
        try:
            self._environment, self._cold = await pool.reserve()
        except ThrottledError:
            self._error = FunctionError("TooManyRequestsException", "Rate Exceeded.")
            await self._refuse(
                429,
                self._error.type,
                {
                    "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
                    "Type": "User",
                    "message": self._error.message,
                },
            )
            return
        streams = spec.invoke_mode is InvokeMode.RESPONSE_STREAM
        answer = StreamedAnswer(self._reply) if streams else BufferedAnswer(self._reply)
        trace = f"{self._trace};Parent={secrets.token_hex(8)};Sampled=0"
        self._invocation = Invocation(self._request_id, trace, event, answer)
        try:
            await self._environment.invoke(self._invocation)
        except InitError as error:
            self._error = error.error
            await self._fail()
            return
        await self._finish(self._invocation, answer)

    async def too_large(self) -> None:
        """Answer a request that does not fit into an event."""
        message = (
            f"Request must be smaller than {MAX_REQUEST_BYTES} bytes "
            "for the InvokeFunction operation"
        )
        self._error = FunctionError("RequestTooLargeException", message)
        await self._refuse(413, self._error.type, {"Message": message})

    async def _finish(
        self, invocation: Invocation, answer: StreamedAnswer | BufferedAnswer
    ) -> None:
        outcome = invocation.outcome.result()
        self._error = outcome.error
        # Trailers that tell of an error cannot take back a stream, only what was not sent yet.
        if not outcome.whole or (self._error and not self._exchange.started):
            await self._fail()
            return
        if isinstance(answer, StreamedAnswer) and not answer.body_bytes:
            await self._hang(invocation)
        try:
            await answer.finish()
        except MalformedResponseError as error:
            self._error = FunctionError("Runtime.MalformedResponse", str(error))
            await self._fail()
            return
        if self._error:
            # The stream ended in an error that only its trailers tell; no more may follow it.
            self._exchange.cut()

    async def _hang(self, invocation: Invocation) -> None:
        if self._url.faults.hang_on_empty_body:
            await asyncio.sleep(max(0.0, invocation.deadline_ms / 1000 - time.time()))

    async def _fail(self) -> None:
        if self._exchange.started:
            self._reply.break_off()
            return
        await self._reply.whole(
            502, [("Content-Type", "application/json")], [], b"Internal Server Error"
        )

    async def _refuse(self, status: int, error_type: str, body: dict[str, str]) -> None:
        head = [("Content-Type", "application/json"), ("x-amzn-ErrorType", error_type)]
        await self._reply.whole(status, head, [], json.dumps(body).encode())

    def _record(self, status: int) -> None:
        environment, invocation, error = self._environment, self._invocation, self._error
        record = InvocationRecord(
            request_id=self._request_id,
            method=self._exchange.method,
            path=self._exchange.target.partition("?")[0],
            status=status,
            error_type=error.type if error else None,
            error_message=error.message if error else None,
            trailers=invocation.outcome.result().trailers
            if invocation and invocation.outcome.done()
            else {},
            duration_ms=invocation.duration_ms
            if invocation
            else (time.monotonic() - self._received_s) * 1000,
            init_duration_ms=environment.init_duration_ms if environment and self._cold else None,
            restore_duration_ms=environment.restore_duration_ms
            if environment and self._cold
            else None,
            environment_pid=environment.pid if environment else None,
            cold=self._cold,
        )
        self._url.invocations.append(record)
        for line in _report(record, self._url.spec.memory_mb):
            self._url._log(line)


def _report(record: InvocationRecord, memory_mb: int) -> list[str]:
    lines = []
    if record.error_type:
        about = f"RequestId: {record.request_id} Error: {record.error_message}"
        lines.append(f"{about} Error Type: {record.error_type}")
    report = f"REPORT RequestId: {record.request_id}\tDuration: {record.duration_ms:.2f} ms"
    report += f"\tMemory Size: {memory_mb} MB"
    if record.init_duration_ms is not None:
        report += f"\tInit Duration: {record.init_duration_ms:.2f} ms"
    if record.restore_duration_ms is not None:
        report += f"\tRestore Duration: {record.restore_duration_ms:.2f} ms"
    return [*lines, report]


def _trace_header(given: str) -> str:
    """The `Root=...` of a request, kept when the caller sent one."""
    for part in given.split(";"):
        if part.strip().startswith("Root="):
            return part.strip()
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
