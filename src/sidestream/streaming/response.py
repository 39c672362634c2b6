"""One invocation's answer, on a connection of its own that was opened while the app still thought.

Bytes that become ready together leave together: what is put is queued, and a flush hands all of it
to the kernel in one write. Chunked framing and the trailer section follow RFC 9112 section 7.1; the
headers that make a response a stream are those of "Response streaming" in
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html.
"""

import asyncio
import logging
from collections.abc import Callable

from .errors import ERROR_BODY_HEADER, ERROR_TYPE_HEADER, ErrorReport, ResponseClosedError
from .http11 import Connection, Reply, chunk, last_chunk
from .prelude import CONTENT_TYPE
from .runtime_api import Invocation, RuntimeApi

log = logging.getLogger(__package__)

_STREAM_HEADERS = [
    ("Content-Type", CONTENT_TYPE),
    ("Lambda-Runtime-Function-Response-Mode", "streaming"),
    ("Transfer-Encoding", "chunked"),
    # Trailers count only when they are announced (RFC 9110 section 6.6.2).
    ("Trailer", f"{ERROR_TYPE_HEADER}, {ERROR_BODY_HEADER}"),
    ("Connection", "close"),
]


class InvocationResponse:
    """The one POST that answers an invocation: a stream, an error, or an acknowledgement.

    ``on_lost`` is called at most once, when Lambda answers or closes the connection before the
    answer has been sent whole.
    """

    def __init__(self, api: RuntimeApi, invocation: Invocation) -> None:
        self._api = api
        self._invocation = invocation
        self._connecting = asyncio.create_task(api.connect(), name="connect")
        self._pending: list[bytes] = []
        self._reply: asyncio.Task[Reply] | None = None
        self._ended = False
        self._lost = False
        self.on_lost: Callable[[], None] | None = None

    def begin(self, prelude: bytes) -> None:
        """Queue the head of the stream and the prelude."""
        self._pending.append(self._api.response_head(self._invocation, _STREAM_HEADERS))
        self._pending.append(chunk(prelude))

    def put(self, data: bytes | memoryview) -> None:
        """Queue a piece of the body; an empty one would end the stream and is left out."""
        if data:
            self._pending.append(chunk(data))

    def end(self, report: ErrorReport | None = None) -> None:
        """Queue the end of the stream, with error trailers when it is not a good one."""
        self._ended = True
        self._pending.append(last_chunk(report.trailers() if report is not None else b""))

    def flush_soon(self) -> None:
        """Write what is queued as soon as the connection stands, without waiting for it."""
        if self._connecting.done():
            self._write_pending()
        else:
            self._connecting.add_done_callback(lambda _: self._write_pending())

    async def flush(self) -> None:
        """Write what is queued, and wait while the kernel and the peer are behind.

        Raises:
            ResponseClosedError: Lambda no longer takes the response.
        """
        connection = await self._flush()
        try:
            await connection.drain()
        except OSError as error:
            self._lose()
            raise ResponseClosedError("Lambda closed the response") from error

    async def send_error(self, report: ErrorReport) -> None:
        """Answer with an error instead of a response; nothing may have been written yet."""
        await self._send_whole(self._api.error_request(self._invocation, report))

    async def send_json(self, body: bytes) -> None:
        """Answer with a buffered JSON response, as AWS's runtime does for any handler."""
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        await self._send_whole(self._api.response_head(self._invocation, headers) + body)

    async def close(self) -> None:
        """Wait for Lambda's verdict on an answer that was sent, log a bad one, and hang up."""
        try:
            # A cancelled flush may have left something behind.
            await self._flush()
            if self._reply is not None:
                _log_verdict(await self._reply)
        except ResponseClosedError:
            pass
        except OSError as error:
            log.warning("Lambda closed the connection without a verdict: %s", error)
        finally:
            if self._reply is not None:
                self._reply.cancel()
            self._connecting.add_done_callback(_hang_up)
            self._connecting.cancel()

    async def _send_whole(self, data: bytes) -> None:
        self._pending = [data]
        self._ended = True
        try:
            await self._flush()
        except ResponseClosedError as error:
            log.warning("The answer could not be sent: %s", error)

    async def _flush(self) -> Connection:
        if not self._connecting.done():
            # Not awaited itself: the app's cancellation must not cancel the connection.
            await asyncio.wait({self._connecting})
        self._write_pending()
        if self._lost:
            raise ResponseClosedError("Lambda closed the response")
        return self._connecting.result()

    def _write_pending(self) -> None:
        if self._connecting.cancelled() or self._connecting.exception() is not None:
            self._lose()
        elif self._pending and not self._lost:
            connection = self._connecting.result()
            connection.write(b"".join(self._pending))
            self._pending.clear()
            if self._reply is None:
                # Read from the first byte on: a refusal or a closed socket is heard at once.
                self._reply = asyncio.create_task(connection.read_reply(), name="verdict")
                self._reply.add_done_callback(self._on_reply)

    def _on_reply(self, reply: asyncio.Task[Reply]) -> None:
        error = None if reply.cancelled() else reply.exception()
        if self._ended or reply.cancelled():
            return
        if error is not None:
            log.warning("Lambda closed the response before its end: %s", error)
        else:
            _log_verdict(reply.result())
        self._lose()

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            self._pending.clear()
            if self.on_lost is not None:
                self.on_lost()


def _log_verdict(reply: Reply) -> None:
    if reply.status == 410:
        log.warning("Lambda refused the response as stale (410): its invocation has timed out")
    elif reply.status != 202:
        log.error("Lambda refused the response: %d", reply.status)


def _hang_up(connecting: asyncio.Task[Connection]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()
