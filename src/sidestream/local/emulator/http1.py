"""The HTTP/1.1 server under both listeners of the emulator: h11 over asyncio streams.

A general ASGI server would hide what the emulator is about: trailers of a request, the size of each
write, and the right to cut a connection. `Exchange` is one request and its response. Every
`send` becomes one write to the socket, on which asyncio has set `TCP_NODELAY`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import h11

from .cors import Headers

_READ_BYTES = 65_536
_MAX_HEAD_BYTES = 65_536
_LINGER_S = 5.0


class DisconnectedError(Exception):
    """The peer went away in the middle of its message, or sent something that is not HTTP."""


class BodyTooLargeError(Exception):
    """The request's body is over the limit; it has been read to its end and dropped."""


class InvalidHeadError(Exception):
    """The status or a header of a response cannot be sent over HTTP/1.1."""


def response_head(status: int, headers: Iterable[tuple[str, str]]) -> h11.Response:
    """The head of a response. Raises `InvalidHeadError`."""
    encoded = [(_encode(name), _encode(value)) for name, value in headers]
    try:
        return h11.Response(status_code=status, headers=encoded)
    except h11.LocalProtocolError as error:
        raise InvalidHeadError(str(error)) from error


class Exchange:
    """One request on a connection, and the response to it.

    Header names are lower-case. Writing to a client that has gone is not an error, the bytes go
    nowhere and `gone` says so: Lambda does not tell a function that its caller left.
    """

    def __init__(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        request: h11.Request,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self._bodiless = request.method == b"HEAD"
        self.method = request.method.decode("ascii")
        self.target = request.target.decode("latin-1")
        self.raw_headers: Headers = [
            (name.decode("ascii"), value.decode("latin-1"))
            for name, value in request.headers.raw_items()
        ]
        self.headers: dict[str, str] = {}
        for name, value in self.raw_headers:
            lowered = name.lower()
            known = self.headers.get(lowered)
            self.headers[lowered] = value if known is None else f"{known},{value}"
        self.trailers: dict[str, str] = {}
        self.started = False
        self.gone = False

    @property
    def peer_host(self) -> str:
        """The address of the other side."""
        peer = self._writer.get_extra_info("peername")
        return str(peer[0]) if peer else "127.0.0.1"

    async def read(self) -> bytes | None:
        """The next piece of the request's body, as it came; None at its end, with `trailers` set.

        Raises `DisconnectedError`.
        """
        try:
            while (event := self._connection.next_event()) is h11.NEED_DATA:
                if self._connection.they_are_waiting_for_100_continue:
                    await self._write(h11.InformationalResponse(status_code=100, headers=[]))
                self._connection.receive_data(await self._reader.read(_READ_BYTES))
        except (h11.RemoteProtocolError, OSError) as error:
            raise DisconnectedError(str(error)) from error
        match event:
            case h11.Data(data=data):
                return bytes(data)
            case h11.EndOfMessage(headers=trailers):
                self.trailers = {
                    name.decode("ascii"): value.decode("latin-1") for name, value in trailers
                }
                return None
        raise DisconnectedError(repr(event))

    async def body(self, limit_bytes: int) -> bytes:
        """The request's whole body. Raises `BodyTooLargeError`, `DisconnectedError`."""
        pieces: list[bytes] = []
        size_bytes = 0
        while (piece := await self.read()) is not None:
            size_bytes += len(piece)
            if size_bytes <= limit_bytes:
                pieces.append(piece)
        if size_bytes > limit_bytes:
            raise BodyTooLargeError
        return b"".join(pieces)

    async def peer_left(self) -> None:
        """Return when the peer closes the connection; for waits in which it should be silent."""
        with suppress(OSError):
            await self._reader.read(1)

    async def start(self, head: h11.Response) -> None:
        """Send the head of the response, made by `response_head`."""
        self.started = True
        self._bodiless = self._bodiless or head.status_code in (204, 304)
        await self._write(head)

    async def send(self, data: bytes) -> None:
        """Send a piece of the body: one write, and a wait when the peer reads slowly."""
        if data and not self._bodiless:
            await self._write(h11.Data(data=data))

    async def end(self) -> None:
        """End the response."""
        await self._write(h11.EndOfMessage())

    async def respond(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Send a whole response."""
        await self.start(response_head(status, [*headers, ("Content-Length", str(len(body)))]))
        await self.send(body)
        await self.end()

    def cut(self) -> None:
        """Close without ending the response, after what was sent: a broken stream."""
        self.gone = True
        self._writer.close()
        # A peer that reads nothing would otherwise keep the socket for ever.
        asyncio.get_running_loop().call_later(_LINGER_S, self._writer.transport.abort)

    def abort(self) -> None:
        """Reset the connection at once, so that the peer's next write fails."""
        self.gone = True
        self._writer.transport.abort()

    async def _write(self, event: h11.Event) -> None:
        if self.gone:
            return
        if self._writer.is_closing():
            self.gone = True
            return
        try:
            self._writer.write(self._connection.send(event) or b"")
            await self._writer.drain()
        except OSError:
            self.gone = True


Handler = Callable[[Exchange], Awaitable[None]]


class HttpServer:
    """A listener on 127.0.0.1; `handler` gets the requests of each connection one by one."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen. Raises `OSError` when the port is taken."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, drop every connection and wait for its handler to end."""
        if self._server is None:
            return
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._server.abort_clients()
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("asyncio serves each connection in a task")
        self._tasks.add(task)
        try:
            await self._serve_requests(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        while True:
            try:
                request = await _next_request(connection, reader)
            except h11.RemoteProtocolError as error:
                await _refuse(connection, writer, error.error_status_hint)
                return
            if request is None:
                return
            exchange = Exchange(connection, reader, writer, request)
            with suppress(DisconnectedError):
                await self._handler(exchange)
            reusable = connection.our_state is h11.DONE and connection.their_state is h11.DONE
            if exchange.gone or not reusable:
                return
            connection.start_next_cycle()


async def _next_request(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> h11.Request | None:
    while (event := connection.next_event()) is h11.NEED_DATA:
        try:
            connection.receive_data(await reader.read(_READ_BYTES))
        except OSError:
            return None
    return event if isinstance(event, h11.Request) else None


async def _refuse(connection: h11.Connection, writer: asyncio.StreamWriter, status: int) -> None:
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    head = h11.Response(
        status_code=status, headers=[("Content-Length", "0"), ("Connection", "close")]
    )
    with suppress(OSError):
        writer.write((connection.send(head) or b"") + (connection.send(h11.EndOfMessage()) or b""))
        await writer.drain()


def _encode(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()
